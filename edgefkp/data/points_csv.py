"""A CSV of points in the pixels of the original images: `file` and x and y of each point of a layout."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.data.numbers import coordinate
from edgefkp.errors import EdgefkpError, reading
from edgefkp.files import read_bytes
from edgefkp.layout import PointLayout

PERSON_COLUMNS = ("person", "group")


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns of a CSV, and its rows by them; a short row has empty cells.

    Names of files that are not UTF-8 are read as Python writes them. Raises EdgefkpError for a file that is missing or
    is no text with commas.
    """
    kind, hint = "a readable CSV", "save it as UTF-8 text with commas"
    content = read_bytes(path, kind, hint)
    with reading(path, kind, hint):
        if b"\0" in content:
            raise ValueError("it is no text")
        text = io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline="")
        reader = csv.DictReader(text, restval="")
        rows = list(reader)
    return list(reader.fieldnames or []), rows


class LabeledFiles(NamedTuple):
    files: list[str]  # N names as written in the CSV
    keypoints: np.ndarray  # (N, K, 2) float32 pixels of the original image, NaN = missing
    persons: list[str] | None  # N names, if the CSV has such a column
    others: dict[str, list[str]]  # the further columns but for those of other points: N cells each


def read_points(path: Path, layout: PointLayout) -> LabeledFiles:
    """Read the columns `file`, those of the layout and, optionally, `person` (or `group`); an empty cell = missing.

    Raises EdgefkpError for a missing or empty file, missing columns, a file named twice, and what is not a number.
    """
    columns, rows = read_table(path)
    missing = [name for name in ("file", *layout.columns) if name not in columns]
    if missing:
        raise EdgefkpError(
            f"{path} lacks {len(missing)} of {1 + len(layout.columns)} columns: {', '.join(missing[:4])}"
            f"{', …' if len(missing) > 4 else ''}",
            f"the first line names the columns: {columns_of(layout)}",
        )
    if not rows:
        raise EdgefkpError(f"{path} has a header and no rows", "add a row for each face")
    files = [row["file"] or "" for row in rows]
    if len(set(files)) < len(files):
        twice = Counter(files).most_common(1)[0][0]
        raise EdgefkpError(f"{path} names {twice[:60]!r} twice", "one row for each image file")
    values = [[_number(path, line, name, row[name]) for name in layout.columns] for line, row in enumerate(rows, 2)]
    person = next((name for name in PERSON_COLUMNS if name in columns), None)
    return LabeledFiles(
        files,
        np.array(values, np.float32).reshape(-1, layout.count, 2),
        [row[person] or "" for row in rows] if person else None,
        {name: [row[name] or "" for row in rows] for name in _others(columns, layout)},
    )


def _others(columns: list[str], layout: PointLayout) -> list[str]:
    """What is neither `file`, a person nor a coordinate of any point."""
    points = {name for name in columns if {f"{name[:-2]}_x", f"{name[:-2]}_y"} <= set(columns)}
    return [name for name in columns if name and name not in {"file", *PERSON_COLUMNS, *layout.columns, *points}]


def columns_of(layout: PointLayout) -> str:
    """The columns of such a CSV, in words."""
    return f"file and the {len(layout.columns)} coordinates {layout.columns[0]} to {layout.columns[-1]} ({layout.name})"


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    value = coordinate(text or "")
    if value is None:
        raise EdgefkpError(
            f"{path} line {line}: {column} is {(text or '')[:20]!r}, expected a number of pixels",
            "leave the cell empty where a point is missing",
        )
    return value
