"""Imputation of missing labels (paper, section 3.3): which rows are trained on, toward which targets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgefkp.data.faces import AUTOMATIC
from edgefkp.data.split import TrainingFaces
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout, input_of

IMPUTATIONS = ("drop", "ffill", "knn", "masked")
KNN_NEIGHBORS = 5  # scikit-learn's default; the paper does not name it


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a network is trained on."""

    images: np.ndarray  # (N, side, side[, 3]) uint8
    targets: np.ndarray  # (N, K, 2) float32 pixels; NaN stays only under `masked`, where the loss skips it
    # (N,) float32, of each face in the loss; 1 if they are not given.
    weights: np.ndarray = None  # type: ignore[assignment]
    layout: PointLayout = KAGGLE15  # the K points

    def __post_init__(self) -> None:
        if self.weights is None:
            object.__setattr__(self, "weights", np.ones(len(self.images), np.float32))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def input(self) -> InputSpec:
        return input_of(self.images)

    def take(self, rows: np.ndarray) -> TrainingSet:
        return replace(self, images=self.images[rows], targets=self.targets[rows], weights=self.weights[rows])


def impute(faces: TrainingFaces, imputation: str, automatic_weight: float = 1.0) -> TrainingSet:
    """Apply `drop` (complete rows only), `ffill` (the last row that has the point), `knn`, or `masked`.

    automatic_weight: in the loss, of faces whose every point was placed automatically (Faces.label_src).
    Raises TypeError for faces that were not split first, EdgefkpError where nothing is left to train on.
    """
    if not isinstance(faces, TrainingFaces):
        raise TypeError("impute() takes the training part of a split: split first, then impute")
    automatic = (faces.label_src == AUTOMATIC).all(1)
    weights = np.where(automatic, automatic_weight, 1).astype(np.float32)
    imputed = TrainingSet(faces.images, faces.keypoints, weights, faces.layout)
    if imputation == "drop":
        imputed = imputed.take(faces.complete)
    elif imputation == "ffill":
        imputed = replace(imputed, targets=_forward_filled(faces.keypoints))
    elif imputation == "knn":
        imputed = replace(imputed, targets=_nearest_filled(faces.keypoints))
    elif imputation != "masked":
        raise UsageError(f"unknown imputation '{imputation}'", f"choose one of: {', '.join(IMPUTATIONS)}")
    if not len(imputed):
        raise EdgefkpError(
            f"no training row is left under '{imputation}': no face has all {faces.layout.count} points",
            "use --imputation masked",
        )
    return imputed


def _forward_filled(keypoints: np.ndarray) -> np.ndarray:
    """pandas' ffill: the last row above that has the coordinate; leading gaps take the first row below."""
    flat = keypoints.reshape(len(keypoints), -1)
    present = ~np.isnan(flat)
    _require_each_coordinate(present)
    rows = np.where(present, np.arange(len(flat))[:, None], 0)
    rows = np.maximum.accumulate(rows, axis=0)
    filled = np.take_along_axis(flat, rows, axis=0)
    first = present.argmax(0)
    filled = np.where(np.isnan(filled), flat[first, np.arange(flat.shape[1])], filled)
    return filled.reshape(keypoints.shape)


def _nearest_filled(keypoints: np.ndarray) -> np.ndarray:
    """scikit-learn's KNNImputer on the 2 K coordinates."""
    try:
        from sklearn.impute import KNNImputer
    except ImportError:
        raise EnvironmentProblem("the imputation 'knn' needs scikit-learn", "pip install 'edgefkp[train]'") from None
    flat = keypoints.reshape(len(keypoints), -1)
    _require_each_coordinate(~np.isnan(flat))
    filled = KNNImputer(n_neighbors=KNN_NEIGHBORS).fit_transform(flat.astype(np.float64))
    return filled.astype(np.float32).reshape(keypoints.shape)


def _require_each_coordinate(present: np.ndarray) -> None:
    if not present.any(0).all():
        raise EdgefkpError(
            "a coordinate is missing in every training row, so nothing can be imputed", "use --imputation masked"
        )
