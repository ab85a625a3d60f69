"""What a network's definition of a point is away from that of the labels: its mean error, on training persons."""

import warnings
from typing import Any

import numpy as np

from edgefkp.data.faces import Dataset
from edgefkp.evaluation.contract_trial import training_faces
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.evaluation.metrics import keep_label_sources

FACES = 1000  # labeled training faces at most


def fitted_offsets(
    predictor: Any, source: Dataset, name: str, label_sources: tuple[int, ...] | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """(L, 2) float32 pixels that are taken off every prediction, 0 for a point without labels; and what a result holds.

    predictor: as open_predictor loads it; name: of its file, for messages. No person of a test part is looked at.
    """
    training = training_faces(source, FACES)
    fitted = fitted_faces(predictor.spec, training, name)
    faces, predicted = fitted.faces, fitted.scored(predictor.predict(fitted.seen.images))
    truth = keep_label_sources(faces.keypoints, faces.label_src, label_sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of points without labels
        offsets = np.nan_to_num(np.nanmean(predicted.astype(np.float64) - truth, 0)).astype(np.float32)
    points = {point: [float(x), float(y)] for point, (x, y) in zip(faces.layout.points, offsets, strict=True)}
    return offsets, {"training_faces": len(training), "points": points}
