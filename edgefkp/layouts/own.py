"""Layouts of one's own: from a JSON file, and the mean shape of labeled faces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.layouts.base import LAYOUTS, PointLayout

EXTENT = 0.72  # of the box: the scatter of training crops and a turned head move no chin out of it
_ROUNDS = 10  # the mean that faces are brought to is that of the round before
_FARTHEST = 10  # boxes that a place of a mean shape may be away from its box
_SMALLEST = 0.01  # of the box: extent of a mean shape
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
    if problem := _problem(layout):
        raise EdgefkpError(f"{path}: the point layout {layout.name[:60]} {problem}", "correct the file")
    if layout.name in LAYOUTS and LAYOUTS[layout.name] != layout:
        raise EdgefkpError(
            f"{path} defines {layout.name}, which is another layout that every edgefkp knows",
            "give yours another name",
        )
    return layout


def _problem(layout: PointLayout) -> str:
    """What a definition from outside may have wrong though it does not contradict itself; "" for a usable one."""
    shape = np.array(layout.mean_shape)
    if not re.fullmatch(r"[A-Za-z0-9_]{1,40}", layout.name):
        return "needs a name of at most 40 letters, digits and underscores: it becomes part of names of files"
    if not (np.abs(shape) <= _FARTHEST).all():
        return f"has a place in its mean shape that is not within {_FARTHEST} boxes"
    if layout.count > 1 and np.ptp(shape, 0).max() < _SMALLEST:
        return "has a mean shape whose points are all in one place"
    return ""


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
