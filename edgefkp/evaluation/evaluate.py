"""Score a model file on labelled faces."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.split import split
from edgefkp.errors import UsageError
from edgefkp.evaluation.metrics import Score, score
from edgefkp.files import sha256_file
from edgefkp.layout import COUNT
from edgefkp.runtime.predictor import open_predictor

SCHEMA = "edgefkp.evaluation/1"
PARTS = ("test", "validation", "train", "all")


@dataclass(frozen=True)
class Evaluation:
    """kaggle_rmse: over the coordinates that Kaggle's IdLookupTable lists, where all of them are labelled."""

    schema: str
    file: str
    sha256: str
    runtime: str
    version: str
    data: dict[str, Any]
    score: Score
    kaggle_rmse: float | None
    kaggle_coordinates: int


def part_of(source: Dataset, part: str) -> Faces:
    """The faces of one part: the split's test, validation or train, or all that the source has to train on.

    Raises UsageError for another name.
    """
    if part not in PARTS:
        raise UsageError(f"unknown split '{part}'", f"choose one of: {', '.join(PARTS)}")
    if part == "all":
        return source.train
    if part == "test" and source.test is not None:
        return source.test
    return getattr(split(source), part)


def evaluate(
    path: Path | str,
    source: Dataset,
    part: str = "test",
    count_src: tuple[int, ...] | None = None,
    runtime: str | None = None,
) -> tuple[Evaluation, np.ndarray]:
    """Score the model at `path` on a part of `source`; returns the evaluation and the (N, 15, 2) predicted points.

    count_src: count only points of these label sources (Faces.label_src).
    Raises EdgefkpError for a file that cannot be run or faces without labels.
    """
    faces = part_of(source, part)
    predictor = open_predictor(path, runtime)
    predicted = predictor.predict(faces.images)
    scored = score(predicted, faces.keypoints, faces.groups, faces.label_src, count_src)
    kaggle, coordinates = None, 0
    if part == "test" and source.lookup is not None and count_src is None:
        kaggle, coordinates = lookup_rmse(predicted, faces.keypoints, source.lookup)
    data = {"name": source.name, "part": part, "hash": faces.hash, "label_src": count_src}
    evaluation = Evaluation(
        SCHEMA,
        Path(path).name,
        sha256_file(path),
        predictor.runtime,
        predictor.version,
        data,
        scored,
        kaggle,
        coordinates,
    )
    return evaluation, predicted


def lookup_rmse(predicted: np.ndarray, truth: np.ndarray, lookup: np.ndarray) -> tuple[float | None, int]:
    """(Kaggle's score, coordinates counted) over (M, 2) pairs of test row and coordinate; None unless all are known."""
    rows, coordinates = lookup[:, 0], lookup[:, 1]
    wanted = truth.reshape(len(truth), -1)[rows, coordinates]
    if np.isnan(wanted).any():
        return None, 0
    error = predicted.reshape(len(predicted), -1)[rows, coordinates].astype(np.float64) - wanted
    return float(np.sqrt(np.mean(error**2))), len(lookup)


def lookup_mask(lookup: np.ndarray, faces: int) -> np.ndarray:
    """(faces, 15, 2) bool: the coordinates that `lookup` asks for."""
    mask = np.zeros((faces, 2 * COUNT), bool)
    mask[lookup[:, 0], lookup[:, 1]] = True
    return mask.reshape(faces, COUNT, 2)


def with_solution(source: Dataset, solution: Path) -> Dataset:
    """The source with its test labels replaced by those of a `RowId,Location` file.

    Raises UsageError where the source has no IdLookupTable, EdgefkpError for a file that is not of this form.
    """
    from edgefkp.data.formats.kaggle_tables import read_solution

    if source.lookup is None or source.test is None:
        raise UsageError(
            f"{source.name} has no IdLookupTable.csv to read a solution with", "give --data FOLDER with it"
        )
    keypoints = read_solution(solution, source.lookup, len(source.test))
    return replace(source, test=replace(source.test, keypoints=keypoints))


def mean_shape_score(source: Dataset, part: str = "test") -> Score:
    """What always answering the mean training face scores on the part."""
    mean = np.nanmean(split(source).train.keypoints, 0)
    faces = part_of(source, part)
    return score(np.broadcast_to(mean, faces.keypoints.shape), faces.keypoints, faces.groups)
