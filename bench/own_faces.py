"""Fine-tune the shipped network on few and many faces of a folder, and score on persons that were held out.

    python -m bench.own_faces WORK --data free-faces [--only SIZE ...]

The folder's CSV has the columns `person` and `placed` (hand or automatic). Its split: persons by name; every fifth,
from the first, is test; of the rest every fifth is validation. WORK contains one folder per training; re-run the same
command to resume. Writes bench/results/own_faces.json after each training; docs/YOUR_FACES.md shows it.
"""

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import run
from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.formats import open_dataset
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.bootstrap import paired_interval
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import sha256_file, write_json
from edgefkp.runtime.predictor import open_predictor
from edgefkp.training.experiment import Experiment
from edgefkp.training.plans import default_recipe
from edgefkp.training.recipe import read_recipe
from edgefkp.training.schedule import FEW
from edgefkp.training.start import find_start
from edgefkp.training.train import train

RESULT = Path(__file__).resolve().parent / "results/own_faces.json"
NETWORK = "small"
SIZES = (20, 40, 100, None)  # faces to train on; None: all
DRAWS = 5
EVERY = 5  # of the persons is held out
SCRATCH_IMAGES = 16_000  # shown to a network that starts from nothing

Row = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """The folder, divided by its own rule."""

    train: Faces
    validation: Faces
    test: Faces
    by_hand: np.ndarray  # (N,) bool: the points of a test face were placed by hand


def divided(source: Dataset, folder: Path) -> Parts:
    faces, persons = source.train, np.unique(source.train.groups)
    test = np.isin(faces.groups, persons[::EVERY])
    rest = np.array([person for number, person in enumerate(persons) if number % EVERY])
    validation = np.isin(faces.groups, rest[::EVERY])
    return Parts(
        faces.take(~test & ~validation), faces.take(validation), faces.take(test), _placed_by_hand(folder, faces)[test]
    )


def _placed_by_hand(folder: Path, faces: Faces) -> np.ndarray:
    (table,) = folder.glob("*.csv")
    with open(table, newline="", encoding="utf-8") as stream:
        placed = {row["file"]: row["placed"] for row in csv.DictReader(stream)}
    if unknown := [name for name in faces.ids.tolist() if name not in placed]:
        raise EdgefkpError(
            f"{table} does not state how the points of {unknown[0]} were placed", "give its column placed"
        )
    return np.array([placed[name] == "hand" for name in faces.ids.tolist()])


def drawn(faces: Faces, size: int | None, draw: int) -> Faces:
    """The faces of persons in the order of the draw until there are `size`; all faces if that is None."""
    if size is None:
        return faces
    persons = np.random.default_rng(draw).permutation(np.unique(faces.groups))
    rows = np.concatenate([np.flatnonzero(faces.groups == person) for person in persons])
    return faces.take(rows[:size])


def experiment(tuned: bool, seed: int) -> Experiment:
    recipe = read_recipe("finetune") if tuned else default_recipe(NETWORK, images=SCRATCH_IMAGES)
    return Experiment(NETWORK, recipe=recipe.changed(seed=seed), start=NETWORK if tuned else None)


def trained(tuned: bool, size: int | None, draw: int, parts: Parts, source: Dataset, work: Path) -> tuple[Path, Row]:
    """The .keras of one training, made only if WORK lacks it, and what is known of it."""
    faces = drawn(parts.train, size, draw)
    # Of few faces the choice is made by cross-validation over their own persons.
    validation = None if len(faces) < FEW else parts.validation
    data = replace(source, train=faces, test=parts.test, validation=validation)
    kind = "finetuned" if tuned else "scratch"
    path, card = train(experiment(tuned, draw), data, work / f"{kind}-{size or 'all'}-{draw}", resume=True)
    return path, {
        "kind": kind,
        "size": size,
        "faces": len(faces),
        "persons": len(np.unique(faces.groups)),
        "draw": draw,
        "schedule": card.training["finetuning"]["schedule"] if tuned else "scratch",
        "chosen_rmse": card.metrics["validation_rmse"],
        "images": card.history[-1]["images"],
        "seconds": card.history[-1]["seconds"],
    }


def scored(predicted: np.ndarray, parts: Parts, untouched: np.ndarray | None = None) -> Row:
    test, hand = parts.test, parts.by_hand
    found: Row = {"rmse": rmse(predicted, test.keypoints), "rmse_hand": rmse(predicted[hand], test.keypoints[hand])}
    if untouched is not None:
        found["interval"] = list(paired_interval(untouched, predicted, test.keypoints, test.groups))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--only", action="append", choices=[str(size or "all") for size in SIZES])
    given = parser.parse_args()
    source = open_dataset(given.data)
    parts = divided(source, given.data)
    start = find_start(NETWORK)
    untouched = open_predictor(start).predict(parts.test.images)
    content = {
        "schema": "edgefkp.own_faces/1",
        "network": NETWORK,
        "start": {"file": start.name, "sha256": sha256_file(start)},
        "data": {
            "name": source.name,
            "hash": source.train.hash,
            "licence": source.license,
            "faces": {name: len(getattr(parts, name)) for name in ("train", "validation", "test")},
            "persons": {name: len(np.unique(getattr(parts, name).groups)) for name in ("train", "validation", "test")},
            "test_faces_by_hand": int(parts.by_hand.sum()),
        },
        "untouched": scored(untouched, parts),
        "rows": [],
    }
    rows: list[Row] = content["rows"]  # type: ignore[assignment]
    jobs = [(True, size, draw) for size in SIZES for draw in range(DRAWS)] + [(False, size, 0) for size in SIZES]
    for tuned, size, draw in jobs:
        if given.only and str(size or "all") not in given.only:
            continue
        path, row = trained(tuned, size, draw, parts, source, given.work)
        rows.append(row | scored(open_predictor(path).predict(parts.test.images), parts, untouched))
        print(rows[-1], flush=True)
        write_json(RESULT, content)


if __name__ == "__main__":
    run(main)
