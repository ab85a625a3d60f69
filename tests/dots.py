"""Images whose points can be seen: a soft bright dot at each."""

import numpy as np


def dots(points: np.ndarray, side: int = 96) -> np.ndarray:
    """(side, side) uint8: dark, with a soft bright dot at each of (K, 2) points."""
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side))
    for px, py in points:
        image = np.maximum(image, np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.5**2)))
    return np.rint(255 * image).astype(np.uint8)


def dot_near(image: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(2,) centroid of the light within 4 px of `point` in a (side, side[, 3]) image."""
    light = image if image.ndim == 2 else image.mean(-1)
    y, x = np.mgrid[: len(light), : len(light)]
    weight = light * (np.hypot(x - point[0], y - point[1]) < 4.0).astype(float)
    center: np.ndarray = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    return center
