"""WFLW's text: a line a face with x and y of its points, its box, six attributes, and the photo's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.label_files import beside
from edgefkp.data.numbers import coordinate
from edgefkp.data.own_layout import layout_of
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, Photos, photos_of
from edgefkp.errors import EdgefkpError, some
from edgefkp.files import open_file, read_bytes, visible
from edgefkp.layout import InputSpec, PointLayout

ATTRIBUTES = ("pose", "expression", "illumination", "make_up", "occlusion", "blur")  # 0 usual, 1 not
_POINTS = 98
_BOX = 4  # numbers: left, top, right, bottom
_CELLS = 2 * _POINTS + _BOX + len(ATTRIBUTES) + 1
_BOM = b"\xef\xbb\xbf"
_HEAD = 8192  # bytes that hold the first line
_HINT = f"a line for each face: x and y of {_POINTS} points, its box, {len(ATTRIBUTES)} attributes, the photo's name"


def open_wflw(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """The faces of list_98pt_rect_attr_train.txt and ..._test.txt, or of one of them; columns are the attributes.

    Raises EdgefkpError for a line that is damaged.
    """
    files = _files(path)
    folder = path if path.is_dir() else path.parent
    photos = PhotoFolder(folder, *beside(folder), *(folder.parent / name for name in ("WFLW_images",)))
    faces = []
    for file in files:
        part = (part_of(file.name) if len(files) > 1 else None) or PARTS[0]
        text = read_bytes(file, "WFLW's text", _HINT).removeprefix(_BOM).decode("utf-8", "surrogateescape")
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        faces += [_face(file, number, line, part, photos) for number, line in lines]
    source = files[0] if len(files) == 1 else path
    names = [str(number) for number in range(_POINTS)]
    own, order = layout_of(names, np.array([face.points for face in faces]), str(source), layout)
    name = path.resolve().name if path.is_dir() else path.stem
    return photos_of(name, source, own, [face.taking(order) for face in faces])


def _face(file: Path, number: int, line: str, part: str, photos: PhotoFolder) -> LabeledFace:
    cells = line.split(maxsplit=_CELLS - 1)
    values = [coordinate(cell) for cell in cells[:-1]]
    if len(cells) != _CELLS or None in values:
        wrong = [cell for cell, value in zip(cells, values, strict=False) if value is None]
        found = f"{some(wrong, 1)!r} is no number" if wrong else f"{len(cells)} cells, expected {_CELLS}"
        raise EdgefkpError(f"{file} line {number}: {found}", _HINT)
    numbers = np.array(values, np.float64)
    left, top, right, bottom = numbers[2 * _POINTS : 2 * _POINTS + _BOX].tolist()
    name = cells[-1].strip()
    return LabeledFace(
        name,
        photos.find(name),
        numbers[: 2 * _POINTS].reshape(_POINTS, 2),
        f"line {number}",
        part,
        box=(left, top, right - left, bottom - top),
        columns=tuple(zip(ATTRIBUTES, cells[2 * _POINTS + _BOX : -1], strict=True)),
    )


def _files(path: Path) -> list[Path]:
    """The texts of that form: the file, or those of a folder."""
    found = (
        [path] if path.is_file() else sorted({*visible(path, "*.txt"), *visible(path, "**/list_98pt_rect_attr_*.txt")})
    )
    return [file for file in found if file.suffix.lower() == ".txt" and _begins(file)]


def _begins(file: Path) -> bool:
    try:
        with open_file(file) as stream:
            cells = stream.readline(_HEAD).removeprefix(_BOM).split()
    except (OSError, EdgefkpError):
        return False
    return len(cells) >= _CELLS and all(coordinate(cell.decode("latin1")) is not None for cell in cells[: _CELLS - 1])


def is_wflw(path: Path) -> bool:
    return bool(_files(path)) if path.exists() else False


FORMATS.add(
    Format(
        "wflw",
        "WFLW's text (.txt, or its folder)",
        is_wflw,
        open_wflw,
        rank=14,
        holds="boxes, six attributes, several faces a photo, parts",
    )
)
