"""face_images.npz and facial_keypoints.csv: Kaggle's training faces as they are often passed on, without its rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.arrays import read_arrays
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.kaggle_csv import INPUT, LAYOUT
from edgefkp.data.license import KAGGLE
from edgefkp.data.numbers import coordinate
from edgefkp.data.points_csv import read_table
from edgefkp.errors import EdgefkpError, some
from edgefkp.layout import InputSpec, PointLayout

IMAGES, POINTS = "face_images.npz", "facial_keypoints.csv"
_ARRAY = "face_images"
_HINT = f"{IMAGES} has one array {_ARRAY} of {INPUT.side} x {INPUT.side} x N levels 0..255, {POINTS} a row for each"


def open_face_images(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset:
    """The N images and their points, in the form of Kaggle's; there is no test part.

    Raises EdgefkpError for files that are damaged, or do not belong together.
    """
    folder = path if path.is_dir() else path.parent
    images, points = _images(folder / IMAGES), _points(folder / POINTS)
    if len(images) != len(points):
        raise EdgefkpError(f"{folder / IMAGES} has {len(images)} images, and {POINTS} {len(points)} rows", _HINT)
    groups = persons_or_duplicates(str(folder), images, None)
    ids = np.array([f"train-{row}" for row in range(1, len(images) + 1)])
    name = folder.resolve().name
    return Dataset(name, faces_of(images, points, ids, groups, layout=LAYOUT), None, KAGGLE, persons_known=False)


def _images(path: Path) -> np.ndarray:
    """(N, side, side) uint8."""
    arrays = read_arrays(path, "copy it again")
    images = arrays.get(_ARRAY)
    side = INPUT.side
    if images is None or images.ndim != 3 or side not in (images.shape[0], images.shape[2]):
        held = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())[:200] or "nothing"
        raise EdgefkpError(f"{path} holds {held}", _HINT)
    if images.shape[:2] == (side, side):
        images = np.moveaxis(images, 2, 0)
    if images.shape[1:] != (side, side):
        raise EdgefkpError(f"{path} has images of {images.shape[1]} x {images.shape[2]} pixels", _HINT)
    with np.errstate(invalid="ignore"):
        levels = images.astype(np.uint8)
    if images.dtype.kind not in "uif" or not (levels == images).all():
        raise EdgefkpError(f"{path} holds {images.dtype} that are no whole levels 0..255", _HINT)
    return np.ascontiguousarray(levels)


def _points(path: Path) -> np.ndarray:
    """(N, K, 2) float32 pixels, NaN = an empty cell."""
    header, rows = read_table(path)
    if missing := [name for name in LAYOUT.columns if name not in header]:
        raise EdgefkpError(
            f"{path} lacks {len(missing)} of {len(LAYOUT.columns)} columns: {some(missing, 3)}; found: {some(header)}",
            _HINT,
        )
    values = [[coordinate(row[name] or "") for name in LAYOUT.columns] for row in rows]
    for line, row in enumerate(values, 2):
        if None in row:
            name = LAYOUT.columns[row.index(None)]
            raise EdgefkpError(f"{path} line {line}: {name} is {rows[line - 2][name][:20]!r}, expected a number", _HINT)
    points = np.array(values, np.float32).reshape(-1, LAYOUT.count, 2)
    if np.isnan(points).all():
        raise EdgefkpError(f"{path} has no label", _HINT)
    return points


def is_face_images(path: Path) -> bool:
    folder = path if path.is_dir() else path.parent
    return (path.is_dir() or path.name in (IMAGES, POINTS)) and all(
        (folder / name).is_file() for name in (IMAGES, POINTS)
    )


FORMATS.add(
    Format(
        "face-images",
        f"{IMAGES} with {POINTS}",
        is_face_images,
        open_face_images,
        rank=9,
        holds="crops; Kaggle's points",
    )
)
