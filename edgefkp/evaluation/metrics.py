"""How far predicted points are from the true ones, in pixels of the 96x96 image (paper, equation 3)."""

from dataclasses import dataclass

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import LEFT_EYE, NAMES, RIGHT_EYE

BOOTSTRAP_ROUNDS = 2000
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class Score:
    """rmse: pooled over all counted coordinates, as Kaggle does. interval: 95 %, bootstrap over persons.

    rmse_complete: over the faces with all 15 points. nme: mean distance over the distance of the eye
    centres, in per cent. percentiles: of the distance of a point from its truth, in pixels.
    None where no coordinate counts.
    """

    rmse: float
    interval: tuple[float, float]
    rmse_complete: float | None
    nme: float | None
    percentiles: dict[str, float]
    rmse_per_point: dict[str, float | None]
    faces: int
    complete_faces: int
    coordinates: int


def rmse(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Root mean squared error over the coordinates where `truth` is not NaN; NaN where there is none."""
    there = ~np.isnan(truth)
    return (
        float(np.sqrt(np.mean((predicted[there] - truth[there]).astype(np.float64) ** 2)))
        if there.any()
        else float("nan")
    )


def of_sources(truth: np.ndarray, label_src: np.ndarray | None, count_src: tuple[int, ...] | None) -> np.ndarray:
    """`truth` with NaN in place of points whose `label_src` is none of `count_src`; as it is where that is None."""
    if count_src is None:
        return truth
    if label_src is None:
        raise ValueError("count_src needs label_src")
    return np.where(np.isin(label_src, count_src)[..., None], truth, np.nan)


def score(
    predicted: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    label_src: np.ndarray | None = None,
    count_src: tuple[int, ...] | None = None,
) -> Score:
    """Score (N, 15, 2) predicted against true points.

    count_src: count only points whose `label_src` is one of these.
    Raises EdgefkpError where no coordinate counts or a prediction is not finite.
    """
    truth = of_sources(truth.astype(np.float64), label_src, count_src)
    there = ~np.isnan(truth)
    if not there.any():
        raise EdgefkpError(
            "there is no labelled coordinate to score on", "give data with labels, or another --label-src"
        )
    if not np.isfinite(predicted).all():
        bad = int((~np.isfinite(predicted)).any((1, 2)).sum())
        raise EdgefkpError(f"the model put out values that are not numbers for {bad} of {len(predicted)} faces")
    error = predicted - truth
    squares = np.where(there, error, 0) ** 2
    complete = there.all((1, 2))
    distance = np.sqrt((error**2).sum(-1))  # (N, 15), NaN where the point is missing
    eyes = np.linalg.norm(truth[:, LEFT_EYE] - truth[:, RIGHT_EYE], axis=-1)
    has_nme = ~np.isnan(eyes) & (eyes > 0)
    per_point = {name: rmse(predicted[:, k], truth[:, k]) for k, name in enumerate(NAMES)}
    return Score(
        rmse=float(np.sqrt(squares.sum() / there.sum())),
        interval=bootstrap_rmse(squares.sum((1, 2)), there.sum((1, 2)), groups),
        rmse_complete=rmse(predicted[complete], truth[complete]) if complete.any() else None,
        nme=float(100 * np.mean(np.nanmean(distance[has_nme], 1) / eyes[has_nme])) if has_nme.any() else None,
        percentiles={f"p{p}": float(np.nanpercentile(distance, p)) for p in PERCENTILES},
        rmse_per_point={name: None if np.isnan(value) else value for name, value in per_point.items()},
        faces=int(there.any((1, 2)).sum()),
        complete_faces=int(complete.sum()),
        coordinates=int(there.sum()),
    )


def bootstrap_rmse(squares: np.ndarray, counts: np.ndarray, groups: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the pooled RMSE when persons are drawn again.

    squares, counts: (N,) sum of squared errors and number of coordinates of each face.
    """
    _, person = np.unique(groups, return_inverse=True)
    total, number = np.bincount(person, squares), np.bincount(person, counts)
    draws = np.random.default_rng(seed).integers(0, len(total), (BOOTSTRAP_ROUNDS, len(total)))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.sqrt(total[draws].sum(1) / number[draws].sum(1))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
