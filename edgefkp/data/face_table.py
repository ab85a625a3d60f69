"""The columns of a table of points that a person or a program wrote: which is the photo, the person, a point."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

FILE_WORDS = (
    "file", "filename", "filepath", "image", "imagename", "imagepath", "imagefile", "img", "imgname", "imgpath", "path",
    "photo", "photoname", "picture", "frame", "name",
)  # fmt: skip
PERSON_WORDS = (
    "person", "group", "subject", "identity", "personid", "personname", "subjectid", "identityid", "identityname",
)  # fmt: skip
SOURCE_WORDS = ("placed", "labelsrc", "labelsource")
# Ends of what tables name as photos, whether they can be read or not.
_PHOTOS = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".gif", ".heic", ".avif")
# What has x and y, and is no point of a face.
_BOXES = {"", "box", "bbox", "facebox", "rect", "boundingbox", "min", "max"}
_HEAD, _FEWEST_PIXELS = 4096, 5  # characters of a cell that are looked at, and numbers in it
_FEWEST_NUMBERED = 4  # columns of bare numbers: below, they are something else


def word(column: str) -> str:
    """A column's name without what people write in different ways: Image_Path -> imagepath."""
    return re.sub(r"[\s_.\-]+", "", column).lower()


@dataclass(frozen=True)
class Columns:
    """Columns of a table, as they are written there."""

    file: str  # of the photo's name
    points: dict[str, tuple[str, str]]  # name of a point -> the columns of its x and y
    person: str | None
    label_src: str | None
    visibility: dict[str, str]  # name of a point -> the column of its visibility, as in COCO
    box: tuple[str, str, str, str] | None  # left, top, width, height
    others: tuple[str, ...]  # attributes of the faces; that of label_src is one, too


def columns_of(header: Sequence[str], first: Sequence[str]) -> Columns | None:
    """None for a table without photos or without points. first: the cells of the first row."""
    file = file_column(header, first)
    points = _named_points(header) or _numbered_points([name for name in header if name != file])
    if file is None or not points:
        return None
    person, label_src = (_first_of(words, header) for words in (PERSON_WORDS, SOURCE_WORDS))
    box = _box(header)
    visibility = {name: column for name in points if (column := f"{name}_v") in header}
    used = {
        file,
        person,
        *visibility.values(),
        *(box or ()),
        *(column for pair in points.values() for column in pair),
    }
    return Columns(
        file, points, person, label_src, visibility, box, tuple(name for name in header if name and name not in used)
    )


def file_column(header: Sequence[str], first: Sequence[str]) -> str | None:
    """By its name; else the first one that holds the name of an image file."""
    images = [name for name, cell in zip(header, first, strict=False) if is_image_name(cell)]
    named = [name for name in header if word(name) in FILE_WORDS]
    both = [name for name in named if name in images]
    exact = [name for name in named if name.strip() == FILE_WORDS[0]]
    return next(iter((*exact, *both, *images, *named)), None)


def is_image_name(cell: str) -> bool:
    return PurePosixPath(cell.strip().lower()).suffix in _PHOTOS and len(cell) < 4096


def holds_pixels(cell: str) -> bool:
    """Whether a cell is an image as numbers, which a few odd ones among them do not change, and no photo's name."""
    words = re.findall(r"[^\s\[\],]+", cell[:_HEAD])
    numbers = sum(word.replace(".", "").isdigit() for word in words)
    return not is_image_name(cell) and numbers >= _FEWEST_PIXELS and numbers > len(words) / 2


def _first_of(words: tuple[str, ...], header: Sequence[str]) -> str | None:
    found = {word(name): name for name in reversed(header)}
    return next((found[one] for one in words if one in found), None)


def _named_points(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """NAME_x and NAME_y, x_NAME and y_NAME, NAME.x, NAMEX, x1 and y1."""
    known = {name.strip(): name for name in header}
    points: dict[str, tuple[str, str]] = {}
    for column, written in known.items():
        for name, partner in _as_x(column):
            if partner in known and word(name) not in _BOXES and name not in points:
                points[name] = written, known[partner]
                break
    return points


def _as_x(column: str) -> list[tuple[str, str]]:
    """(name of the point, column of its y) for each way in which the column may hold an x."""
    found = []
    if column[-1:] in ("x", "X"):
        y = chr(ord(column[-1]) + 1)
        found.append((column[:-1].rstrip(" _.-"), column[:-1] + y))
    if column[:1] in ("x", "X"):
        y = chr(ord(column[0]) + 1)
        found.append((column[1:].lstrip(" _.-"), y + column[1:]))
    return found


def partner(column: str) -> str | None:
    """NAME_y for NAME_x, and the other way round; None for a column of something else."""
    name = column.strip()
    swap = {"x": "y", "y": "x", "X": "Y", "Y": "X"}
    if len(name) > 2 and name[-2] in "_." and name[-1] in swap:
        return column.replace(name, name[:-1] + swap[name[-1]])
    return None


def _numbered_points(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Columns 0, 1, 2, ... hold x and y of one point after the other."""
    numbers = [name for name in header if name.strip().isascii() and name.strip().isdigit() and len(name) < 6]
    values = [int(name) for name in numbers]
    if len(values) < _FEWEST_NUMBERED or len(values) % 2 or values != list(range(values[0], values[0] + len(values))):
        return {}
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return {str(number): pair for number, pair in enumerate(pairs, 1)}


def _box(header: Sequence[str]) -> tuple[str, str, str, str] | None:
    found = {word(name): name for name in header}
    for begin in ("box", "bbox", "facebox", "rect"):
        for ends in (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height")):
            columns = [found.get(begin + end) for end in ends]
            if all(column is not None for column in columns):
                left, top, width, height = (str(column) for column in columns)
                return left, top, width, height
    return None
