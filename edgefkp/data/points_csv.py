"""A CSV of points in the pixels of the original images: `file` and x and y of each point of a layout."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import PointLayout

PERSON_COLUMNS = ("person", "group")


class LabeledFiles(NamedTuple):
    files: list[str]  # N names as written in the CSV
    keypoints: np.ndarray  # (N, K, 2) float32 pixels of the original image, NaN = missing
    persons: list[str] | None  # N names, if the CSV has such a column


def read_points(path: Path, layout: PointLayout) -> LabeledFiles:
    """Read the columns `file`, those of the layout and, optionally, `person` (or `group`); an empty cell = missing.

    Raises EdgefkpError for a missing or empty file, missing columns, a file named twice, and what is not a number.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            columns = reader.fieldnames or []
    except FileNotFoundError:
        raise EdgefkpError(
            f"{path} does not exist", f"write a CSV with the columns: file, {layout.columns[0]}, …"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EdgefkpError(f"{path} is not a readable CSV: {error}", "save it as UTF-8 text with commas") from error
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
        twice = next(name for name in files if files.count(name) > 1)
        raise EdgefkpError(f"{path} names '{twice}' twice", "one row for each image file")
    values = [[_number(path, line, name, row[name]) for name in layout.columns] for line, row in enumerate(rows, 2)]
    person = next((name for name in PERSON_COLUMNS if name in columns), None)
    return LabeledFiles(
        files,
        np.array(values, np.float32).reshape(-1, layout.count, 2),
        [row[person] or "" for row in rows] if person else None,
    )


def columns_of(layout: PointLayout) -> str:
    """The columns of such a CSV, in words."""
    return f"file and the {len(layout.columns)} coordinates {layout.columns[0]} to {layout.columns[-1]} ({layout.name})"


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    if not text or not text.strip():
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise EdgefkpError(
            f"{path} line {line}: {column} is '{text[:20]}', expected a number",
            "leave the cell empty where a point is missing",
        )
    return value
