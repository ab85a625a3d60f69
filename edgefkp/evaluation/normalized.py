"""The field's metrics: errors as shares of the face's own size, and how many faces have which.

The NME of a face is the mean distance of its labeled points from the predicted ones, over a length of the face, in per
cent. A face fails at a limit where its NME is above it. The cumulative error curve is the share of faces whose NME is
at most x; the AUC at a limit is the area below the curve from 0 to the limit, over the limit: 1 where no face has any
error, 0 where all fail.
"""

from dataclasses import dataclass

import numpy as np

from edgefkp.evaluation.bootstrap import Interval, mean_interval
from edgefkp.layout import PointLayout

LIMITS = (8, 10)  # per cent
CURVE_END, CURVE_STEP = 10.0, 0.1  # per cent
BOX = "box"
# The length that an NME is normalized by: how it is called in a table.
TITLES = {
    "interocular": "outer eye corners",
    "interpupil": "pupils",
    "pair": "layout's own pair",
    BOX: "box of the points",
}


@dataclass(frozen=True)
class Normalized:
    """What the faces score by one length of theirs."""

    nme: float  # mean over the faces, per cent
    interval: Interval  # of `nme`, 95 %, bootstrap over persons
    faces: int  # whose length is known
    failure_rate: dict[str, float]  # per cent of the faces, by the limit in per cent: 8 and 10
    auc: dict[str, float]  # 0 to 1, by the limit in per cent
    curve: list[float]  # share of the faces with an NME of at most 0, 0.1, 0.2, ... 10 per cent


def face_errors(predicted: np.ndarray, truth: np.ndarray, layout: PointLayout) -> dict[str, np.ndarray]:
    """(N,) NME in per cent of (N, K, 2) predicted against true points, by each length that the layout supports.

    Lengths: the pairs of `pairs_of`, and box: sqrt(width * height) of the box around the true points. NaN
    where a point of the pair, or for the box any point, is missing.
    """
    distance = np.linalg.norm(predicted - truth.astype(np.float64), axis=-1)
    labeled = ~np.isnan(distance)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(labeled, distance, 0).sum(1) / labeled.sum(1)
        errors = {}
        for name, length in lengths(truth.astype(np.float64), layout).items():
            errors[name] = np.where(length > 0, 100 * mean / length, np.nan)
    return errors


def pairs_of(layout: PointLayout) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The pairs of groups of points whose distance normalizes, by a name of TITLES."""
    found = {}
    for name, pair, point in (
        ("interocular", layout.eye_corners, "eye_outer_corner"),
        ("interpupil", layout.pupils, "eye_center"),
    ):
        named = f"left_{point}", f"right_{point}"
        if pair or layout.has(*named):
            found[name] = pair or tuple((one,) for one in named)
    return found if layout.nme_pair in found.values() else {"pair": layout.nme_pair, **found}


def lengths(truth: np.ndarray, layout: PointLayout) -> dict[str, np.ndarray]:
    """(N,) pixels that NME is normalized by, NaN where it is not known."""
    found = {name: layout.nme_distance(truth, pair) for name, pair in pairs_of(layout).items()}
    if layout.count > 1:
        found[BOX] = np.sqrt(np.prod(truth.max(1) - truth.min(1), axis=-1))  # NaN in a point makes it NaN
    return found


def own_normalization(layout: PointLayout) -> str:
    """The length that the layout's own NME is normalized by."""
    return next(name for name, pair in pairs_of(layout).items() if pair == layout.nme_pair)


def normalized(errors: np.ndarray, groups: np.ndarray) -> Normalized | None:
    """The metrics of (N,) NME in per cent, NaN = unknown; None where none is known. groups: (N,) the person of each."""
    known = ~np.isnan(errors)
    if not known.any():
        return None
    errors = errors[known]
    return Normalized(
        nme=float(errors.mean()),
        interval=mean_interval(errors, groups[known]),
        faces=len(errors),
        failure_rate={str(limit): failure_rate(errors, limit) for limit in LIMITS},
        auc={str(limit): area_under_curve(errors, limit) for limit in LIMITS},
        curve=[round(float(share), 5) for share in shares(errors, curve_errors())],
    )


def failure_rate(errors: np.ndarray, limit: float) -> float:
    """Per cent of the errors that are above `limit`."""
    return float(100 * np.mean(errors > limit))


def area_under_curve(errors: np.ndarray, limit: float) -> float:
    """Area below the cumulative error curve from 0 to `limit`, over `limit`.

    Exact: the curve is a step function, each error e adds a step that is (limit - e) / limit wide. Trapezoids over an
    ever finer grid of errors, as in the field's programs, come to the same.
    """
    return float(np.mean(np.clip(1 - errors / limit, 0, None)))


def curve_errors() -> np.ndarray:
    """Per cent: where `Normalized.curve` is known."""
    return np.linspace(0, CURVE_END, round(CURVE_END / CURVE_STEP) + 1).round(9)


def shares(errors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Share of the errors that are at most each of `places`."""
    found: np.ndarray = np.searchsorted(np.sort(errors), places, side="right") / len(errors)
    return found
