"""Own faces: the start untouched, the fine-tuned network, those from scratch and the mean shape on the same persons.

Where faces are many, these are the persons of the test part. Where they are few, each face is held out once: the folds
divide persons, each fold is trained without its own, and the predictions of all folds are scored together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgefkp.data.faces import Dataset, Faces, joined
from edgefkp.data.split import split
from edgefkp.errors import counted
from edgefkp.evaluation.bootstrap import Interval, paired_interval
from edgefkp.evaluation.metrics import score
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.training.experiment import Experiment
from edgefkp.training.least_squares import folds_of
from edgefkp.training.schedule import FEW, UNTOUCHED
from edgefkp.training.start import find_start
from edgefkp.training.train import Progress, train

TUNED, SCRATCH, MEAN_SHAPE = "fine-tuned", "from scratch", "mean shape"  # kinds, beside UNTOUCHED


@dataclass(frozen=True)
class ComparedModel:
    """One way to find the points of the faces."""

    kind: str  # UNTOUCHED, TUNED, SCRATCH or MEAN_SHAPE
    model: str  # its file without suffix; "" for the mean shape
    rmse: float  # px, over all held-out faces together
    interval: Interval  # of the RMSE, 95 %, bootstrap over persons
    # 95 % interval of the RMSE less that of the untouched start, the same persons drawn for both; None for the start
    # itself, and where the start has other points.
    difference: Interval | None = None


@dataclass(frozen=True)
class Comparison:
    """What a user's own faces gain by training."""

    rows: list[ComparedModel]
    faces: int  # held out
    persons: int
    coordinates: int
    held_out: str  # how, in words
    persons_known: bool  # False: near-duplicates count as one person, others may be of one, too
    key: str = ""  # hash of the faces, the experiments and their files

    @property
    def untouched(self) -> ComparedModel | None:
        return next((row for row in self.rows if row.kind == UNTOUCHED), None)

    @property
    def recommended(self) -> ComparedModel:
        """The best of those that are better than the untouched start on other persons, too; else that start."""
        trained = [row for row in self.rows if row.kind in (TUNED, SCRATCH)]
        if self.untouched is None:
            return min(trained, key=lambda row: row.rmse)
        better = [row for row in trained if is_better(row)]
        return min(better, key=lambda row: row.rmse, default=self.untouched)


def is_better(row: ComparedModel) -> bool:
    """It beats the untouched start, and not only by the choice of these persons."""
    return row.difference is not None and row.difference[1] < 0


def verdict(comparison: Comparison) -> str:
    """What to use, and why, in a sentence or two."""
    start, best = comparison.untouched, comparison.recommended
    if start is None:
        return f"Use {best.model}: {best.rmse:.2f} px. The network that it started from has other points."
    if best is not start:
        low, high = best.difference or (0.0, 0.0)
        return (
            f"Use {best.model} ({best.kind}): {best.rmse:.2f} px, {1 - best.rmse / start.rmse:.0%} below {start.model} "
            f"untouched ({start.rmse:.2f} px; difference {low:+.2f} to {high:+.2f} px, 95 %)."
        )
    tried = ", ".join(f"{row.kind} {row.rmse:.2f} px" for row in comparison.rows if row.kind in (TUNED, SCRATCH))
    return (
        f"Use {start.model} untouched: {start.rmse:.2f} px. Training on these faces is not better than that ({tried}). "
        "Faces of more persons may change it."
    )


@dataclass(frozen=True, eq=False)
class _Held:
    """Faces that were held out, and what each model gives on them."""

    faces: Faces
    points: dict[tuple[str, str], np.ndarray]  # (kind, model) -> (N, K, 2)


def has_few_faces(source: Dataset) -> bool:
    """Too few for a test part: each face has to be held out once."""
    return source.test is None and int(source.train.labeled.sum()) < FEW


def compare(
    experiments: list[Experiment],
    files: list[Path],
    source: Dataset,
    work: Path,
    note: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Compare what `experiments` make of `source`; at least one of them has a start.

    files: their .keras, which are scored where there is a test part. work: the folder of the folds' trainings, which
    are resumed there.
    """
    start = find_start(next(one.start for one in experiments if one.start))
    if has_few_faces(source):
        parts, how = _crossed(experiments, source, start, work, note)
    else:
        part = split(source).test
        points = {key: points_of(model, part) for key, model in _models(experiments, files).items()}
        parts = [_Held(part, points | _fixed(start, part, split(source).train))]
        how = "test persons, who are in no training"
    faces = joined([one.faces for one in parts])
    points = {key: np.concatenate([one.points[key] for one in parts]) for key in parts[0].points}
    untouched = points.get((UNTOUCHED, start.stem))
    rows = []
    for (kind, model), found in points.items():
        scored = score(found, faces.keypoints, faces.groups, faces.layout)
        other = None if untouched is None or kind == UNTOUCHED else untouched
        difference = None if other is None else paired_interval(other, found, faces.keypoints, faces.groups)
        rows.append(ComparedModel(kind, model, scored.rmse, scored.interval, difference))
    order = (UNTOUCHED, TUNED, SCRATCH, MEAN_SHAPE)
    rows.sort(key=lambda row: order.index(row.kind))
    return Comparison(rows, scored.faces, len(np.unique(faces.groups)), scored.coordinates, how, source.persons_known)


def _crossed(
    experiments: list[Experiment], source: Dataset, start: Path, work: Path, note: Callable[[str], None]
) -> tuple[list[_Held], str]:
    labeled = source.train.take(source.train.labeled)
    fold = folds_of(labeled.groups)
    count = int(fold.max()) + 1
    parts = []
    for number in range(count):
        note(f"fold {number + 1} of {count}: trained without its {counted(int((fold == number).sum()), 'face')}")
        held_out = labeled.take(fold == number)
        others = replace(source, train=labeled.take(fold != number), test=held_out, validation=None)
        tuned = [one for one in experiments if one.start]  # from scratch there are too few
        files = [train(one, others, work / str(number), True, Progress(), True)[0] for one in tuned]
        points = {key: points_of(model, held_out) for key, model in _models(tuned, files).items()}
        parts.append(_Held(held_out, points | _fixed(start, held_out, split(others).train)))
    return parts, f"each face once, {count}-fold cross-validation over persons"


def _models(experiments: list[Experiment], files: list[Path]) -> dict[tuple[str, str], Predictor]:
    return {
        (TUNED if one.start else SCRATCH, path.stem): open_predictor(path)
        for one, path in zip(experiments, files, strict=True)
    }


def _fixed(start: Path, faces: Faces, trained_on: Faces) -> dict[tuple[str, str], np.ndarray]:
    """The predictions of what does not learn: the mean shape and, if it has these points, the start."""
    mean = np.nanmean(trained_on.keypoints, 0)
    found: dict[tuple[str, str], np.ndarray] = {(MEAN_SHAPE, ""): np.broadcast_to(mean, faces.keypoints.shape)}
    untouched = open_predictor(start)
    if untouched.spec.layout == faces.layout:
        found[UNTOUCHED, start.stem] = points_of(untouched, faces)
    return found


def points_of(predictor: Predictor, faces: Faces) -> np.ndarray:
    """(N, K, 2) pixels of the faces' images, whatever size the model takes."""
    own = faces.at(predictor.spec.input)
    return replace(own, keypoints=predictor.predict(own.images)).at(faces.input).keypoints
