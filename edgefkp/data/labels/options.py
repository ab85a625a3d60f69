"""How the numbers of a table of points are read: the options that turn what somebody else's tool wrote into pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from edgefkp.errors import UsageError
from edgefkp.layout import PointLayout

# Of the numbers in a table of points: what they are.
UNITS = {
    "pixels": "pixels of the image",
    "share": "shares of the image's width and height, 0..1",
    "centered": "-1..1 from edge to edge of the image",
    "percent": "percent of the image's width and height",
}
# Which image the points are of where its EXIF data turn it: as every viewer shows it, or as it is stored.
EXIF = ("shown", "stored")
UPRIGHT = 1  # of the eight EXIF orientations
_SIZE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")


@dataclass(frozen=True)
class LabelOptions:
    """What is done with points as they are read, before anything else; the defaults take them as they are.

    Raises UsageError for a value that no option has.
    """

    # Numbers that stand for a missing point where both of its coordinates are that number: -1, 0.
    missing: tuple[float, ...] = ()
    # The columns of x hold y, and those of y hold x.
    swap_xy: bool = False
    # One of UNITS, or "640x480": pixels of a copy of that size. "": pixels, unless the points cannot be that.
    unit: str = ""
    # Points are multiplied by it: 0.25 for points placed on a copy four times as large.
    scale: float = 1.0
    # y counts from the lower edge.
    flip_y: bool = False
    # One of EXIF.
    exif: str = "shown"
    # Left and right are as the viewer has them: left points get the names of right ones.
    mirror_names: bool = False
    # What would be refused is a warning.
    trusted: bool = False

    def __post_init__(self) -> None:
        if self.unit and self.unit not in UNITS and not _SIZE.fullmatch(self.unit):
            raise UsageError(
                f"unknown unit '{self.unit}'", f"choose one of: {', '.join(UNITS)}, or a size such as 640x480"
            )
        if self.exif not in EXIF:
            raise UsageError(f"unknown value '{self.exif}' of exif", f"choose one of: {', '.join(EXIF)}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise UsageError(f"points cannot be multiplied by {self.scale}", "give a number above 0")
        if not all(map(math.isfinite, self.missing)):
            raise UsageError("a number that stands for a missing point has to be finite", "for example -1")

    @property
    def changes_points(self) -> bool:
        """Whether points are not taken as they are: only then a model's card has these options."""
        return any(
            getattr(self, field.name) != field.default
            for field in fields(self)
            if field.name not in ("unit", "trusted")
        ) or self.unit not in ("", "pixels")

    def points(self, raw: np.ndarray, sizes: np.ndarray, turns: np.ndarray, layout: PointLayout) -> np.ndarray:
        """(N, K, 2) numbers of a table as pixels of the image as it is shown, float32; `raw` itself without a change.

        sizes: (N, 2) width and height of the images as shown. turns: (N,) their EXIF orientations, 1..8.
        """
        if not self.changes_points:
            return raw
        points = raw.astype(np.float64)
        for number in self.missing:
            points[(raw == np.float32(number)).all(-1)] = np.nan
        if self.swap_xy:
            points = points[..., ::-1]
        turns = turns if self.exif == "stored" else np.full(len(raw), UPRIGHT)
        stored = np.where((turns >= 5)[:, None], sizes[:, ::-1], sizes).astype(np.float64)
        points = self._in_pixels(points, stored[:, None]) * self.scale
        if self.flip_y:
            points = np.stack([points[..., 0], stored[:, None, 1] - 1 - points[..., 1]], -1)
        points = turned(points, stored, turns)
        return self.named(points, layout).astype(np.float32)

    def _in_pixels(self, points: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        if _SIZE.fullmatch(self.unit):
            return points * sizes / np.array([float(number) for number in self.unit.split("x")])
        return {
            "share": lambda: points * sizes,
            "percent": lambda: points * sizes / 100,
            "centered": lambda: (points + 1) * sizes / 2,
        }.get(self.unit, lambda: points)()

    def named(self, of_points: np.ndarray, layout: PointLayout) -> np.ndarray:
        """(N, K, ...) values of each point, each under the name that its point gets."""
        return of_points[:, layout.mirror_order] if self.mirror_names else of_points

    def typed(self, before: LabelOptions) -> str:
        """What of a command that has the options `before` has to change for these: "add --swap-xy"."""
        added = [f"--missing {number:g}" for number in self.missing if number not in before.missing]
        removed = []
        for name, option in _TYPED.items():
            value, was = getattr(self, name), getattr(before, name)
            if value == getattr(AS_THEY_ARE, name) != was:
                removed.append(_typed(option, was))
            elif value != was:
                added.append(_typed(option, value))
        return " and ".join(
            f"{verb} {' '.join(words)}" for verb, words in (("add", added), ("leave out", removed)) if words
        )

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}


_TYPED = {
    "swap_xy": "--swap-xy",
    "unit": "--unit",
    "scale": "--scale",
    "flip_y": "--flip-y",
    "exif": "--exif",
    "mirror_names": "--mirror-names",
    "trusted": "--trust-labels",
}
AS_THEY_ARE = LabelOptions()


def _typed(option: str, value: bool | float | str) -> str:
    return option if value is True else f"{option} {value:.6g}" if isinstance(value, float) else f"{option} {value}"


def turned(points: np.ndarray, sizes: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """(N, K, 2) pixels of images as they are stored -> of the images as their EXIF orientation shows them.

    sizes: (N, 2) width and height as stored. turns: (N,) orientations 1..8.
    """
    x, y = points[..., 0], points[..., 1]
    right, bottom = (sizes - 1).T[..., None] - np.stack([x, y])
    shown = {
        2: (right, y), 3: (right, bottom), 4: (x, bottom), 5: (y, x), 6: (bottom, x), 7: (bottom, right), 8: (y, right),
    }  # fmt: skip
    moved = points.copy()
    for turn, (across, down) in shown.items():
        rows = turns == turn
        moved[rows] = np.stack([across[rows], down[rows]], -1)
    return moved
