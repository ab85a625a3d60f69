"""CVAT's own export, "CVAT for images 1.1": annotations.xml, or the folder that it lies in with images/."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.label_files import LARGEST, beside, labels_in
from edgefkp.data.numbers import coordinate
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, NamedPoints, Photos, named_faces, person_in, photos_of
from edgefkp.errors import EdgefkpError, reading
from edgefkp.files import read_bytes
from edgefkp.layout import InputSpec, PointLayout

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

HINT = 'export the task again as "CVAT for images 1.1", with skeletons or points'
_FOLDERS = ("", "train", "valid", "validation", "val", "test")


def open_cvat(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """A face for each skeleton, or for each shape of several points; points of their own, each with its label, make one
    face an image, or one a group.

    Raises EdgefkpError for a file that is damaged.
    """
    folder = path if path.is_dir() else path.parent
    photos = PhotoFolder(folder, *beside(folder))
    found: list[tuple[LabeledFace, NamedPoints]] = []
    files = files_in(path)
    for file in files:
        part = part_of(file.relative_to(folder)) if len(files) > 1 else None
        for image in _parsed(file).iter("image"):
            found += _faces_of(file, image, part, photos)
    source = files[0] if len(files) == 1 else path
    if not found:
        raise EdgefkpError(f"{source} has no image with a skeleton or points", HINT)
    if all(face.part != PARTS[0] for face, _ in found):  # a task of one subset
        found = [(face.of_part(PARTS[0]), points) for face, points in found]
    own, faces = named_faces(found, str(source), layout)
    return photos_of(path.resolve().name if path.is_dir() else path.stem, source, own, faces)


def files_in(path: Path) -> list[Path]:
    return labels_in(path, _FOLDERS, b"<", (b"<annotations", b"<image "), ".xml")


def _parsed(file: Path) -> Element:
    from xml.etree import ElementTree

    content = read_bytes(file, "a whole XML file", HINT, LARGEST)
    with reading(file, "a whole XML file", HINT):
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ValueError("it defines entities, which CVAT's exports do not")
        return ElementTree.fromstring(content)


def _faces_of(
    file: Path, image: Element, part: str | None, photos: PhotoFolder
) -> list[tuple[LabeledFace, NamedPoints]]:
    name = image.get("name") or ""
    here = part or part_of(image.get("subset") or "") or PARTS[0]
    tags = [_attributes(tag) for tag in image.iter("tag")]
    groups: dict[str, NamedPoints] = {}
    persons: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, shape in enumerate(image):
        if shape.tag == "skeleton":
            key, points = f"skeleton {number}", {_label(one): _point(file, name, one) for one in shape.iter("points")}
        elif shape.tag == "points" and len(places := _places(file, name, shape)) > 1:
            key, points = f"points {number}", {str(n): place for n, place in enumerate(places, 1)}
        elif shape.tag == "points":
            key, points = f"group {shape.get('group_id') or 0}", {_label(shape): _point(file, name, shape)}
        else:
            continue
        known = groups.setdefault(key, {})
        if twice := next(iter(known.keys() & points.keys()), None):
            raise EdgefkpError(
                f"{file}: image {name[:80]} has the point {twice} twice",
                "group the points of each face in CVAT, or label faces as skeletons",
            )
        known |= points
        persons[key].append(_attributes(shape))
    return [
        (LabeledFace(name, photos.find(name), np.empty((0, 2)), key, here, person_in(*persons[key], *tags)), points)
        for key, points in groups.items()
        if any(visible for _, _, visible in points.values())
    ]


def _label(shape: Element) -> str:
    return (shape.get("label") or "").strip()


def _attributes(shape: Element) -> dict[str, str]:
    return {(one.get("name") or ""): one.text or "" for one in shape.findall("attribute")}


def _point(file: Path, image: str, shape: Element) -> tuple[float, float, int]:
    places = _places(file, image, shape)
    if len(places) != 1:
        raise EdgefkpError(
            f"{file}: image {image[:80]} has {len(places)} places for the point {_label(shape)[:40]}", HINT
        )
    return places[0]


def _places(file: Path, image: str, shape: Element) -> list[tuple[float, float, int]]:
    """x, y and visibility, as in COCO, of each point of a shape."""
    visibility = 0 if shape.get("outside") == "1" else 1 if shape.get("occluded") == "1" else 2
    places = []
    for pair in (shape.get("points") or "").split(";"):
        numbers = [coordinate(number) for number in pair.split(",")]
        x, y = numbers if len(numbers) == 2 else (None, None)
        if x is None or y is None:
            raise EdgefkpError(f"{file}: image {image[:80]} has the point {pair[:40]!r}, expected x,y", HINT)
        places.append((x, y, visibility))
    return places


FORMATS.add(
    Format(
        "cvat",
        "CVAT's export for images (.xml, or its folder)",
        lambda path: bool(files_in(path)),
        open_cvat,
        rank=12,
        holds="names of points, persons, hidden points, several faces a photo, parts",
    )
)
