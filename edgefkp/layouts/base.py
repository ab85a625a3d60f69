"""Which points a face has: names, order, and what has to be known of them to train, score and draw."""

from __future__ import annotations

import pkgutil
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.records import Registry, fields_from

REFERENCE_SIDE = 96  # pixels; lengths in recipes and in constants of the package are those of an image of this side


@dataclass(frozen=True)
class PointMap:
    """How the points of another layout follow from the points of the layout that has this map.

    A point of the other layout that is not named here is the point of the same name.
    """

    to: str  # name of the other layout
    # (a point there, the points here whose mean it is)
    points: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class PointLayout:
    """The points of a face: names, order, and what has to be known of them to train, score and draw.

    Raises EdgefkpError for a definition that contradicts itself.
    """

    # A word, as in --layout; it becomes part of the names of models, but for the first layout of all.
    name: str
    points: tuple[str, ...]
    # (x, y) of each point in units of the face's box, the box's edges at 0 and 1: where a face sits in a training crop.
    mean_shape: tuple[tuple[float, float], ...]
    # The points whose distance normalizes NME: two groups of names, each group standing for its mean.
    nme_pair: tuple[tuple[str, ...], tuple[str, ...]]
    # mirror[k]: the point that k becomes in a mirrored image. Where it is not given: left and right in the names swap.
    mirror: tuple[int, ...] = ()
    # Pairs of names between which a line is drawn.
    lines: tuple[tuple[str, str], ...] = ()
    # Two groups as in `nme_pair`, where they are not those that Kaggle's names name: outer eye corners, and pupils.
    eye_corners: tuple[tuple[str, ...], ...] = ()
    pupils: tuple[tuple[str, ...], ...] = ()
    # How the points of other layouts follow from these.
    maps: tuple[PointMap, ...] = ()

    def __post_init__(self) -> None:
        # 9 digits, as JSON files keep them: a layout that is read back equals the one that was written.
        shape = tuple(tuple(float(f"{number:.9g}") for number in place) for place in self.mean_shape)
        object.__setattr__(self, "mean_shape", shape)
        if not self.mirror:
            object.__setattr__(self, "mirror", tuple(self._index(_other_side(name)) for name in self.points))
        sources = [names for one in self.maps for _, names in one.points]
        groups = (*self.nme_pair, *self.eye_corners, *self.pupils, *self.lines, *sources)
        used = [name for group in groups for name in group]
        problem = ""
        if not self.points or len(set(self.points)) < len(self.points):
            problem = "needs points whose names differ"
        elif [len(place) for place in self.mean_shape] != [2] * self.count:
            problem = f"has {len(self.mean_shape)} places in its mean shape for {len(self.points)} points"
        elif [self.mirror[k] if 0 <= k < len(self.mirror) else -1 for k in self.mirror] != list(range(self.count)):
            problem = "is another face after mirroring twice"
        elif unknown := [name for name in used if name not in self.points]:
            problem = f"has no point '{unknown[0]}'"
        if problem:
            raise EdgefkpError(f"the point layout {self.name} {problem}", "correct its definition")

    def _index(self, name: str) -> int:
        if name not in self.points:
            raise EdgefkpError(
                f"the point layout {self.name} has no point '{name}'", f"points: {', '.join(self.points[:8])}"
            )
        return self.points.index(name)

    @property
    def count(self) -> int:
        return len(self.points)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the 2 K columns of a table: x and y of each point, in order."""
        return tuple(f"{name}_{axis}" for name in self.points for axis in "xy")

    @cached_property
    def mirror_order(self) -> np.ndarray:
        """(K,) int: keypoints[..., mirror_order, :] are the points of the mirrored face in the usual order."""
        return np.array(self.mirror)

    def rows(self, *names: str) -> np.ndarray:
        """(n,) int: where these points stand. Raises EdgefkpError for a name that the layout does not have."""
        return np.array([self._index(name) for name in names])

    def has(self, *names: str) -> bool:
        return set(names) <= set(self.points)

    def mean_points(self, side: int = REFERENCE_SIDE) -> np.ndarray:
        """(K, 2) float32 pixels of a square crop of that side: the mean shape."""
        return (np.array(self.mean_shape, np.float64) * side - 0.5).astype(np.float32)

    def part(self, *names: str) -> PointLayout:
        """A layout of these points alone, in this order; NME is then over the first and the last of them."""
        others = [_other_side(name) for name in names]
        mirror = tuple(names.index(other) if other in names else k for k, other in enumerate(others))
        shape = tuple(self.mean_shape[self._index(name)] for name in names)
        return PointLayout(f"{self.name}-part", names, shape, ((names[0],), (names[-1],)), mirror)

    def seen_in(self, scale: float) -> PointLayout:
        """The same points for networks whose squares are `scale` times as wide as those of this layout."""
        shape = tuple(tuple(0.5 + (number - 0.5) / scale for number in place) for place in self.mean_shape)
        return replace(self, name=f"{self.name}_x{round(100 * scale)}", mean_shape=shape)  # type: ignore[arg-type]

    def nme_distance(self, keypoints: np.ndarray, pair: tuple[tuple[str, ...], ...] = ()) -> np.ndarray:
        """(N,) distance of the groups of `pair`, else `nme_pair`, in (N, K, 2) points; NaN where a point is missing."""
        one, other = (keypoints[:, self.rows(*group)].mean(1) for group in pair or self.nme_pair)
        distance: np.ndarray = np.linalg.norm(one - other, axis=-1)
        return distance

    def to_json(self) -> Any:
        """Its name if every edgefkp knows it, else the whole definition: what is read elsewhere knows no other ones."""
        if self.name in _BUILT_IN and self.name in LAYOUTS and LAYOUTS[self.name] == self:
            return self.name
        return {name: value for name, value in asdict(self).items() if value or name == "lines"}

    @classmethod
    def from_json(cls, value: Any) -> PointLayout:
        """From a name or a whole definition. Raises ValueError for anything else."""
        if isinstance(value, str):
            if value not in LAYOUTS.names():
                raise ValueError(f"unknown point layout '{value}' (known: {', '.join(LAYOUTS.names())})")
            return LAYOUTS[value]
        if not isinstance(value, dict) or not {"name", "points", "mean_shape", "nme_pair"} <= value.keys():
            raise ValueError("a point layout is a name, or an object with name, points, mean_shape and nme_pair")
        return fields_from(cls, value)


# Red, green, blue of the points on dark and bright images. Left and right are the subject's. The least color difference
# of two of them is 50 (CIE 1976) for eyes without red, green or blue cones (Machado and others, 2009), too.
SIDE_COLORS = {"left": (255, 170, 30), "right": (40, 150, 255), "middle": (255, 255, 255)}


def side_of(point: str) -> str:
    """ "left", "right" or "middle", by the point's name."""
    words = point.split("_")
    return next((side for side in ("left", "right") if side in words), "middle")


def chain(*points: str, closed: bool = False) -> tuple[tuple[str, str], ...]:
    """Lines from each point to the next and, if closed, from the last one to the first."""
    ends = (*points[1:], points[0]) if closed else points[1:]
    return tuple(zip(points, ends, strict=False))


def _other_side(point: str) -> str:
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in point.split("_"))


LAYOUTS: Registry[PointLayout] = Registry("point layout", "edgefkp.layouts", order=lambda layout: layout.count)

# A file of this folder is called like the layout that it registers: these every edgefkp knows.
_BUILT_IN = {module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])}
