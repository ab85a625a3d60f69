"""Score a model file on labeled faces."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.split import PARTS, split
from edgefkp.errors import UsageError
from edgefkp.evaluation.deviations import DeviationScore, score_deviations
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.evaluation.gates import Gate, GateResult, check_gate
from edgefkp.evaluation.metrics import Score, keep_label_sources, score
from edgefkp.evaluation.offsets import fitted_offsets
from edgefkp.evaluation.slices import Slice, slices
from edgefkp.files import sha256_file
from edgefkp.layout import REFERENCE_SIDE
from edgefkp.runtime.contract import Stated
from edgefkp.runtime.engine import RuntimeChoice
from edgefkp.runtime.predictor import Predictor, open_predictor

SCHEMA = "edgefkp.evaluation/1"


class FacesPart(TypedDict):
    """Which faces were scored."""

    name: str  # of the dataset
    part: str  # one of PARTS
    hash: str


class ScoredFaces(FacesPart, total=False):
    label_src: Any  # the label sources that count; None: all
    layout: str  # of the scored points, where the model has others that lead to them


@dataclass(frozen=True)
class Evaluation:
    """What one model file scored on one part of a dataset."""

    schema: str
    file: str
    sha256: str  # of the file
    runtime: str  # that ran it
    version: str  # of the runtime
    data: ScoredFaces
    score: Score
    kaggle_rmse: float | None  # over the coordinates that Kaggle's IdLookupTable lists, if all of them are labeled
    kaggle_coordinates: int  # of these
    side: int = REFERENCE_SIDE  # pixels: lengths are those of an image of this side, the model's input
    slices: list[Slice] = field(default_factory=list)  # the parts that were asked for
    gates: list[GateResult] = field(default_factory=list)  # the limits that were asked for
    accelerator: str = ""  # or delegate, that computed; "" for the CPU

    # What was taken off each point, x and y, and how many training faces it was fitted on; None: nothing.
    offsets: dict[str, Any] | None = None
    deviation: DeviationScore | None = None  # of a model's own deviations; None for one without this output

    def to_json(self) -> dict[str, Any]:
        """Without `deviation` for a model that does not have it."""
        stored = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in stored.items() if name != "deviation" or value is not None}


def part_of(source: Dataset, part: str) -> Faces:
    """The faces of one part: the split's test, validation or train, or all that the dataset has to train on.

    Raises UsageError for another name.
    """
    if part not in PARTS:
        raise UsageError(f"unknown split '{part}'", f"choose one of: {', '.join(PARTS)}")
    if part == "all":
        return source.train
    if part == "test" and source.test is not None:
        return source.test
    return getattr(split(source), part)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """An evaluation, and what it is of."""

    evaluation: Evaluation
    faces: Faces  # at the model's input, with the points that count
    predicted: np.ndarray  # (N, K, 2) pixels
    deviations: np.ndarray | None = None  # (N, K) pixels; None for a model without them


def evaluate(
    path: Path | str,
    source: Dataset,
    part: str = "test",
    label_sources: tuple[int, ...] | None = None,
    runtime: RuntimeChoice = None,
    stated: Stated | None = None,
) -> tuple[Evaluation, np.ndarray]:
    """Score the model at `path` on a part of `source`; returns the evaluation and the (N, K, 2) predicted points
    that were scored.

    The faces are brought to the model's side, and lengths are in its pixels. Where the model has other points than the
    faces, those are scored that follow from both. label_sources: count only points of these label sources
    (Faces.label_src). stated: of the model's input and output. Raises EdgefkpError for a file that cannot be run or
    whose points no map connects with those of the faces, and for faces without labels.
    """
    found = evaluated(path, source, part, label_sources, runtime, stated=stated)
    return found.evaluation, found.predicted


def evaluated(
    path: Path | str,
    source: Dataset,
    part: str = "test",
    label_sources: tuple[int, ...] | None = None,
    runtime: RuntimeChoice = None,
    by: Sequence[str] = (),
    gates: Sequence[Gate] = (),
    stated: Stated | None = None,
    fit_offsets: bool = False,
) -> Evaluated:
    """`evaluate`, with the faces and with scores of parts of them.

    by: properties and columns, see `slices.slices`. gates: limits, see `gates.check_gate`; one that is not met is no
    error here. fit_offsets: take off the mean error of each point on training persons, see `fitted_offsets`. Raises
    UsageError for a property that the faces do not have.
    """
    labeled = part_of(source, part)
    predictor = open_predictor(path, runtime, stated=stated)
    fitted = fitted_faces(predictor.spec, labeled, Path(path).name)
    found, deviations = _predicted(predictor, fitted.seen.images)
    faces, predicted = fitted.faces, fitted.scored(found)
    deviations = None if deviations is None else fitted.scored_deviations(deviations)
    held = None
    if fit_offsets:
        offsets, held = fitted_offsets(predictor, source, Path(path).name, label_sources)
        predicted = predicted - offsets
    scored = score(predicted, faces.keypoints, faces.groups, faces.layout, faces.label_src, label_sources)
    kaggle, coordinates = None, 0
    own_pixels = faces.input.side == labeled.input.side and faces.layout == labeled.layout
    if part == "test" and source.lookup is not None and label_sources is None and own_pixels:
        kaggle, coordinates = lookup_rmse(predicted, faces.keypoints, source.lookup)
    described: ScoredFaces = {"name": source.name, "part": part, "hash": labeled.hash, "label_src": label_sources}
    if faces.layout != predictor.spec.layout:
        described["layout"] = faces.layout.name
    evaluation = Evaluation(
        schema=SCHEMA,
        file=Path(path).name,
        sha256=sha256_file(path),
        runtime=predictor.runtime,
        version=predictor.version,
        accelerator=predictor.accelerator,
        data=described,
        score=scored,
        kaggle_rmse=kaggle,
        kaggle_coordinates=coordinates,
        side=faces.input.side,
        offsets=held,
    )
    counted = replace(faces, keypoints=keep_label_sources(faces.keypoints, faces.label_src, label_sources))
    return Evaluated(
        replace(
            evaluation,
            slices=slices(predicted, counted, by),
            gates=[check_gate(gate, predicted, counted) for gate in gates],
            deviation=None
            if deviations is None
            else score_deviations(
                predicted, counted.keypoints, deviations, predictor.spec.output.likelihood, faces.input.side
            ),
        ),
        counted,
        predicted,
        deviations,
    )


def _predicted(predictor: Predictor, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    if predictor.spec.output.deviation:
        return predictor.predict_with_deviation(images)
    return predictor.predict(images), None


def lookup_rmse(predicted: np.ndarray, truth: np.ndarray, lookup: np.ndarray) -> tuple[float | None, int]:
    """(Kaggle's score, coordinates counted) over (M, 2) pairs of test row and coordinate; None unless all are known."""
    rows, coordinates = lookup[:, 0], lookup[:, 1]
    wanted = truth.reshape(len(truth), -1)[rows, coordinates]
    if np.isnan(wanted).any():
        return None, 0
    error = predicted.reshape(len(predicted), -1)[rows, coordinates].astype(np.float64) - wanted
    return float(np.sqrt(np.mean(error**2))), len(lookup)


def lookup_mask(lookup: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Bool of `shape`, (N, K, 2): the coordinates that `lookup` asks for."""
    mask = np.zeros((shape[0], shape[1] * shape[2]), bool)
    mask[lookup[:, 0], lookup[:, 1]] = True
    return mask.reshape(shape)


def with_solution(source: Dataset, solution: Path) -> Dataset:
    """The dataset with its test labels replaced by those of a `RowId,Location` file.

    Raises UsageError if the dataset has no IdLookupTable, EdgefkpError for a file that is not of this form.
    """
    from edgefkp.data.kaggle_tables import read_solution

    if source.lookup is None or source.test is None:
        raise UsageError(
            f"{source.name} has no IdLookupTable.csv to read a solution with", "give --data FOLDER with it"
        )
    keypoints = read_solution(solution, source.lookup, len(source.test))
    return replace(source, test=replace(source.test, keypoints=keypoints))


def mean_shape_score(source: Dataset, part: str = "test") -> Score:
    """What the mean training face scores on the part, as the prediction for every face."""
    mean = np.nanmean(split(source).train.keypoints, 0)
    faces = part_of(source, part)
    return score(np.broadcast_to(mean, faces.keypoints.shape), faces.keypoints, faces.groups, faces.layout)
