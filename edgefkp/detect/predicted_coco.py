"""OUT/coco.json: what edgefkp predict found, as a labeling tool opens it, and edgefkp reads it back."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.photo_size import photo_size
from edgefkp.data.written.coco import annotation, coco
from edgefkp.detect.images import Item
from edgefkp.detect.points_table import shown
from edgefkp.errors import reading
from edgefkp.files import write_json
from edgefkp.layout import PointLayout

FILE = "coco.json"
_BOX = ("box_x", "box_y", "box_side")


def write_coco(table: Path, items: Sequence[Item], layout: PointLayout, out: Path) -> Path:
    """From the finished table of points (JSON Lines) of these images; images without a face are in it, too.

    Raises EdgefkpError for a table that cannot be read, and a folder that cannot be written.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    with reading(table, "a table that edgefkp predict wrote", "predict again"), open(table, encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            rows.setdefault(row["file"], []).append(row)
    images: list[dict[str, Any]] = []
    faces: list[dict[str, Any]] = []
    for item in items:
        if shown(item.name) not in rows:
            continue  # it was skipped
        size = photo_size(item.path)
        # path: where it lies from here; labeling tools go by its name.
        path = Path(os.path.relpath(item.path, out)).as_posix()
        number = len(images) + 1
        images.append({"id": number, "file_name": item.name, "width": size.width, "height": size.height, "path": path})
        for row in rows[shown(item.name)]:
            if row["face"]:
                faces.append(_annotation(len(faces) + 1, number, row, layout))
    return write_json(out / FILE, coco("predicted by edgefkp", layout, images, faces))


def _annotation(number: int, image: int, row: dict[str, Any], layout: PointLayout) -> dict[str, Any]:
    points = np.array([row[column] for column in layout.columns], np.float64).reshape(-1, 2)
    x, y, side = (float(row[name]) for name in _BOX)
    left, top = x - side / 2, y - side / 2
    return annotation(number, image, points, (left, top, side, side), score=row["score"])
