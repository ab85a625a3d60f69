"""Numbers in tables from outside: how they are written, and how far a point can be from its image."""

from __future__ import annotations

import math
import re

import numpy as np

from edgefkp.layout import PointLayout

MISSING = math.nan
# Pixels in any image: no image that can be read is as wide, and float32 holds a hundredth of a pixel there.
FARTHEST = 1e5
# Sides of a crop that a point may be away from it: beyond, it is no point of that face. Audits list all outside of it.
REACH = 10
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"\s*\d{1,18}\s*", re.ASCII)


# An empty cell, as people and their programs write it.
_NOTHING = {"", "nan", "na", "n/a", "#n/a", "<na>", "none", "null"}


def coordinate(text: str) -> float | None:
    """Pixels; NaN for an empty cell and for words that mean one, None for what is no number or beyond any image."""
    if text.strip().lower() in _NOTHING:
        return MISSING
    # float() reads "1_0" as 10 and takes "infinity", too.
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if abs(value) <= FARTHEST else None


def whole(text: str) -> int:
    """Raises ValueError for what is not a whole number in plain digits."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not a whole number")
    return int(text)


def as_points(numbers: np.ndarray) -> np.ndarray:
    """float32, with infinity for what float32 cannot hold: `too_far` then names it."""
    with np.errstate(over="ignore"):
        points: np.ndarray = numbers.astype(np.float32)
        return points


def too_far(keypoints: np.ndarray, side: int, layout: PointLayout) -> tuple[int, str] | None:
    """The first row of (N, K, 2) with a point that is farther than REACH sides from its image, and which point it is;
    None without one."""
    far = ~(np.abs(np.nan_to_num(keypoints - (side - 1) / 2, nan=0.0, posinf=np.inf, neginf=-np.inf)) < REACH * side)
    if not far.any():
        return None
    row, k, axis = np.argwhere(far)[0].tolist()
    return row, f"{layout.points[k]}_{'xy'[axis]} is {keypoints[row, k, axis]:.6g}"
