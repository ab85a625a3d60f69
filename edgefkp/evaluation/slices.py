"""Scores of parts of the faces: by pose, size, blur, or a column of the user's."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.errors import UsageError, printable
from edgefkp.evaluation.metrics import Score, score
from edgefkp.evaluation.properties import Measured, measured

BINS = 4  # of a number: as many faces in each
FEWEST = 10  # faces of a bin; fewer faces make fewer bins
MOST_VALUES = 6  # a column of numbers with no more different ones than this has a slice for each
MOST_WORDS = 40  # a column of words has no more different ones than this
UNKNOWN = "not known"


@dataclass(frozen=True)
class Slice:
    """What the faces of one part score."""

    by: str  # the property or column
    name: str  # the range with its unit, or the value
    faces: int  # with a labeled coordinate
    persons: int
    coordinates: int
    rmse: float  # pixels
    interval: tuple[float, float]  # of `rmse`, 95 %, bootstrap over persons
    nme: float | None  # by the layout's own length, per cent; None where it is not known
    nme_interval: tuple[float, float] | None
    failure_rate: dict[str, float]  # per cent of the faces, by the limit in per cent


def slices(predicted: np.ndarray, faces: Faces, by: Sequence[str]) -> list[Slice]:
    """The scores of `faces` by each property, column or group of properties in `by`; see `properties.measured`.

    predicted: (N, K, 2); `faces.keypoints` is the truth. Numbers make bins of as many faces each, values a slice each.
    Raises UsageError for an unknown name.
    """
    found = []
    for one in [one for name in dict.fromkeys(by) for one in measured(name, faces)]:
        for name, rows in parts_of(one):
            if faces.labeled[rows].any():
                found.append(_slice(one.name, name, predicted[rows], faces.take(rows)))
    return found


def score_of(predicted: np.ndarray, faces: Faces) -> Score:
    return score(predicted, faces.keypoints, faces.groups, faces.layout)


def _slice(by: str, name: str, predicted: np.ndarray, faces: Faces) -> Slice:
    result = score_of(predicted, faces)
    own = result.own
    return Slice(
        by=by,
        name=name,
        faces=result.faces,
        persons=len(np.unique(faces.groups[faces.labeled])),
        coordinates=result.coordinates,
        rmse=result.rmse,
        interval=result.interval,
        nme=own.nme if own else None,
        nme_interval=own.interval if own else None,
        failure_rate=own.failure_rate if own else {},
    )


def parts_of(one: Measured) -> list[tuple[str, np.ndarray]]:
    """(name, (N,) bool which faces) of each part by one property; faces of which it is not known come last."""
    if one.is_text:
        values = sorted(set(one.values.tolist()) - {""})
        if len(values) > MOST_WORDS:
            raise UsageError(
                f"the column {one.name} has {len(values):,} different values, too many for a part each",
                f"choose a column of numbers, or one with at most {MOST_WORDS} values",
            )
        parts = [(printable(value), one.values == value) for value in values]
        unknown = one.values == ""
    else:
        unknown = np.isnan(one.values)
        known = np.unique(one.values[~unknown])
        if len(known) <= MOST_VALUES:
            parts = [(f"{value:g}{one.unit}", one.values == value) for value in known]
        else:
            parts = _bins(one.values, one.unit)
    return [*parts, *([(UNKNOWN, unknown)] if unknown.any() else [])]


def _bins(values: np.ndarray, unit: str) -> list[tuple[str, np.ndarray]]:
    """Ranges with about as many values each; their edges are rounded first, so that the names are what was counted."""
    known = values[~np.isnan(values)]
    count = max(1, min(BINS, len(known) // FEWEST))
    quantiles = np.quantile(known, np.arange(count + 1) / count)
    digits = max(0, 2 - int(np.floor(np.log10(max(quantiles[-1] - quantiles[0], 1e-9)))))
    digits = 0 if (known == np.round(known)).all() else digits
    edges = np.unique(np.round(quantiles[1:-1], digits))
    # The outermost edges are the smallest and largest value, rounded outwards.
    step = 10.0**-digits
    ends = np.floor(quantiles[0] / step) * step, np.ceil(quantiles[-1] / step) * step
    names = [f"{edge:.{digits}f}" for edge in (ends[0] + 0.0, *edges + 0.0, ends[1] + 0.0)]
    place = np.searchsorted(edges, values, side="right")
    return [
        (f"{low} to {high}{unit}", (place == number) & ~np.isnan(values))
        for number, (low, high) in enumerate(pairwise(names))
    ]
