"""Kaggle's facial-keypoints-detection: its files as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.data.arrays import checked, read_arrays, text_of
from edgefkp.data.cache import cached
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, Faces, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.kaggle_csv import INPUT, LAYOUT, read_test, read_training
from edgefkp.data.kaggle_tables import read_lookup, read_solution
from edgefkp.data.license import KAGGLE, license_of
from edgefkp.data.numbers import as_points
from edgefkp.data.points_csv import names_photos
from edgefkp.errors import EdgefkpError
from edgefkp.layout import InputSpec, PointLayout

FULL_LABELS = "full_labels.npz"
# As Kaggle has them, and as they are unpacked into folders of their own.
_TRAINING = ("training.csv", "training.zip", "training/training.csv")
_TEST = ("test.csv", "test.zip", "test/test.csv")
_PARSER = 1  # part of the cache's key: raise it when the arrays change
# full_labels.npz has to describe the same rows: labels of training.csv may be corrected, not shuffled.
_CORRECTED_SHARE, _CORRECTED_PIXELS = 0.1, 1.0


class _Known(NamedTuple):
    """What full_labels.npz knows of one part, row by row."""

    keypoints: np.ndarray
    persons: np.ndarray
    filenames: np.ndarray
    label_src: np.ndarray


class _Part(NamedTuple):
    images: np.ndarray
    keypoints: np.ndarray
    known: _Known | None


def is_kaggle(path: Path) -> bool:
    """Whether `path` is a folder with Kaggle's CSVs, or such a .csv or .zip itself.

    A CSV is Kaggle's unless its first lines name photos: a damaged one is then refused by what it should be.
    """
    if path.is_dir():
        found = [path / name for name in (*_TRAINING, *_TEST) if (path / name).exists()]
        return bool(found) and not any(names_photos(file) for file in found if file.suffix == ".csv")
    suffix = path.suffix.lower()
    return path.is_file() and (suffix == ".zip" or (suffix == ".csv" and not names_photos(path)))


def open_kaggle(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset:
    """Open a folder of Kaggle's form, or a training .csv or .zip (without a test part), as LAYOUT and INPUT have it.

    labels: "csv" trains on the labels of training.csv, "full" on those of full_labels.npz. The test part has
    full labels if the file has them, else those of solution.csv, else none (NaN). Kaggle scores its own points and
    pixels alone: for another layout or side, the dataset comes without the lookup.
    Raises EdgefkpError for files that are missing, damaged, or do not belong together.
    """
    folder = path if path.is_dir() else path.parent
    training = _open_training(_first(folder, _TRAINING) if path.is_dir() else path, folder / FULL_LABELS, labels)
    test_file = next((folder / name for name in _TEST if path.is_dir() and (folder / name).exists()), None)
    test, lookup = _open_test(test_file, folder) if test_file else (None, None)
    parts = [part for part in (training, test) if part]
    groups = None
    if any(part.known is None for part in parts):
        # Over both parts at once, so that one name is one face.
        images = np.concatenate([part.images for part in parts])
        groups = persons_or_duplicates(str(path), images, None)
    return Dataset(
        name=path.resolve().name,
        train=_faces(training, "train", None if groups is None else groups[: len(training.images)]),
        test=_faces(test, "test", None if groups is None else groups[-len(test.images) :]) if test else None,
        license=license_of(training.known.persons if training.known else None, KAGGLE),
        lookup=lookup if (layout or LAYOUT, input.side) == (LAYOUT, INPUT.side) else None,
        persons_known=groups is None,
    )


def _first(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise EdgefkpError(f"{folder} has no {' or '.join(names)}", "put it there: edgefkp data download")


def _open_training(file: Path, full_labels: Path, labels: str) -> _Part:
    arrays = cached(file, f"kaggle-training-{_PARSER}", read_training)
    images, keypoints = arrays["images"], arrays["keypoints"]
    known = _read_known(full_labels, "train", len(images))
    if known:
        _require_same_rows(full_labels, known.keypoints, keypoints)
    if labels == "full":
        if known is None:
            raise EdgefkpError(f"{full_labels} does not exist", "train on the labels of training.csv: --labels csv")
        keypoints = known.keypoints
    return _Part(images, keypoints, known)


def _open_test(file: Path, folder: Path) -> tuple[_Part, np.ndarray | None]:
    arrays = cached(file, f"kaggle-test-{_PARSER}", read_test)
    images, rows = arrays["images"], len(arrays["images"])
    known = _read_known(folder / FULL_LABELS, "test", rows)
    lookup_file, solution_file = folder / "IdLookupTable.csv", folder / "solution.csv"
    lookup = read_lookup(lookup_file, arrays["image_ids"]) if lookup_file.exists() else None
    if known:
        keypoints = known.keypoints
    elif lookup is not None and solution_file.exists():
        keypoints = read_solution(solution_file, lookup, rows)
    else:
        keypoints = np.full((rows, LAYOUT.count, 2), np.nan, np.float32)
    return _Part(images, keypoints, known), lookup


def _faces(part: _Part, name: str, groups: np.ndarray | None) -> Faces:
    if part.known and groups is None:
        known = part.known
        return faces_of(part.images, part.keypoints, known.filenames, known.persons, known.label_src, LAYOUT)
    rows = np.array([f"{name}-{row}" for row in range(1, len(part.images) + 1)])
    return faces_of(part.images, part.keypoints, rows, groups, layout=LAYOUT)


def _read_known(file: Path, part: str, rows: int) -> _Known | None:
    if not file.exists():
        return None
    shapes: dict[str, tuple[Any, ...]] = {
        f"{part}_keypoints": (rows, LAYOUT.count, 2),
        f"{part}_group": (rows,),
        f"{part}_filename": (rows,),
        f"{part}_label_src": (rows, LAYOUT.count),
    }
    hint = "the full labels of the rows of training.csv and test.csv, as they came with these"
    arrays = checked(file, read_arrays(file, "copy it again"), shapes, hint)
    keypoints, persons, filenames, label_src = arrays.values()
    return _Known(as_points(keypoints), text_of(persons), text_of(filenames), label_src)


def _require_same_rows(file: Path, full: np.ndarray, csv: np.ndarray) -> None:
    difference = np.nan_to_num(np.abs(full - csv)).max((1, 2))
    differ = difference > _CORRECTED_PIXELS
    if differ.mean() > _CORRECTED_SHARE:
        raise EdgefkpError(
            f"{file} and training.csv disagree in {differ.sum()} of {len(differ)} rows, first in row "
            f"{differ.argmax() + 1}: they do not describe the same faces in the same order",
            f"remove {file.name} from the folder, or restore the training.csv it was made with",
        )


FORMATS.add(
    Format(
        "kaggle",
        "a folder with training.csv or training.zip",
        is_kaggle,
        open_kaggle,
        rank=20,
        holds="crops; Kaggle's points, test part",
    )
)
