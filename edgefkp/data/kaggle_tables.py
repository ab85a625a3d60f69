"""Kaggle's small tables: which coordinates count (IdLookupTable), the true points (solution), and the submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.kaggle_csv import INPUT, LAYOUT
from edgefkp.data.numbers import coordinate, whole
from edgefkp.data.points_csv import read_table
from edgefkp.errors import EdgefkpError
from edgefkp.files import write_text


def read_lookup(path: Path, image_ids: np.ndarray) -> np.ndarray:
    """(M, 2) int64: row in `image_ids` and coordinate (0..29) of every scored number, in the order of RowId.

    Raises EdgefkpError if the table is not whole or names an image that test.csv lacks.
    """
    row_of = {int(image): row for row, image in enumerate(image_ids)}
    coordinate_of = {name: k for k, name in enumerate(LAYOUT.columns)}
    entries = {}
    for line, (row_id, image, feature) in _cells(path, ("RowId", "ImageId", "FeatureName")):
        try:
            entries[whole(row_id)] = row_of[whole(image)], coordinate_of[feature]
        except (ValueError, KeyError) as error:
            raise EdgefkpError(
                f"{path} line {line}: {f'{row_id},{image},{feature}'[:60]!r} names no coordinate of test.csv ({error})",
                "use the IdLookupTable.csv that came with this test.csv",
            ) from None
    if sorted(entries) != list(range(1, len(entries) + 1)):
        raise EdgefkpError(f"{path}: RowId does not run from 1 to {len(entries)}", "download it again")
    return np.array([entries[row_id] for row_id in sorted(entries)], np.int64)


def read_solution(path: Path, lookup: np.ndarray, rows: int) -> np.ndarray:
    """(rows, 15, 2) float32: the points of a `RowId,Location` table; NaN where the lookup asks for nothing."""
    flat = np.full((rows, 2 * LAYOUT.count), np.nan, np.float32)
    for line, (row_id, location) in _cells(path, ("RowId", "Location")):
        try:
            number, value = whole(row_id), coordinate(location)
            if not 1 <= number <= len(lookup) or value is None or np.isnan(value):
                raise ValueError
        except ValueError:
            raise EdgefkpError(
                f"{path} line {line}: {f'{row_id},{location}'[:60]!r} is not a RowId of 1..{len(lookup)} and a number",
                "expected lines as in Kaggle's submission: RowId,Location",
            ) from None
        flat[tuple(lookup[number - 1])] = value
    if np.isnan(flat).all():
        raise EdgefkpError(
            f"{path} has a header and no rows", "expected lines as in Kaggle's submission: RowId,Location"
        )
    return flat.reshape(rows, LAYOUT.count, 2)


def write_submission(path: Path | str, lookup: np.ndarray, keypoints: np.ndarray) -> Path:
    """Write the `RowId,Location` table that Kaggle scores, each number clipped to 0..96.

    keypoints: (N, 15, 2) pixels of all test faces. Raises EdgefkpError if one that is asked for is not finite.
    """
    values = keypoints.reshape(len(keypoints), -1)[lookup[:, 0], lookup[:, 1]]
    if not np.isfinite(values).all():
        raise EdgefkpError(f"{np.sum(~np.isfinite(values))} of {len(values)} predicted coordinates are not numbers")
    lines = (f"{row_id},{value:.6g}" for row_id, value in enumerate(np.clip(values, 0, INPUT.side).tolist(), 1))
    return write_text(path, "RowId,Location\n" + "\n".join(lines) + "\n")


def _cells(path: Path, columns: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """(line number, the cells of `columns`) for every row."""
    found, rows = read_table(path)
    if missing := [name for name in columns if name not in found]:
        raise EdgefkpError(f"{path} lacks the column {', '.join(missing)}", f"expected: {','.join(columns)}")
    return [(line, tuple(row[name] for name in columns)) for line, row in enumerate(rows, 2)]
