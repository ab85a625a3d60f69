"""COCO keypoints: coco.json, or coco-train.json, coco-validation.json and coco-test.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.photos import Photos
from edgefkp.data.written import WRITERS, Writer, parts_of
from edgefkp.files import write_json
from edgefkp.layout import PointLayout

CATEGORY = 1  # id of the one category
_MISSING, _VISIBLE = 0, 2  # COCO's visibility


def category_of(layout: PointLayout) -> dict[str, Any]:
    rows = {name: number for number, name in enumerate(layout.points, 1)}
    skeleton = [[rows[one], rows[other]] for one, other in layout.lines]
    return {"id": CATEGORY, "name": "face", "supercategory": "person", "keypoints": layout.points, "skeleton": skeleton}


def annotation(
    number: int,
    image: int,
    points: np.ndarray,
    box: Sequence[float] | None = None,
    visibility: np.ndarray | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One face. points: (K, 2) pixels, NaN = missing. box: left, top, width, height; by default that of the points.
    visibility: (K,) as in COCO; by default every point is visible."""
    missing = np.isnan(points).any(-1)
    seen = np.where(missing, _MISSING, _VISIBLE if visibility is None else visibility)
    keypoints = np.column_stack([np.where(missing[:, None], 0, points), seen])
    if box is None or np.isnan(box).any():
        low, high = np.nanmin(points, 0), np.nanmax(points, 0)
        box = [*low.tolist(), *(high - low).tolist()]
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORY,
        "iscrowd": 0,
        "num_keypoints": int((seen > _MISSING).sum()),
        "keypoints": [int(value) if value == int(value) else value for value in keypoints.ravel().tolist()],
        "bbox": [float(value) for value in box],
        "area": float(box[2] * box[3]),
        **more,
    }


def coco(
    name: str,
    layout: PointLayout,
    images: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
    license: str = "",
) -> dict[str, Any]:
    """The whole file."""
    terms = [{"id": 1, "name": license, "url": ""}] if license else []
    info = {"description": name, "version": "1.0"}
    return {
        "info": info,
        "licenses": terms,
        "categories": [category_of(layout)],
        "images": images,
        "annotations": annotations,
    }


def _write(photos: Photos, names: list[str], out: Path) -> list[Path]:
    parts = parts_of(photos, names)
    files = []
    for part, (own, own_names) in parts.items():
        number_of = {name: number for number, name in enumerate(dict.fromkeys(own_names), 1)}
        sizes = dict(zip(own_names, own.sizes.tolist(), strict=True))
        images = [
            {"id": number, "file_name": name, "width": sizes[name][0], "height": sizes[name][1]}
            for name, number in number_of.items()
        ]
        faces = [_annotation(own, row, number_of[name]) for row, name in enumerate(own_names)]
        value = coco(photos.name, photos.layout, images, faces, photos.license)
        files.append(write_json(out / ("coco.json" if len(parts) == 1 else f"coco-{part}.json"), value))
    return files


def _annotation(photos: Photos, row: int, image: int) -> dict[str, Any]:
    more = {} if photos.persons is None else {"attributes": {"person": str(photos.persons[row])}}
    box = None if photos.boxes is None else photos.boxes[row].tolist()
    visibility = None if photos.visibility is None else photos.visibility[row]
    return annotation(row + 1, image, photos.points[row].astype(np.float64), box, visibility, **more)


WRITERS.add(Writer("coco", "COCO keypoints", ("coco.json", "coco-*.json"), _write))
