"""Where a point should be, judged by the other points of its face and by how faces vary."""

import numpy as np

from edgefkp.layout import COUNT, MEAN_SHAPE

# Before faces are seen, points are thought to scatter independently; this prior weighs as many faces.
_PRIOR_SPREAD, _PRIOR_FACES = 2.5, 60  # pixels, faces
_TRUSTED_SHARE = 0.9  # of the faces, the most usual, define the variation
_ROUNDS = 3
_LABEL_NOISE = 0.7  # pixels: no point can be foretold better than that
_ANY_POSE = 1e4  # variance along shift, scale and rotation: they say nothing about a label
_LEAST_POINTS = 4  # shift, scale and rotation need two; with three, one is judged by noise alone


def unexpectedness(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each point is from where the other points of its face put it.

    keypoints: (N, 15, 2) pixels, NaN = missing. Returns (N, 15) pixels, at the mean face's size, and (N, 15) in
    standard deviations of such a prediction; NaN where a point is missing or its face has fewer than four.
    """
    aligned = _aligned(keypoints.astype(float))
    mean, covariance = _variation(aligned)
    distance = np.full(keypoints.shape[:2], np.nan)
    deviation = np.full(keypoints.shape[:2], np.nan)
    there = ~np.isnan(aligned).any(-1)
    patterns, pattern_of = np.unique(there, axis=0, return_inverse=True)
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
            # Leaving a point out and foretelling it needs no second inverse: it stands in the precision matrix.
            error = weighted[:, own] @ np.linalg.inv(precision[own, own])
            distance[rows, point] = np.linalg.norm(error, axis=1)
            deviation[rows, point] = np.sqrt(np.maximum(0, (error @ precision[own, own] * error).sum(1)))
    return distance, deviation


def _aligned(keypoints: np.ndarray) -> np.ndarray:
    """Each face shifted, scaled and rotated onto the mean shape (least squares); NaN with fewer than two points."""
    aligned = np.full_like(keypoints, np.nan)
    for row, points in enumerate(keypoints):
        there = ~np.isnan(points).any(-1)
        if there.sum() < 2:
            continue
        source = points[there] @ (1, 1j)
        target = MEAN_SHAPE[there].astype(float) @ (1, 1j)
        centred = source - source.mean()
        size = (np.abs(centred) ** 2).sum()
        if size == 0:
            continue
        turned = centred * ((centred.conj() @ (target - target.mean())) / size) + target.mean()
        aligned[row, there] = np.stack([turned.real, turned.imag], -1)
    return aligned


def _variation(aligned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (15, 2) and covariance (30, 30) of the complete faces, unusual ones left out, any pose allowed."""
    complete = aligned[~np.isnan(aligned).any((1, 2))].reshape(-1, 2 * COUNT)
    prior_mean = MEAN_SHAPE.astype(float).ravel()
    mean, covariance = prior_mean, _PRIOR_SPREAD**2 * np.eye(2 * COUNT)
    trusted = complete
    for _ in range(_ROUNDS):
        n = len(trusted)
        mean = (trusted.sum(0) + _PRIOR_FACES * prior_mean) / (n + _PRIOR_FACES) if n else prior_mean
        spread = (trusted - mean).T @ (trusted - mean)
        covariance = (spread + _PRIOR_FACES * _PRIOR_SPREAD**2 * np.eye(2 * COUNT)) / (n + _PRIOR_FACES)
        covariance += _LABEL_NOISE**2 * np.eye(2 * COUNT)
        if n:
            centred = complete - mean
            unusual = (centred @ np.linalg.inv(covariance) * centred).sum(1)
            trusted = complete[unusual <= np.quantile(unusual, _TRUSTED_SHARE)]
    shape = mean.reshape(COUNT, 2) - mean.reshape(COUNT, 2).mean(0)
    quarter_turn = shape @ np.array([[0.0, -1], [1, 0]])
    poses = [np.tile(axis, (COUNT, 1)) for axis in ((1, 0), (0, 1))] + [shape / 30, quarter_turn / 30]
    basis = np.stack([pose.ravel() for pose in poses])
    return mean.reshape(COUNT, 2), covariance + _ANY_POSE * basis.T @ basis
