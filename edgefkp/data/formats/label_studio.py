"""Label Studio's export: a JSON list of tasks (JSON, or JSON-MIN) with keypoints in percent of the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.face_table import PERSON_WORDS, is_image_name, word
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.label_files import beside, labels_in, read_labels
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, NamedPoints, Photos, named_faces, person_in, photos_of
from edgefkp.errors import EdgefkpError
from edgefkp.layout import InputSpec, PointLayout

HINT = "export the project again as JSON, with keypoints that have labels"
_KIND = "keypointlabels"
_FOLDERS = ("", "train", "valid", "validation", "val", "test")
_FARTHEST = 1000  # percent


def open_label_studio(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """A face for each task, or for each region that is the parent of keypoints.

    Raises EdgefkpError for a file that is damaged, and for a task in which it is not clear whose a point is.
    """
    folder = path if path.is_dir() else path.parent
    photos = PhotoFolder(folder, *beside(folder))
    files = files_in(path)
    found: list[tuple[LabeledFace, NamedPoints]] = []
    predicted = False
    for file in files:
        part = (part_of(file.relative_to(folder)) if len(files) > 1 else None) or PARTS[0]
        tasks = read_labels(file, HINT)
        for number, task in enumerate(tasks if isinstance(tasks, list) else [], 1):
            try:
                predicted |= bool(task.get("predictions"))
                found += _faces(task, number, part, photos)
            except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
                cause = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)[:150]
                raise EdgefkpError(
                    f"{file} is not a whole export of Label Studio: task {number}: {cause}", HINT
                ) from error
    source = files[0] if len(files) == 1 else path
    if not found:
        what = "has predictions alone" if predicted else "has no task with keypoints"
        raise EdgefkpError(f"{source} {what}", "submit the tasks, and export again" if predicted else HINT)
    own, faces = named_faces(found, str(source), layout)
    return photos_of(path.resolve().name if path.is_dir() else path.stem, source, own, faces)


def files_in(path: Path) -> list[Path]:
    return labels_in(path, _FOLDERS, b"[", (f'"{_KIND}"'.encode(),))


def _faces(task: dict[str, Any], number: int, part: str, photos: PhotoFolder) -> list[tuple[LabeledFace, NamedPoints]]:
    data = task.get("data", task)
    texts = [value for value in data.values() if isinstance(value, str)]
    images = [text for text in texts if is_image_name(text) or is_image_name(text.partition("?")[0])]
    if not images:
        raise ValueError("it names no image file")
    name = images[0]
    person = person_in(data)
    regions: dict[str, NamedPoints] = {}
    for item in _results(task):
        value = item["value"]
        if value.get(_KIND):
            place, label = _in_pixels(item), str(value[_KIND][0]).strip()
            region = regions.setdefault(str(item.get("parentID") or ""), {})
            if label in region:
                raise ValueError(
                    f"the point {label[:40]} is there twice: give each face a region that its points belong to"
                )
            region[label] = place
        elif word(str(item.get("from_name", ""))) in PERSON_WORDS:
            person = str((value.get("choices") or value.get("text"))[0])
    return [
        (LabeledFace(name, photos.find(name), np.empty((0, 2)), f"task {task.get('id', number)}", part, person), points)
        for points in regions.values()
    ]


def _results(task: dict[str, Any]) -> list[dict[str, Any]]:
    """What was labeled in a task: by the first annotation that was not cancelled; of JSON-MIN, every list of values."""
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None:
        lists = {name: value for name, value in task.items() if isinstance(value, list)}
        return [
            {**one, "value": one, "from_name": name}
            for name, items in lists.items()
            for one in items
            if isinstance(one, dict)
        ]
    kept = [one for one in annotations if not one.get("was_cancelled")]
    truth = [one for one in kept if one.get("ground_truth")]
    return list((truth or kept)[0]["result"]) if kept else []


def _in_pixels(item: dict[str, Any]) -> tuple[float, float, int]:
    value = item["value"]
    if item.get("image_rotation"):
        raise ValueError(f"its image was turned by {item['image_rotation']} degrees for labeling")
    x, y = float(value["x"]), float(value["y"])
    width, height = int(item["original_width"]), int(item["original_height"])
    if not (abs(x) < _FARTHEST and abs(y) < _FARTHEST and 0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise ValueError(f"a point at {x:.6g} %, {y:.6g} % of an image of {width}x{height} pixels")
    return x / 100 * width, y / 100 * height, 2


FORMATS.add(
    Format(
        "label-studio",
        "Label Studio's export (.json, or its folder)",
        lambda path: bool(files_in(path)),
        open_label_studio,
        rank=13,
        holds="names of points, persons, several faces a photo, parts",
    )
)
