"""How far predicted points are from the true ones, in pixels of the image (paper, equation 3)."""

from dataclasses import dataclass, field

import numpy as np

from edgefkp.errors import EdgefkpError, counted
from edgefkp.evaluation.bootstrap import rmse_interval
from edgefkp.evaluation.normalized import Normalized, face_errors, normalized, own_normalization
from edgefkp.layout import PointLayout

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class Score:
    """Errors of predicted points. Lengths are pixels; None where no coordinate counts."""

    rmse: float  # pooled over all counted coordinates, as Kaggle does
    interval: tuple[float, float]  # of `rmse`, 95 %, bootstrap over persons
    rmse_complete: float | None  # over the faces with all points
    nme: float | None  # mean distance over the layout's `nme_distance` (of the eye centers), in per cent
    percentiles: dict[str, float]  # of the distance of a point from its truth
    rmse_per_point: dict[str, float | None]  # by the point's name
    faces: int  # with any counted coordinate
    complete_faces: int  # with all points
    coordinates: int  # that count
    # The field's metrics, by the length of the face that NME is normalized by: interocular, interpupil, pair, box;
    # those alone that the layout and the labels support.
    normalized: dict[str, Normalized] = field(default_factory=dict)
    nme_by: str = ""  # which of these `nme` is

    @property
    def own(self) -> Normalized | None:
        """The metrics by the layout's own length."""
        return self.normalized.get(self.nme_by)


def rmse(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Root mean squared error over the coordinates where `truth` is not NaN; NaN if that leaves none."""
    labeled = ~np.isnan(truth)
    if not labeled.any():
        return float("nan")
    return float(np.sqrt(np.mean((predicted[labeled] - truth[labeled]).astype(np.float64) ** 2)))


def keep_label_sources(truth: np.ndarray, label_src: np.ndarray | None, kept: tuple[int, ...] | None) -> np.ndarray:
    """`truth` with NaN in place of points whose `label_src` is none of `kept`; unchanged if that is None."""
    if kept is None:
        return truth
    if label_src is None:
        raise ValueError("keeping some label sources needs the label_src of the points")
    return np.where(np.isin(label_src, kept)[..., None], truth, np.nan)


def score(
    predicted: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    layout: PointLayout,
    label_src: np.ndarray | None = None,
    label_sources: tuple[int, ...] | None = None,
) -> Score:
    """Score (N, K, 2) predicted against true points of `layout`.

    label_sources: count only points whose `label_src` is one of these.
    Raises EdgefkpError if no coordinate counts or a prediction is not finite.
    """
    truth = keep_label_sources(truth.astype(np.float64), label_src, label_sources)
    labeled = ~np.isnan(truth)
    if not labeled.any():
        raise EdgefkpError(
            "there is no labeled coordinate to score on", "give data with labels, or another --label-src"
        )
    if not np.isfinite(predicted).all():
        bad = int((~np.isfinite(predicted)).any((1, 2)).sum())
        raise EdgefkpError(f"the model produced NaN or infinity for {bad} of {counted(len(predicted), 'face')}")
    error = predicted - truth
    squares = np.where(labeled, error, 0) ** 2
    complete = labeled.all((1, 2))
    distance = np.sqrt((error**2).sum(-1))  # (N, K), NaN where the point is missing
    scale = layout.nme_distance(truth)
    has_nme = ~np.isnan(scale) & (scale > 0)
    by_length = {name: normalized(own, groups) for name, own in face_errors(predicted, truth, layout).items()}
    per_point = {name: rmse(predicted[:, k], truth[:, k]) for k, name in enumerate(layout.points)}
    return Score(
        rmse=float(np.sqrt(squares.sum() / labeled.sum())),
        interval=rmse_interval(squares.sum((1, 2)), labeled.sum((1, 2)), groups),
        rmse_complete=rmse(predicted[complete], truth[complete]) if complete.any() else None,
        nme=float(100 * np.mean(np.nanmean(distance[has_nme], 1) / scale[has_nme])) if has_nme.any() else None,
        percentiles={f"p{p}": float(np.nanpercentile(distance, p)) for p in PERCENTILES},
        rmse_per_point={name: None if np.isnan(value) else value for name, value in per_point.items()},
        faces=int(labeled.any((1, 2)).sum()),
        complete_faces=int(complete.sum()),
        coordinates=int(labeled.sum()),
        normalized={name: found for name, found in by_length.items() if found},
        nme_by=own_normalization(layout),
    )
