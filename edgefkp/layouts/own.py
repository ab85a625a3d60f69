"""Layouts of one's own: from a JSON file, and the mean shape of labeled faces."""

from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.layouts.base import LAYOUTS, PointLayout

EXTENT = 0.72  # of the box: the scatter of training crops and a turned head move no chin out of it
_ROUNDS = 10  # the mean that faces are brought to is that of the round before
_HINT = (
    "an object with name, points, mean_shape ([x, y] of each point, the box's edges at 0 and 1) and nme_pair "
    "([[names], [names]]); optional: mirror, lines, maps"
)


def read_layout(path: Path) -> PointLayout:
    """The layout that a JSON file defines.

    Raises EdgefkpError for a file that is damaged or contradicts itself, and for a known name with other points.
    """
    try:
        layout = PointLayout.from_json(read_json(path))
    except ValueError as error:
        raise EdgefkpError(f"{path} is not a whole point layout: {error}", _HINT) from error
    if layout.name in LAYOUTS and LAYOUTS[layout.name] != layout:
        raise EdgefkpError(
            f"{path} defines {layout.name}, which is another layout that every edgefkp knows",
            "give yours another name",
        )
    return layout


def mean_shape(faces: np.ndarray, mirror: np.ndarray | None = None) -> np.ndarray:
    """(K, 2) in units of the box, from (N, K, 2) faces in any images; NaN = missing.

    The faces are brought over each other by shift and scale, and their mean is put into the middle of its box, EXTENT
    of it wide or high. mirror: where it is given, faces count together with their mirror images.
    Raises ValueError where no face has all points.
    """
    faces = faces[~np.isnan(faces).any((1, 2))].astype(np.float64)
    if not len(faces):
        raise ValueError("no face has all points")
    centered = faces - faces.mean(1, keepdims=True)
    shape = centered[0]
    for _ in range(_ROUNDS):
        shape = shape / np.linalg.norm(shape)
        scale = (centered * shape).sum((1, 2)) / (centered**2).sum((1, 2))
        shape = (centered * scale[:, None, None]).mean(0)
        if mirror is not None:
            shape = (shape + shape[mirror] * (-1, 1)) / 2
    low, high = shape.min(0), shape.max(0)
    return 0.5 + (shape - (low + high) / 2) * EXTENT / (high - low).max()
