"""Drawn faces on photos, and their labels in every form that is read."""

import json
from pathlib import Path

import cv2
import numpy as np

from edgefkp.data.synthetic import draw_all
from edgefkp.layout import KAGGLE15, PointLayout

SIDE = 96


def photos_with_faces(
    folder: Path, count: int = 6, scale: float = 2, shift: float = 20
) -> tuple[list[str], np.ndarray]:
    """`count` photos folder/0.png ... of one drawn face each, with surroundings, and its (count, 15, 2) points."""
    folder.mkdir(parents=True, exist_ok=True)
    images, points = draw_all(count)
    names = []
    for number, image in enumerate(images):
        whole = cv2.copyMakeBorder(cv2.resize(image, None, fx=scale, fy=scale), *[int(shift)] * 4, cv2.BORDER_REPLICATE)
        cv2.imwrite(str(folder / f"{number}.png"), whole)
        names.append(f"{number}.png")
    moved = (np.asarray(points, np.float64) + 0.5) * scale - 0.5 + shift
    return names, moved.round(2)


def size_of(side: int = SIDE, scale: float = 2, shift: float = 20) -> int:
    return int(side * scale + 2 * shift)


def coco_value(
    names: list[str], points: np.ndarray, persons: list[str] | None = None, layout: PointLayout = KAGGLE15
) -> dict:
    images = [{"id": k, "file_name": name, "width": size_of(), "height": size_of()} for k, name in enumerate(names)]
    annotations = []
    for number, face in enumerate(points):
        missing = np.isnan(face).any(-1)
        rows = np.column_stack([np.where(missing[:, None], 0, face), np.where(missing, 0, 2)])
        annotations.append(
            {"id": number, "image_id": number, "category_id": 7, "keypoints": rows.ravel().tolist(), "iscrowd": 0}
        )
        if persons:
            images[number]["person"] = persons[number]
    category = {"id": 7, "name": "face", "keypoints": list(layout.points), "skeleton": [[1, 2]]}
    return {"images": images, "annotations": annotations, "categories": [category]}


def write_coco(path: Path, *args, **known) -> dict:
    value = coco_value(*args, **known)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return value


def write_pts(path: Path, face: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{x + 1:.3f} {y + 1:.3f}" for x, y in face]
    path.write_text("\n".join(["version: 1", f"n_points: {len(face)}", "{", *lines, "}"]) + "\n")


def cvat_text(names: list[str], points: np.ndarray, kind: str = "skeleton") -> str:
    """kind: "skeleton", "points" (one shape of all points), or "single" (a shape for each point)."""
    images = []
    for number, (name, face) in enumerate(zip(names, points, strict=True)):
        person = f'<attribute name="person">p{number // 2}</attribute>'
        if kind == "points":
            text = ";".join(f"{x},{y}" for x, y in face)
            shapes = f'<points label="face" occluded="0" points="{text}">{person}</points>'
        else:
            shapes = "".join(_cvat_point(label, xy) for label, xy in zip(KAGGLE15.points, face, strict=True))
            shapes += f'<tag label="face" source="manual">{person}</tag>' if kind == "single" else ""
            if kind == "skeleton":
                shapes = f'<skeleton label="face" z_order="0">{person}{shapes}</skeleton>'
        images.append(f'<image id="{number}" name="{name}" width="232" height="232">{shapes}</image>')
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{"".join(images)}</annotations>'


def _cvat_point(label: str, xy: np.ndarray) -> str:
    if np.isnan(xy).any():
        return f'<points label="{label}" outside="1" occluded="0" points="0.0,0.0"></points>'
    return f'<points label="{label}" outside="0" occluded="0" points="{xy[0]},{xy[1]}"></points>'


def label_studio_value(names: list[str], points: np.ndarray, short: bool = False) -> list[dict]:
    """short: as Label Studio's JSON-MIN."""
    tasks = []
    for number, (name, face) in enumerate(zip(names, points, strict=True)):
        size = {"original_width": size_of(), "original_height": size_of(), "image_rotation": 0}
        places = [
            {"x": 100 * x / size_of(), "y": 100 * y / size_of(), "width": 0.5, "keypointlabels": [label]}
            for label, (x, y) in zip(KAGGLE15.points, face, strict=True)
            if not np.isnan(x)
        ]
        data = {"image": f"/data/upload/3/0a1b2c3d-{name}", "person": f"p{number // 2}"}
        if short:
            tasks.append({"id": number + 1, **data, "kp": [{**place, **size} for place in places]})
        else:
            result = [{"type": "keypointlabels", "from_name": "kp", "value": place, **size} for place in places]
            tasks.append({"id": number + 1, "data": data, "annotations": [{"result": result, "was_cancelled": False}]})
    return tasks


def write_wflw(path: Path, names: list[str], points: np.ndarray) -> None:
    """points: (N, 98, 2)."""
    lines = []
    for name, face in zip(names, points, strict=True):
        low, high = face.min(0).astype(int), face.max(0).astype(int)
        cells = [*(f"{value:.6f}" for value in face.ravel()), *map(str, (*low, *high)), "0 0 1 0 0 0", f"photos/{name}"]
        lines.append(" ".join(cells))
    path.write_text("\n".join(lines) + "\n")
