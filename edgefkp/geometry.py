"""Geometry as one 2x3 matrix that moves an image and its points alike.

A matrix maps source pixels to target pixels, with pixel centres at whole numbers:
(x', y') = M[:, :2] @ (x, y) + M[:, 2]. Angles are in degrees, counter-clockwise as seen on screen.
"""

from typing import NamedTuple

import numpy as np

from edgefkp.layout import CENTRE, MEAN_SHAPE, MIRROR, SIZE

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


class Box(NamedTuple):
    """A square in image pixels: the centre (pixel centres at whole numbers) and the side."""

    x: float
    y: float
    side: float


def crop_matrix(box: Box, size: int = SIZE) -> np.ndarray:
    """The (2, 3) matrix from image pixels to the crop's pixels."""
    scale = size / box.side
    middle = (size - 1) / 2
    return np.array([[scale, 0, middle - scale * box.x], [0, scale, middle - scale * box.y]])


def cut(image: np.ndarray, box: Box, size: int = SIZE) -> np.ndarray:
    """Cut `box` out of a (H, W) gray or (H, W, 3) BGR uint8 image: (size, size) uint8.

    A crop that shrinks the face is blurred first, so that it does not alias; outside of the image the border
    is replicated.
    """
    import cv2

    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    matrix = crop_matrix(box, size)
    shrink = int(box.side // size)
    if shrink >= 2:
        # The largest whole-number reduction by area, of the needed part only; bilinear does the rest.
        half = box.side / 2 + 2 * shrink
        left, top = max(0, int(box.x - half)), max(0, int(box.y - half))
        right, bottom = int(box.x + half) + 2, int(box.y + half) + 2
        part = image[top:bottom, left:right]
        rows, columns = part.shape[0] // shrink, part.shape[1] // shrink
        if rows and columns:
            part = cv2.resize(part[: rows * shrink, : columns * shrink], (columns, rows), interpolation=cv2.INTER_AREA)
            # Pixel (i) of the reduced part has its centre at left + i * shrink + (shrink - 1) / 2.
            offset = (shrink - 1) / 2
            matrix[:, 2] += matrix[:, :2] @ (left + offset, top + offset)
            matrix[:, :2] *= shrink
            image = part
    return move_image(matrix, image, size)


def box_of_keypoints(keypoints: np.ndarray, mean_shape: np.ndarray = MEAN_SHAPE) -> Box:
    """The box that puts (15, 2) image points closest to where a face sits in a training crop.

    Least squares for scale and shift over the points that are there (at least two; NaN = missing).
    """
    there = ~np.isnan(keypoints).any(-1)
    points, shape = keypoints[there].astype(float), mean_shape[there].astype(float)
    if len(points) < 2:
        raise ValueError(f"{len(points)} keypoints do not determine a box: two or more are needed")
    centred = shape - shape.mean(0)
    scale = ((points - points.mean(0)) * centred).sum() / (centred**2).sum()
    middle = points.mean(0) + scale * ((CENTRE, CENTRE) - shape.mean(0))
    return Box(float(middle[0]), float(middle[1]), float(abs(scale) * SIZE))
