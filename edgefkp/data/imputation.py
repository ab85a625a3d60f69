"""Treatments of missing labels (paper, section 3.3): which rows are trained on, towards which targets."""

from dataclasses import dataclass, replace

import numpy as np

from edgefkp.data.faces import AUTOMATIC
from edgefkp.data.split import TrainingFaces
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.layout import COUNT

IMPUTATIONS = ("drop", "ffill", "knn", "masked")
KNN_NEIGHBOURS = 5  # scikit-learn's default; the paper does not say


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a network is trained on. images: (N, 96, 96) uint8; targets: (N, 15, 2) float32 pixels.

    NaN stays only under `masked`, where the loss skips it. weights: (N,) float32, of each face in the loss; 1 where
    they are not given.
    """

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.weights is None:
            object.__setattr__(self, "weights", np.ones(len(self.images), np.float32))

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> "TrainingSet":
        return TrainingSet(self.images[rows], self.targets[rows], self.weights[rows])


def impute(faces: TrainingFaces, treatment: str, automatic_weight: float = 1.0) -> TrainingSet:
    """Apply `drop` (complete rows only), `ffill` (the last row that has the point), `knn`, or `masked`.

    automatic_weight: in the loss, of faces whose every point was placed automatically (Faces.label_src).
    Raises TypeError for faces that were not split first, EdgefkpError where nothing is left to train on.
    """
    if not isinstance(faces, TrainingFaces):
        raise TypeError("impute() takes the training part of a split: split first, then impute")
    automatic = (faces.label_src == AUTOMATIC).all(1)
    treated = TrainingSet(faces.images, faces.keypoints, np.where(automatic, automatic_weight, 1).astype(np.float32))
    if treatment == "drop":
        treated = treated.take(faces.complete)
    elif treatment == "ffill":
        treated = replace(treated, targets=_forward_filled(faces.keypoints))
    elif treatment == "knn":
        treated = replace(treated, targets=_nearest_filled(faces.keypoints))
    elif treatment != "masked":
        raise UsageError(f"unknown treatment '{treatment}'", f"choose one of: {', '.join(IMPUTATIONS)}")
    if not len(treated):
        raise EdgefkpError(
            f"no training row is left under '{treatment}': no face has all {COUNT} points", "use --treatment masked"
        )
    return treated


def _forward_filled(keypoints: np.ndarray) -> np.ndarray:
    """pandas' ffill: the last row above that has the coordinate; leading gaps take the first row below."""
    flat = keypoints.reshape(len(keypoints), -1)
    there = ~np.isnan(flat)
    _require_each_coordinate(there)
    rows = np.where(there, np.arange(len(flat))[:, None], 0)
    rows = np.maximum.accumulate(rows, axis=0)
    filled = np.take_along_axis(flat, rows, axis=0)
    first = there.argmax(0)
    filled = np.where(np.isnan(filled), flat[first, np.arange(flat.shape[1])], filled)
    return filled.reshape(keypoints.shape)


def _nearest_filled(keypoints: np.ndarray) -> np.ndarray:
    """scikit-learn's KNNImputer on the 30 coordinates."""
    try:
        from sklearn.impute import KNNImputer
    except ImportError:
        raise EnvironmentProblem("the treatment 'knn' needs scikit-learn", "pip install 'edgefkp[train]'") from None
    flat = keypoints.reshape(len(keypoints), -1)
    _require_each_coordinate(~np.isnan(flat))
    filled = KNNImputer(n_neighbors=KNN_NEIGHBOURS).fit_transform(flat.astype(np.float64))
    return filled.astype(np.float32).reshape(keypoints.shape)


def _require_each_coordinate(there: np.ndarray) -> None:
    if not there.any(0).all():
        raise EdgefkpError(
            "a coordinate is missing in every training row, so nothing can be imputed", "use --treatment masked"
        )
