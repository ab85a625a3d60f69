"""One cell in a process of its own: claim it, train it, score it once on the test split, write its result."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import Card, versions
from edgefkp.data.faces import Dataset, Faces, shown_rows
from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, writing
from edgefkp.evaluation.evaluate import evaluate, lookup_mask, lookup_rmse, part_of
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import json_text, locked, parse_json, read_bytes, read_json, sha256_file, write_json
from edgefkp.records import read_record
from edgefkp.runtime.scratch import scratch_folder
from edgefkp.study.cell import CellResult, CellScores, KeptPoints, StudyCell
from edgefkp.study.store import Study, read_progress
from edgefkp.training.experiment import Experiment
from edgefkp.training.fit import EpochLog
from edgefkp.training.step_plan import cores
from edgefkp.training.train import Progress, train, training_faces

CLAIM_TIMEOUT = 10.0  # seconds for the process of a killed node to notice that it is alone

Train = Callable[..., tuple[Path, Card]]
Persons = dict[str, list[float]]


@dataclass(frozen=True)
class Job:
    """The study and the cell that a worker's process works on."""

    study: Study
    cell: StudyCell


@dataclass(frozen=True)
class Look:
    """The scores of one file on the test split."""

    sha256: str
    scores: CellScores
    persons: dict[str, list[Any]]


def work(job: dict[str, Any]) -> bool:
    """In the child: `run` the Job."""
    asked = read_record(Job, job, "the worker's job")
    return run(asked.study, asked.cell)


_TRAIN: Train = partial(train, replace=True)  # the folder is the cell's own


def run(study: Study, cell: StudyCell, train_cell: Train = _TRAIN) -> bool:
    """Whether the cell is done, now or before; False: another process has it."""
    with study.claim(cell, CLAIM_TIMEOUT) as held:
        if not held:
            return False
        if study.result(cell) is None:
            source = open_dataset(study.data, study.labels)
            experiment = cell.experiment(study.weights)
            clock = _Clock(study.progress_file(cell))
            path, card = train_cell(experiment, source, study.folder(cell), True, Progress(on_epoch=clock.epoch))
            look = score_once(study, cell, path, source, card.metrics["validation_rmse"])
            result = _result(cell, experiment, source, path, card, look, clock.seconds)
            write_json(study.result_file(cell), result)
    return True


class _Clock:
    """Seconds over all processes that worked on the cell, kept in its progress file at every epoch's end."""

    def __init__(self, path: Path) -> None:
        self._path, self._start = path, time.monotonic()
        earlier = read_progress(path)
        self._before, self._images = float(earlier.get("seconds", 0.0)), int(earlier.get("images", 0))

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    def epoch(self, row: EpochLog) -> None:
        if row["images"] <= self._images:
            return  # replayed from the checkpoint
        progress = {"images": row["images"], "validation_rmse": row["validation_rmse"]}
        write_json(self._path, {**progress, "seconds": self.seconds})
        print(f"epoch {row['epoch']}: {row['images']} images, validation {row['validation_rmse']:.3f} px", flush=True)


def score_once(study: Study, cell: StudyCell, path: Path, source: Dataset, validation_rmse: float) -> Look:
    """Score the model on the test split, once, and log it.

    A process that was killed in between uses what it has already seen. Raises EdgefkpError if the cell was scored
    with another file, or its scores are gone.
    """
    digest = sha256_file(path)
    seen = study.folder(cell) / "test-scores.json"
    earlier = [look.sha256 for look in looks(study.test_log) if look.cell == cell.name]
    look = read_record(Look, read_json(seen), str(seen), "delete it") if seen.exists() else None
    if look is None or look.sha256 != digest:
        if earlier:
            raise EdgefkpError(
                f"{cell.name} was scored on the test split before, as file {earlier[0][:8]}; now it is {digest[:8]}",
                f"a cell is scored once: put its result back, or make another study with --out ({study.test_log})",
            )
        look = Look(digest, *_score(path, source, validation_rmse))
        write_json(seen, look)
    if digest not in earlier:
        _log(study.test_log, {"time": _now(), "cell": cell.name, "file": path.name, "sha256": digest})
    return look


