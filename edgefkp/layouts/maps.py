"""From the points of one layout to those of another: by their names, and by the maps that layouts have."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layouts.base import LAYOUTS, PointLayout

# Of each point of the next layout: rows of the points whose mean it is.
Step = tuple[tuple[int, ...], ...]

_DERIVED = 2  # label source of a point that is the mean of several


@dataclass(frozen=True)
class Conversion:
    """Turns points of one layout into points of another, step by step; a point with a missing source is missing."""

    steps: tuple[Step, ...]

    def __call__(self, keypoints: np.ndarray) -> np.ndarray:
        """(..., K, 2) points -> (..., L, 2) of the same type."""
        for step in self.steps:
            keypoints = np.stack([keypoints[..., list(rows), :].mean(-2) for rows in step], -2)
        return keypoints

    def label_sources(self, label_src: np.ndarray) -> np.ndarray:
        """(N, K) label sources (Faces.label_src) -> (N, L). The mean of several points has the weakest of theirs, and
        is derived at best."""
        for step in self.steps:
            columns = []
            for rows in step:
                own = label_src[:, list(rows)]
                weakest = np.where((own == 0).any(1), 0, own.max(1))
                columns.append(np.where(weakest == 1, _DERIVED, weakest) if len(rows) > 1 else weakest)
            label_src = np.stack(columns, 1).astype(label_src.dtype)
        return label_src


@lru_cache(maxsize=256)
def find_conversion(source: PointLayout, target: PointLayout) -> Conversion | None:
    """The shortest way from one layout to another; None if no map leads there."""
    if source == target:
        return Conversion(())
    waiting: deque[tuple[PointLayout, tuple[Step, ...]]] = deque([(source, ())])
    seen = {source.name}
    while waiting:
        layout, steps = waiting.popleft()
        if layout == target:
            return Conversion(steps)
        if layout.has(*target.points):
            return Conversion((*steps, _rows(layout, target, {})))
        for one in layout.maps:
            if one.to not in seen and (one.to == target.name or one.to in LAYOUTS):
                reached, sources = target if one.to == target.name else LAYOUTS[one.to], dict(one.points)
                if all(name in sources or layout.has(name) for name in reached.points):
                    seen.add(one.to)
                    waiting.append((reached, (*steps, _rows(layout, reached, sources))))
    return None


def _rows(layout: PointLayout, target: PointLayout, sources: dict[str, tuple[str, ...]]) -> Step:
    return tuple(tuple(layout.rows(*sources.get(name, (name,))).tolist()) for name in target.points)


@lru_cache(maxsize=256)
def common_part(source: PointLayout, target: PointLayout) -> tuple[PointLayout, Conversion] | None:
    """As much of `target` as follows from `source`, and the way there: all of it, or two points or more that have the
    same names or stand in the source's map; else None."""
    if convert := find_conversion(source, target):
        return target, convert
    sources = next((dict(one.points) for one in source.maps if one.to == target.name), {})
    known = [name for name in target.points if name in sources or source.has(name)]
    if len(known) < 2:
        return None
    part = target.part(*known)
    return part, Conversion((_rows(source, part, sources),))


def conversion(source: PointLayout, target: PointLayout) -> Conversion:
    """As `find_conversion`. Raises EdgefkpError if no map leads from the one to the other."""
    found = find_conversion(source, target)
    if found is None:
        missing = [name for name in target.points if not source.has(name)]
        raise EdgefkpError(
            f"the faces have the {source.count} points of {source.name}, and not {', '.join(missing[:3])} of "
            f"{target.name}",
            f"give faces with the points of {target.name}, or ask for {source.name}",
        )
    return found
