"""Training crops out of whole images: cut around the known points, with the scatter of Kaggle's own crops."""

from __future__ import annotations

import math
import random

import numpy as np

from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, move_points
from edgefkp.layout import REFERENCE_SIDE, InputSpec, PointLayout

# Standard deviations of scale and position in Kaggle's crops, after each face is fitted to the mean shape.
SCALE_SCATTER = 0.076  # of the side
POSITION_SCATTER = 2.3  # pixels of a crop of REFERENCE_SIDE
FARTHEST = 2.5  # standard deviations: beyond, chins and brows would leave the crop


def cut_face(
    image: np.ndarray, keypoints: np.ndarray, name: str, layout: PointLayout, spec: InputSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the face with (K, 2) points out of a (H, W) or (H, W, 3) BGR image.

    Returns a uint8 crop of `spec.image_shape` and its (K, 2) float32 points. The same `name` always gives the same
    crop. Raises ValueError for fewer than two points.
    """
    box = scattered(box_of_keypoints(keypoints, layout), name)
    return crop_face(image, box, spec), move_points(crop_matrix(box, spec.side), keypoints).astype(np.float32)


def scattered(box: Box, name: str) -> Box:
    """`box` moved and scaled by an amount that depends on `name` alone."""
    # Random.random() of a text seed is fixed across Python versions; no other generator promises that.
    numbers = random.Random(name.encode(errors="surrogateescape"))
    scale, x, y = (_bounded_normal(numbers.random()) for _ in range(3))
    pixel = box.side / REFERENCE_SIDE * POSITION_SCATTER
    return Box(box.x + x * pixel, box.y + y * pixel, box.side * math.exp(scale * SCALE_SCATTER))


def _bounded_normal(uniform: float) -> float:
    from statistics import NormalDist  # takes long to import, and --help imports this file

    edge = NormalDist().cdf(-FARTHEST)
    return NormalDist().inv_cdf(edge + uniform * (1 - 2 * edge))
