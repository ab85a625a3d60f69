"""A CSV of points in the pixels of the original images: `file` and Kaggle's 30 coordinate columns."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import COLUMNS, COUNT

PERSON_COLUMNS = ("person", "group")


class LabelledFiles(NamedTuple):
    """files: N names as written in the CSV. keypoints: (N, 15, 2) float32 original pixels, NaN = missing.

    persons: N names, or None where the CSV has no such column.
    """

    files: list[str]
    keypoints: np.ndarray
    persons: list[str] | None


def read_points(path: Path) -> LabelledFiles:
    """Read columns `file`, the 30 of Kaggle and, where there is one, `person` (or `group`); an empty cell = missing.

    Raises EdgefkpError for a missing or empty file, missing columns, a file named twice, and what is not a number.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            columns = reader.fieldnames or []
    except FileNotFoundError:
        raise EdgefkpError(
            f"{path} does not exist", "write a CSV with the columns: file, " + COLUMNS[0] + ", …"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EdgefkpError(f"{path} is not a readable CSV: {error}", "save it as UTF-8 text with commas") from error
    missing = [name for name in ("file", *COLUMNS) if name not in columns]
    if missing:
        raise EdgefkpError(
            f"{path} lacks {len(missing)} of 31 columns: {', '.join(missing[:4])}{', …' if len(missing) > 4 else ''}",
            "the first line names the columns: file and the 30 coordinates as in Kaggle's training.csv",
        )
    if not rows:
        raise EdgefkpError(f"{path} has a header and no rows", "add a row for each face")
    files = [row["file"] or "" for row in rows]
    if len(set(files)) < len(files):
        twice = next(name for name in files if files.count(name) > 1)
        raise EdgefkpError(f"{path} names '{twice}' twice", "one row for each image file")
    values = [[_number(path, line, name, row[name]) for name in COLUMNS] for line, row in enumerate(rows, 2)]
    person = next((name for name in PERSON_COLUMNS if name in columns), None)
    return LabelledFiles(
        files,
        np.array(values, np.float32).reshape(-1, COUNT, 2),
        [row[person] or "" for row in rows] if person else None,
    )


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