def _score(path: Path, source: Dataset, validation_rmse: float) -> tuple[CellScores, Persons]:
    """(scores, each person's errors) on the test split."""
    evaluation, predicted = evaluate(path, source, "test")
    truth = part_of(source, "test")
    mean = np.broadcast_to(np.nanmean(split(source).train.keypoints, 0), truth.keypoints.shape)
    mean_shape: dict[str, float | None] = {"rmse": rmse(mean, truth.keypoints)}
    if source.lookup is not None:
        mean_shape["kaggle_rmse"], _ = lookup_rmse(mean, truth.keypoints, source.lookup)
    persons = _by_person(predicted, truth, ~np.isnan(truth.keypoints))
    if evaluation.kaggle_rmse is not None and source.lookup is not None:
        asked = _by_person(predicted, truth, lookup_mask(source.lookup, truth.keypoints.shape))
        persons |= {f"kaggle_{name}": values for name, values in asked.items()}
    rows = shown_rows(len(truth))
    sheet = KeptPoints(rows.tolist(), np.round(predicted[rows].astype(np.float64), 2).tolist())
    return CellScores(evaluation, mean_shape, sheet, validation_rmse), persons


def _by_person(predicted: np.ndarray, truth: Faces, counted: np.ndarray) -> Persons:
    """counted: (N, K, 2) bool."""
    squares = np.where(counted, (predicted - truth.keypoints.astype(np.float64)) ** 2, 0)
    _, person = np.unique(truth.groups, return_inverse=True)
    sums, counts = np.bincount(person, squares.sum((1, 2))), np.bincount(person, counted.sum((1, 2)))
    return {"squares": [float(f"{value:.6g}") for value in sums], "coordinates": counts.astype(int).tolist()}


@dataclass(frozen=True)
class _Look:
    """A line of the log."""

    time: str  # UTC
    cell: str
    file: str
    sha256: str


def looks(log: Path) -> list[_Look]:
    """Every scoring of a cell on the test split."""
    if not log.exists():
        return []
    hint = "put back the log of this study's scores, or make another study with --out"
    lines = read_bytes(log, "a log of scores", hint).splitlines()
    numbered = [(line, f"{log}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    return [read_record(_Look, parse_json(line, where, hint), where, hint) for line, where in numbered]


def _log(log: Path, entry: dict[str, Any]) -> None:
    with locked(log, math.inf), writing(log), log.open("a", encoding="utf-8") as stream:
        stream.write(json_text(entry, indent=None) + "\n")


def _result(
    cell: StudyCell,
    experiment: Experiment,
    source: Dataset,
    path: Path,
    card: Card,
    look: Look,
    seconds: float,
) -> CellResult:
    assert card.data is not None
    weights = None
    if experiment.weights:
        file = Path(experiment.weights)
        weights = {"name": file.name, "sha256": sha256_file(file) if file.is_file() else ""}
    return CellResult(
        cell=cell.name,
        column=cell.column,
        identity=cell,
        key=card.key,
        weights=weights,
        data=card.data,
        counts=_counts(experiment, source),
        parameters=card.parameters,
        macs=card.macs,
        training=card.training,  # type: ignore[arg-type]
        history=card.history,  # type: ignore[arg-type]
        scores=look.scores,
        persons=look.persons,
        seconds=round(seconds, 1),
        cores=cores(),
        file={"name": path.name, "sha256": card.sha256, "keras_bytes": card.bytes, "h5_bytes": h5_bytes(path)},
        versions=versions("tensorflow", "keras", "numpy", "opencv-python", "scikit-learn"),
    )


def _counts(experiment: Experiment, source: Dataset) -> dict[str, int]:
    """Faces and labeled coordinates that the imputation leaves, and how many of those coordinates it imputed."""
    train_faces = split(source).train
    faces = training_faces(split(source), experiment)
    coordinates = int(np.isfinite(faces.targets).sum())
    imputes = experiment.imputation in ("ffill", "knn")
    imputed = coordinates - int(np.isfinite(train_faces.keypoints).sum()) if imputes else 0
    return {"faces": len(faces), "coordinates": coordinates, "imputed": imputed}


def h5_bytes(path: Path) -> int:
    """Size of the network as the .h5 file that the paper's Table 1 gives, without optimizer state."""
    from edgefkp.files import captured_fds
    from edgefkp.runtime.keras_model import load_keras

    with scratch_folder() as folder, captured_fds():  # Keras warns of the old format, which is the point
        file = folder / "model.h5"
        load_keras(path).model.save(file, include_optimizer=False)
        return file.stat().st_size


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
