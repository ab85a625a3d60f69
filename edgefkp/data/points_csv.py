"""A CSV of points in the pixels of the original images, a row for each face."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.data.face_table import Columns, columns_of, file_column, holds_pixels, partner, word
from edgefkp.data.faces import AUTOMATIC, PLACED
from edgefkp.data.numbers import coordinate
from edgefkp.data.own_layout import places_of
from edgefkp.errors import EdgefkpError, reading, some
from edgefkp.files import open_file, read_bytes
from edgefkp.layout import PointLayout

_DELIMITERS = ",;\t|"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SOURCES = {"hand": PLACED, "manual": PLACED, "automatic": AUTOMATIC, "auto": AUTOMATIC, "model": AUTOMATIC}
_HEAD = 1 << 17  # bytes that hold the first two lines, also of Kaggle's
_SHOWN = 8  # columns that a message names


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns of a CSV, and its rows by them; a short row has empty cells.

    UTF-8 or UTF-16; parted by commas, semicolons or tabs, whichever the first line has most of. Names of files that are
    not UTF-8 are read as Python writes them. Raises EdgefkpError for a file that is missing or is no such text.
    """
    kind, hint = "a readable CSV", "save it as UTF-8 text with commas"
    content = read_bytes(path, kind, hint)
    with reading(path, kind, hint):
        text, delimiter = _decoded(content)
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", delimiter=delimiter)
        rows = list(reader)
    if delimiter == ";":  # where commas are decimal
        rows = [{name: _with_point(cell) for name, cell in row.items()} for row in rows]
    return list(reader.fieldnames or []), rows


def names_photos(path: Path) -> bool:
    """Whether the first lines of a CSV name photo files, and do not hold their pixels; False where they are no text."""
    with contextlib.suppress(EdgefkpError, OSError, ValueError, KeyError, StopIteration, csv.Error):
        with open_file(path, sys.maxsize) as stream:
            text, delimiter = _decoded(stream.read(_HEAD))
        lines = text.splitlines()[:2]
        header, first = [next(csv.reader([line], delimiter=delimiter)) for line in (*lines, "", "")[:2]]
        column = file_column(header, first)
        cell = dict(zip(header, first, strict=False))[column or ""]
        return column is not None and not holds_pixels(cell)
    return False


def _decoded(content: bytes) -> tuple[str, str]:
    """Text, and what parts its cells. Raises ValueError."""
    if content.startswith(b"PK\x03\x04"):
        raise ValueError("it is a spreadsheet or a zip, renamed")
    if content.startswith(_UTF16):
        text = content[: len(content) & ~1].decode("utf-16")
    elif b"\0" in content:
        raise ValueError("it is no text")
    else:
        text = content.decode("utf-8-sig", "surrogateescape")
    head = text.lstrip().splitlines()[0] if text.strip() else ""
    return text, max(_DELIMITERS, key=head.count)


def _with_point(cell: str) -> str:
    whole, comma, rest = cell.partition(",") if isinstance(cell, str) else (cell, "", "")
    return f"{whole}.{rest}" if comma and rest.strip().isdigit() and whole.strip().lstrip("-").isdigit() else cell


@dataclass(frozen=True)
class PointsTable:
    """N faces of a table of points."""

    path: Path
    columns: Columns
    rows: list[dict[str, str]]  # N
    lines: list[int]  # N, of the file
    keypoints: np.ndarray  # (N, K, 2) float32 pixels, in the order of columns.points; NaN = missing

    @property
    def names(self) -> list[str]:
        """Of the K points."""
        return list(self.columns.points)

    @property
    def files(self) -> list[str]:
        return [row[self.columns.file] for row in self.rows]

    @property
    def persons(self) -> list[str] | None:
        """N names, where the table has them."""
        name = self.columns.person
        return None if name is None else [(row[name] or "").strip() for row in self.rows]

    @property
    def label_src(self) -> list[int]:
        """N, as in `Faces.label_src`: where a column has "hand" or "automatic"."""
        name = self.columns.label_src
        return [_SOURCES.get((row[name] or "").strip().lower(), 0) if name else 0 for row in self.rows]

    @property
    def visibility(self) -> np.ndarray | None:
        """(N, K) as in COCO, where the table has it."""
        names = self.columns.visibility
        if not names:
            return None
        missing = np.isnan(self.keypoints).any(-1)
        given = [[(row.get(names.get(point, "")) or "").strip() for point in self.names] for row in self.rows]
        levels = np.array(
            [[int(cell) if cell in ("0", "1", "2") else 2 for cell in cells] for cells in given], np.uint8
        )
        return np.where(missing, np.uint8(0), levels)

    @property
    def boxes(self) -> list[tuple[float, float, float, float] | None]:
        return [self._box(row) for row in self.rows]

    def _box(self, row: dict[str, str]) -> tuple[float, float, float, float] | None:
        numbers = [coordinate(row[name] or "") for name in self.columns.box or ()]
        known = [number for number in numbers if number is not None and not np.isnan(number)]
        return (known[0], known[1], known[2], known[3]) if len(known) == 4 else None


