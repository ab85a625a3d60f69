"""A folder of images and one CSV of points in their own pixels."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from edgefkp.data.cutting import cut_face
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import SOURCE_SIDE, Dataset, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.images import read_image
from edgefkp.data.license import NOT_STATED, license_of
from edgefkp.data.points_csv import columns_of, read_points
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import InputSpec, PointLayout

SMALLEST_SIDE = 12  # pixels of the image: below, no face can be seen
_SLOW = 500  # images that take more than two seconds: show a progress bar


def open_folder(path: Path, labels: str, layout: PointLayout, input: InputSpec) -> Dataset:
    """Cut each face that the folder's CSV names out of its image; there is no test part of its own.

    Raises EdgefkpError where there is not exactly one CSV, and for images that are missing, unreadable, or
    points that do not show where the face is (all of them in one message).
    """
    table = _only_csv(path, layout)
    files, points, persons, others = read_points(table, layout)
    useless = [name for name, face in zip(files, points, strict=True) if not _shows_a_face(face, layout)]
    if useless:
        raise EdgefkpError(
            f"{table}: {len(useless)} of {len(files)} rows do not show where the face is: {_some(useless)}",
            f"give two points or more, apart from each other (faces from {SMALLEST_SIDE} pixels), or remove these rows",
        )
    images, keypoints = _cut_all(path, table, files, points, layout, input)
    known = None if persons is None else np.array(persons)
    groups = persons_or_duplicates(str(path), images, known)
    attributes = {name: np.array(cells) for name, cells in others.items()}
    attributes[SOURCE_SIDE] = np.array([box_of_keypoints(face, layout).side for face in points])
    return Dataset(
        path.resolve().name,
        faces_of(images, keypoints, np.array(files), groups, layout=layout, attributes=attributes),
        None,
        license_of(known, NOT_STATED),
        persons_known=known is not None,
    )


def _shows_a_face(points: np.ndarray, layout: PointLayout) -> bool:
    enough = (~np.isnan(points).any(-1)).sum() >= 2
    return bool(enough) and box_of_keypoints(points, layout).side >= SMALLEST_SIDE


def _only_csv(path: Path, layout: PointLayout) -> Path:
    tables = visible(path, "*.csv")
    if len(tables) != 1:
        found = _some([table.name for table in tables]) if tables else "none"
        raise EdgefkpError(
            f"{path} has {len(tables)} CSV files ({found}), and neither training.csv nor training.zip",
            f"put images and one CSV there, with the columns: {columns_of(layout)}",
        )
    return tables[0]


def _cut_all(
    folder: Path, table: Path, files: list[str], points: np.ndarray, layout: PointLayout, input: InputSpec
) -> tuple[np.ndarray, np.ndarray]:
    crops, unreadable = [], []
    with progress_bar("cutting faces", len(files)) if len(files) >= _SLOW else nullcontext() as bar:
        for row, name in enumerate(files):
            if bar:
                bar.update(1)
            image = read_image(folder / name, input.colors)
            if image is None:
                unreadable.append(name)
            else:
                crops.append(cut_face(image, points[row], name, layout, input))
    if unreadable:
        raise EdgefkpError(
            f"{len(unreadable)} of {len(files)} images that {table.name} names are missing or unreadable: "
            + _some(unreadable),
            f"the column file holds paths below {folder}; correct or remove these rows",
        )
    images, keypoints = zip(*crops, strict=True)
    return np.stack(images), np.stack(keypoints)


def _some(names: list[str]) -> str:
    return ", ".join(" ".join(name.split())[:80] for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )


FORMATS.add(Format("folder", "a folder of images and a points CSV", Path.is_dir, open_folder, rank=30))
