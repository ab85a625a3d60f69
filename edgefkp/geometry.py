"""Geometry as one 2x3 matrix that moves an image and its points alike.

A matrix maps source pixels to target pixels, with pixel centres at whole numbers:
(x', y') = M[:, :2] @ (x, y) + M[:, 2]. Angles are in degrees, counter-clockwise as seen on screen.
"""

import numpy as np

from edgefkp.keypoints import CENTRE, MIRROR, SIZE

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def similarity(
    degrees: float = 0, scale: float = 1, shift: tuple[float, float] = (0, 0), centre: float = CENTRE
) -> np.ndarray:
    """Rotate and scale about the image's centre, then shift by (x, y) pixels: (2, 3) float64."""
    radians = np.deg2rad(degrees)
    cos, sin = scale * np.cos(radians), scale * np.sin(radians)
    linear = np.array([[cos, sin], [-sin, cos]])
    offset = centre - linear @ (centre, centre) + shift
    return np.column_stack([linear, offset])


def mirror(size: int = SIZE) -> np.ndarray:
    """x' = size - 1 - x. Points also change sides: see `move_points(..., mirrored=True)`."""
    return np.array([[-1.0, 0, size - 1], [0, 1, 0]])


def compose(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """The matrix that does `first`, then `then`."""
    return np.column_stack([then[:, :2] @ first[:, :2], then[:, :2] @ first[:, 2] + then[:, 2]])


def invert(matrix: np.ndarray) -> np.ndarray:
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def move_points(matrix: np.ndarray, keypoints: np.ndarray, mirrored: bool = False) -> np.ndarray:
    """Move (..., K, 2) points; `mirrored` also swaps left and right, so the names stay true."""
    moved = keypoints @ matrix[:, :2].T.astype(keypoints.dtype) + matrix[:, 2].astype(keypoints.dtype)
    return moved[..., MIRROR, :] if mirrored else moved


def move_image(matrix: np.ndarray, image: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Resample a (H, W) or (H, W, C) uint8 image into (size, size); the border is replicated."""
    import cv2

    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
