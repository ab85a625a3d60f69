"""Where a point should be, judged by the other points of its face and by how faces vary."""

from __future__ import annotations

import numpy as np

from edgefkp.data.labels.fit import Fit
from edgefkp.layout import REFERENCE_SIDE, PointLayout

# Lengths are pixels of a mean face of REFERENCE_SIDE.
# Before faces are seen, points are thought to scatter independently; this prior weighs as many faces.
_PRIOR_SPREAD, _PRIOR_FACES = 2.5, 60  # pixels, faces
_TRUSTED_SHARE = 0.9  # of the faces, the most usual, define the variation
_ROUNDS = 3
_LABEL_NOISE = 0.7  # pixels: no point can be predicted better than that
_ANY_POSE = 1e4  # variance along shift, scale and rotation: they carry no information about a label
_ARM = 30  # pixels from the face's middle: at this distance, scale and rotation are as free as shift
_LEAST_POINTS = 4  # shift, scale and rotation need two; with three, one is judged by noise alone


def outlier_scores(keypoints: np.ndarray, layout: PointLayout, side: int) -> tuple[np.ndarray, np.ndarray]:
    """How far each point is from where the other points of its face put it.

    keypoints: (N, K, 2) pixels of images of that side, NaN = missing. Returns (N, K) pixels, at the mean face's size,
    and (N, K) in standard deviations of such a prediction; NaN where a point is missing or its face has too few.
    """
    shape = layout.mean_points().astype(float)
    aligned = Fit(keypoints, layout).laid()
    mean, covariance = _variation(aligned, shape)
    distance = np.full(keypoints.shape[:2], np.nan)
    deviation = np.full(keypoints.shape[:2], np.nan)
    present = ~np.isnan(aligned).any(-1)
    patterns, pattern_of = np.unique(present, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.sum() < _LEAST_POINTS:
            continue
        rows = np.flatnonzero(pattern_of.ravel() == number)
        points = np.flatnonzero(pattern)
        coordinates = np.flatnonzero(pattern.repeat(2))
        precision = np.linalg.inv(covariance[np.ix_(coordinates, coordinates)])
        weighted = (aligned[rows][:, points] - mean[points]).reshape(len(rows), -1) @ precision
        for k, point in enumerate(points):
            own = slice(2 * k, 2 * k + 2)
            # Predicting a point from the others needs no second inverse: it stands in the precision matrix.
            error = weighted[:, own] @ np.linalg.inv(precision[own, own])
            distance[rows, point] = np.linalg.norm(error, axis=1)
            deviation[rows, point] = np.sqrt(np.maximum(0, (error @ precision[own, own] * error).sum(1)))
    return distance * (side / REFERENCE_SIDE), deviation


def _variation(aligned: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (K, 2) and covariance (2 K, 2 K) of the complete faces, unusual ones left out, any pose allowed."""
    count = len(shape)
    complete = aligned[~np.isnan(aligned).any((1, 2))].reshape(-1, 2 * count)
    prior_mean = shape.ravel()
    mean, covariance = prior_mean, _PRIOR_SPREAD**2 * np.eye(2 * count)
    trusted = complete
    for _ in range(_ROUNDS):
        n = len(trusted)
        mean = (trusted.sum(0) + _PRIOR_FACES * prior_mean) / (n + _PRIOR_FACES) if n else prior_mean
        spread = (trusted - mean).T @ (trusted - mean)
        covariance = (spread + _PRIOR_FACES * _PRIOR_SPREAD**2 * np.eye(2 * count)) / (n + _PRIOR_FACES)
        covariance += _LABEL_NOISE**2 * np.eye(2 * count)
        if n:
            centered = complete - mean
            unusual = (centered @ np.linalg.inv(covariance) * centered).sum(1)
            trusted = complete[unusual <= np.quantile(unusual, _TRUSTED_SHARE)]
    around = mean.reshape(count, 2) - mean.reshape(count, 2).mean(0)
    quarter_turn = around @ np.array([[0.0, -1], [1, 0]])
    poses = [np.tile(axis, (count, 1)) for axis in ((1, 0), (0, 1))] + [around / _ARM, quarter_turn / _ARM]
    basis = np.stack([pose.ravel() for pose in poses])
    return mean.reshape(count, 2), covariance + _ANY_POSE * basis.T @ basis
