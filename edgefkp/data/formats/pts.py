"""A folder of .pts files, one for each face, as of 300-W, HELEN, LFPW and AFW: points counted from 1."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.label_files import beside
from edgefkp.data.numbers import coordinate
from edgefkp.data.own_layout import layout_of
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, Photos, photos_of
from edgefkp.errors import EdgefkpError, reading, some
from edgefkp.files import read_bytes, visible
from edgefkp.layout import InputSpec, PointLayout

FIRST = 1  # coordinate of the first pixel's center, as of MATLAB
_FILES = "**/*.[pP][tT][sS]"
_HINT = "expected the lines: version: 1, n_points: N, {, N lines of x and y, }"
_FORM = re.compile(r"\s*version:\s*[\d.]+\s+n_points:\s*(\d{1,5})\s*\{([^{}]*)\}\s*")
_FACE = re.compile(r"(.+)_(\d{1,3})")  # a second face of photo.jpg: photo_1.pts


def open_pts(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """A face for each .pts, on the photo of the same name beside it, or in a folder images beside that of the .pts.

    Folders whose names have the word train, validation or test are these parts. Raises EdgefkpError for a file that is
    damaged, and where files have other numbers of points.
    """
    files = visible(path, _FILES) if path.is_dir() else [path]
    folder = path if path.is_dir() else path.parent
    points = [read_pts(file) for file in files]
    counts = np.array([len(face) for face in points])
    usual = int(np.bincount(counts).argmax())
    if odd := [str(file.relative_to(folder)) for file, count in zip(files, counts, strict=True) if count != usual]:
        raise EdgefkpError(
            f"{path}: {len(odd)} of {len(files)} files do not have {usual} points as the others: {some(odd)}",
            "give a folder of one kind of points",
        )
    own, order = layout_of([str(number) for number in range(1, usual + 1)], np.array(points), str(path), layout)
    photos = PhotoFolder(folder, *beside(folder))
    top = _common([file.parent for file in files])
    parts = [part_of(file.relative_to(folder).parent) for file in files]
    if PARTS[0] not in parts:
        parts = [None] * len(files)
    faces = [
        LabeledFace(*_photo(photos, file, top), face[order], file.name, part or PARTS[0])
        for file, face, part in zip(files, points, parts, strict=True)
    ]
    return photos_of(path.resolve().name, path, own, faces)


def read_pts(path: Path) -> np.ndarray:
    """(K, 2) float64 pixels, the first pixel's center at 0; NaN where a coordinate is "nan".

    Raises EdgefkpError for a file that is damaged.
    """
    content = read_bytes(path, "a whole .pts", _HINT)
    with reading(path, "a whole .pts", _HINT):
        found = _FORM.fullmatch(content.decode("utf-8-sig"))
        if not found:
            raise ValueError("its lines are others")
        rows = [line.split() for line in found[2].strip().splitlines() if line.strip()]
        if len(rows) != int(found[1]) or not rows:
            raise ValueError(f"{len(rows)} points, and n_points is {found[1]}")
        values = [[coordinate(text) for text in row] for row in rows]
        if any(len(row) != 2 or None in row for row in values):
            wrong = next(row for row, numbers in zip(rows, values, strict=True) if len(numbers) != 2 or None in numbers)
            raise ValueError(f"{' '.join(wrong)[:40]!r} is no x and y in pixels")
        return np.array(values, np.float64) - FIRST


def _common(folders: list[Path]) -> Path:
    """The deepest folder that holds all of them."""
    first = folders[0]
    return next(one for one in (first, *first.parents) if all(one in (other, *other.parents) for other in folders))


def _photo(photos: PhotoFolder, file: Path, top: Path) -> tuple[str, Path]:
    """The name and the place of the photo that a .pts is of."""
    within = file.relative_to(top).with_suffix("")
    stems = [file.stem, *([found[1]] if (found := _FACE.fullmatch(file.stem)) else [])]
    for stem in stems:
        if near := [photo for photo in photos.photos_of(stem) if photo.parent == file.parent]:
            return str(within.with_name(near[0].name).as_posix()), near[0]
    for stem in stems:
        found_photos = photos.photos_of(stem)
        if len(found_photos) == 1:
            return str(within.with_name(found_photos[0].name).as_posix()), found_photos[0]
        wanted = photos.find(str(within.with_name(stem)))
        if wanted in found_photos:
            return str(within.with_name(wanted.name).as_posix()), wanted
    return within.as_posix(), file.with_suffix(".jpg")


def is_pts(path: Path) -> bool:
    if path.is_dir():
        return next(path.glob(_FILES), None) is not None and bool(visible(path, _FILES))
    return path.suffix.lower() == ".pts" and path.is_file()


FORMATS.add(
    Format(
        "pts",
        "a folder of .pts files (300-W)",
        is_pts,
        open_pts,
        rank=15,
        holds="parts by folders; points have numbers alone",
    )
)
