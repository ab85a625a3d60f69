"""Labels as they are judged: the numbers that were read, and the points that options make of them."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.fit import Fit
from edgefkp.data.labels.options import LabelOptions
from edgefkp.data.own_layout import eyes_and_mouth, is_own, made_again
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, PointLayout

MOST = 0.5  # of the faces: what more of them have is the cause, and what fewer have is a doubt


@dataclass(frozen=True, eq=False)
class RawLabels:
    """Points as they were read, and all that judging them takes."""

    points: np.ndarray  # (N, K, 2) float32, NaN = missing
    sizes: np.ndarray  # (N, 2) width and height of the images as shown, pixels; 0 where unknown
    turns: np.ndarray  # (N,) EXIF orientations, 1..8
    layout: PointLayout
    rows: np.ndarray  # (N,) str, where each stands: "row 2"
    ids: np.ndarray  # (N,) str
    persons: np.ndarray | None = None  # (N,) str

    def first(self, of: np.ndarray) -> str:
        """The first face of a mask."""
        row = int(np.flatnonzero(of)[0])
        return f"{self.rows[row]} ({str(self.ids[row])[:60]})"


_EYES_AND_MOUTH = KAGGLE15.part("left_eye_center", "right_eye_center", "mouth_center_top_lip")


@dataclass(frozen=True, eq=False)
class Seen:
    """Labels with options applied."""

    raw: RawLabels
    options: LabelOptions

    @cached_property
    def points(self) -> np.ndarray:
        """(N, K, 2) pixels."""
        raw = self.raw
        return self.options.points(raw.points, raw.sizes, raw.turns, raw.layout)

    @cached_property
    def layout(self) -> PointLayout:
        """The points' layout; one of the faces' own has the mean shape of the points as they are read here."""
        with contextlib.suppress(EdgefkpError):  # as where no face has one of the points any more
            if is_own(self.raw.layout):
                return made_again(self.raw.layout, self.points, "", strict=False)
        return self.raw.layout

    @cached_property
    def fit(self) -> Fit:
        return Fit(self.points, self.layout)

    @cached_property
    def ways(self) -> np.ndarray:
        """(N,) int, how each face lies (`Fit.ways`); by eyes and mouth where the mean shape is that of the faces."""
        layout = self.raw.layout
        parts = eyes_and_mouth(layout.points) if is_own(layout) else None
        if parts is None:
            return self.fit.ways
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN
            places = [np.nanmean(self.points[:, layout.rows(*part)], 1) for part in parts]
        return Fit(np.stack(places, 1), _EYES_AND_MOUTH).ways

    @cached_property
    def sized(self) -> np.ndarray:
        """(N,) bool: the image's size is known, and the face has two points or more."""
        return (self.raw.sizes > 0).all(1) & (self.fit.counts >= 2)

    def having(self, **changes: object) -> Seen:
        return Seen(self.raw, replace(self.options, **changes))  # type: ignore[arg-type]

    def toggled(self, *names: str) -> Seen:
        """With these yes-or-no options the other way."""
        return self.having(**{name: not getattr(self.options, name) for name in names})

    def finding(
        self, kind: str, of: np.ndarray, what: str, cure: str, cured: Seen | None = None, refused: bool | None = None
    ) -> LabelFinding:
        """of: (N,) bool, the faces it is about. what: follows "12 of 80 faces". cure: what to do, or when `cured`, the
        labels with another option, are right. refused: by default, if most faces have it."""
        count = int(of.sum())
        labeled = int((self.fit.counts > 0).sum())
        options = cured.options.typed(self.options) if cured else ""
        return LabelFinding(
            kind,
            count > MOST * labeled if refused is None else refused,
            f"{count} of {labeled} faces {what}, first in {self.raw.first(of)}",
            f"{cure}, {options}" if options else cure,
            count,
            self.raw.first(of),
            options,
        )


# What a check finds, and the labels as the next one sees them.
Found = tuple[list[LabelFinding], Seen]
