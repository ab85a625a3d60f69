"""Layouts of one's own, from a JSON file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.layouts.base import LAYOUTS, PointLayout

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
