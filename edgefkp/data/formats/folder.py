"""A folder of pictures and one CSV of points in their own pixels."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click
import numpy as np

from edgefkp.data.cutting import cut_face
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.formats.points_csv import read_points
from edgefkp.data.license import NOT_STATED, licence_of
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import KAGGLE15

SMALLEST_SIDE = 12  # pixels of the picture: below, there is no face to see
_SLOW = 500  # pictures that take more than two seconds: show a progress bar


def open_folder(path: Path) -> Dataset:
    """Cut each face that the folder's CSV names out of its picture; there is no test part of its own.

    Raises EdgefkpError where there is not exactly one CSV, and for pictures that are missing, unreadable, or
    points that do not show where the face is (all of them in one message).
    """
    table = _only_csv(path)
    files, points, persons = read_points(table)
    useless = [name for name, face in zip(files, points, strict=True) if not _shows_a_face(face)]
    if useless:
        raise EdgefkpError(
            f"{table}: {len(useless)} of {len(files)} rows do not show where the face is: {_some(useless)}",
            f"give two points or more, apart from each other (faces from {SMALLEST_SIDE} pixels), or remove these rows",
        )
    images, keypoints = _cut_all(path, table, files, points)
    known = None if persons is None else np.array(persons)
    return Dataset(
        path.resolve().name,
        faces_of(images, keypoints, np.array(files), persons_or_duplicates(str(path), images, known)),
        None,
        licence_of(known, NOT_STATED),
        persons_known=known is not None,
    )


def _shows_a_face(points: np.ndarray) -> bool:
    enough = (~np.isnan(points).any(-1)).sum() >= 2
    return bool(enough) and box_of_keypoints(points, KAGGLE15).side >= SMALLEST_SIDE


def _only_csv(path: Path) -> Path:
    if not path.is_dir():
        raise EdgefkpError(
            f"{path} is of no form that is known",
            "give a folder with training.csv or training.zip, an .npz, a folder of images and a points CSV, or: sample",
        )
    tables = sorted(path.glob("*.csv"))
    if len(tables) != 1:
        found = _some([table.name for table in tables]) if tables else "none"
        raise EdgefkpError(
            f"{path} has {len(tables)} CSV files ({found}), and neither training.csv nor training.zip",
            "put images and one CSV there, with the columns: file and the 30 coordinates as in Kaggle's training.csv",
        )
    return tables[0]


def _cut_all(folder: Path, table: Path, files: list[str], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    crops, unreadable = [], []
    slow = len(files) >= _SLOW
    shown = click.progressbar(files, label="cutting faces", file=sys.stderr) if slow else nullcontext(files)
    with shown as progress:
        for row, name in enumerate(progress):
            file = folder / name
            content = np.fromfile(file, np.uint8) if file.is_file() else np.empty(0, np.uint8)
            image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if len(content) else None
            if image is None:
                unreadable.append(name)
            else:
                crops.append(cut_face(image, points[row], name))
    if unreadable:
        raise EdgefkpError(
            f"{len(unreadable)} of {len(files)} images that {table.name} names are missing or unreadable: "
            + _some(unreadable),
            f"the column file holds paths below {folder}; mend or remove these rows",
        )
    images, keypoints = zip(*crops, strict=True)
    return np.stack(images), np.stack(keypoints)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
