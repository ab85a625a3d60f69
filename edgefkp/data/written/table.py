"""A CSV: points.csv, or train.csv, validation.csv and test.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgefkp.data.faces import AUTOMATIC, PLACED
from edgefkp.data.photos import PARTS, Photos
from edgefkp.data.written import WRITERS, Writer, parts_of
from edgefkp.files import write_bytes

_ORIGINS = {PLACED: "hand", AUTOMATIC: "automatic"}


def _write(photos: Photos, names: list[str], out: Path) -> list[Path]:
    parts = parts_of(photos, names)
    files = []
    for part, (own, own_names) in parts.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        origins = [_origin(row) for row in own.label_src]
        other: dict[str, Sequence[str]] = {} if own.persons is None else {"person": own.persons.tolist()}
        if any(origins):
            other["placed"] = origins
        other |= {name: cells.tolist() for name, cells in own.columns}
        seen = own.visibility is not None
        columns = [f"{name}_{axis}" for name in own.layout.points for axis in ("xyv" if seen else "xy")]
        writer.writerow(["file", *other, *columns])
        for row, name in enumerate(own_names):
            writer.writerow([name, *(cells[row] for cells in other.values()), *_cells(own, row)])
        path = out / ("points.csv" if len(parts) == 1 else f"{part}.csv")
        files.append(write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape")))
    return files


def _origin(label_src: np.ndarray) -> str:
    kinds = set(label_src[label_src > 0].tolist())
    return _ORIGINS.get(kinds.pop(), "") if len(kinds) == 1 else ""


def _cells(photos: Photos, row: int) -> list[str]:
    cells = []
    for k, (x, y) in enumerate(photos.points[row].tolist()):
        cells += ["" if np.isnan(value) else f"{value:.9g}" for value in (x, y)]
        if photos.visibility is not None:
            cells.append(str(photos.visibility[row, k]))
    return cells


WRITERS.add(Writer("csv", "a CSV", ("points.csv", *(f"{part}.csv" for part in PARTS)), _write))