def read_faces(path: Path, asked: PointLayout | None = None) -> PointsTable:
    """A row for each face: its photo, points in pixels and, where the table has them, person, origin and box.

    An empty cell is a point that is missing. asked: for messages. Raises EdgefkpError for a missing or empty file, for
    a table in which no photo or no point can be recognized, for a row that repeats another, and for what is no number.
    """
    header, rows = read_table(path)
    first = [row_cell or "" for row_cell in rows[0].values()] if rows else []
    columns = columns_of(header, [cell if isinstance(cell, str) else "" for cell in first])
    if columns is None:
        raise refusal(path, header, asked)
    if alone := [name for name in header if (other := partner(name)) and other not in header]:
        raise EdgefkpError(
            f"{path} has the column {alone[0]} and lacks {partner(alone[0])}; found: {some(header, _SHOWN)}",
            "give x and y of each point, or rename the column",
        )
    kept = [(line, row) for line, row in enumerate(rows, 2) if not _is_blank(row)]
    if not kept:
        raise EdgefkpError(f"{path} has a header and no rows", "add a row for each face")
    pairs = [column for pair in columns.points.values() for column in pair]
    values = [[_number(path, line, name, row[name]) for name in pairs] for line, row in kept]
    seen: dict[tuple[str, ...], int] = {}
    for line, row in kept:
        if (before := seen.setdefault((row[columns.file], *(row[name] for name in pairs)), line)) != line:
            raise EdgefkpError(
                f"{path} names {row[columns.file][:60]!r} twice with the same points (lines {before} and {line})",
                "one row for each face",
            )
    if holds_pixels(kept[0][1][columns.file] or ""):
        raise EdgefkpError(
            f"{path}: the column {columns.file} holds pixels, and not the names of photos",
            "Kaggle's form has that: name the file training.csv, or give it: --data FILE.csv",
        )
    points = np.array(values, np.float32).reshape(-1, len(columns.points), 2)
    return PointsTable(path, columns, [row for _, row in kept], [line for line, _ in kept], points)


def _is_blank(row: dict[str, str]) -> bool:
    return not any(isinstance(cell, str) and cell.strip() for cell in row.values())


class LabeledFiles(NamedTuple):
    files: list[str]  # N names as written in the CSV
    keypoints: np.ndarray  # (N, K, 2) float32 pixels of the original image, NaN = missing
    persons: list[str] | None  # N names, if the CSV has such a column


def read_points(path: Path, layout: PointLayout) -> LabeledFiles:
    """The points of `layout` in the CSV. Raises EdgefkpError as `read_faces` does, and where it lacks one of them."""
    table = read_faces(path, layout)
    places = places_of(layout, table.names)
    if places is None:
        header = [column for pair in table.columns.points.values() for column in pair]
        raise refusal(path, [table.columns.file, *header], layout)
    return LabeledFiles(table.files, table.keypoints[:, places], table.persons)


def refusal(path: Path, header: list[str], layout: PointLayout | None) -> EdgefkpError:
    """What the first line of a table lacks, and what was found there."""
    found = f"found: {some([name or '(no name)' for name in header], _SHOWN) or 'nothing'}"
    if layout is None:
        return EdgefkpError(
            f"{path}: its first line names no column of photos or no points; {found}",
            "name the columns: file, and NAME_x and NAME_y of each point; optional: person",
        )
    known = {word(name) for name in header}
    missing = [name for name in ("file", *layout.columns) if word(name) not in known]
    return EdgefkpError(
        f"{path} lacks {len(missing)} of {1 + len(layout.columns)} columns: {some(missing, 4)}; {found}",
        f"the first line names the columns: {columns_in_words(layout)}",
    )


def columns_in_words(layout: PointLayout) -> str:
    return f"file and the {len(layout.columns)} coordinates {layout.columns[0]} to {layout.columns[-1]} ({layout.name})"


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    value = coordinate(text or "")
    if value is None:
        raise EdgefkpError(
            f"{path} line {line}: {column} is {(text or '')[:20]!r}, expected a number of pixels",
            "leave the cell empty where a point is missing",
        )
    return value
