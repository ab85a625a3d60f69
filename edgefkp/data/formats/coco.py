"""COCO keypoints: one JSON, or a folder of one for each part; what CVAT, Label Studio, FiftyOne and Roboflow export."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from edgefkp.data.faces import AUTOMATIC
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.label_files import beside, labels_in, read_labels
from edgefkp.data.own_layout import layout_of
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, Photos, person_in, photos_of
from edgefkp.errors import EdgefkpError, counted, some, warn
from edgefkp.layout import InputSpec, PointLayout
from edgefkp.records import Built, built

HINT = "export it again as COCO keypoints: images, annotations with keypoints, categories with names of the keypoints"
_BEGIN, _WORDS = b"{", (b'"annotations"', b'"images"')
_FOLDERS = ("", "annotations", "train", "training", "valid", "validation", "val", "test")


@dataclass(frozen=True)
class _Image:
    id: int
    file_name: str
    person: Any = None
    attributes: Any = None
    path: Any = None  # from the file's folder, as edgefkp predict writes it


@dataclass(frozen=True)
class _Category:
    id: int
    name: str = ""
    keypoints: list[str] = field(default_factory=list)
    skeleton: list[list[int]] = field(default_factory=list)  # pairs of keypoints, counted from 1


@dataclass(frozen=True)
class _Annotation:
    image_id: int
    category_id: int
    id: int = 0
    keypoints: list[float] = field(default_factory=list)  # x, y and visibility of each point
    bbox: list[float] = field(default_factory=list)  # left, top, width, height
    iscrowd: int = 0
    attributes: Any = None
    person: Any = None
    score: Any = None  # of a prediction that nobody has touched


@dataclass(frozen=True)
class _Labels:
    """One file."""

    path: Path
    part: str
    images: dict[int, _Image]
    categories: dict[int, _Category]
    faces: list[_Annotation]
    license: str = ""  # if it names one for all


def open_coco(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """The annotations with keypoints of one category.

    Raises EdgefkpError for files that are damaged, or whose keypoints differ.
    """
    folder = path if path.is_dir() else path.parent
    files = files_in(path)
    parts = [_read(file, part_of(file.relative_to(folder)) if len(files) > 1 else None) for file in files]
    names, lines = _points(parts)
    photos = PhotoFolder(folder, *beside(folder))
    faces = [face for part in parts for face in _faces(part, photos, len(names))]
    source = files[0] if len(files) == 1 else path
    if not faces:
        raise EdgefkpError(f"{source} has no annotation with keypoints", HINT)
    known = np.array([face.points for face in faces if face.part == PARTS[0]] or [face.points for face in faces])
    own, order = layout_of(names, known, str(source), layout, lines)
    photos_found = photos_of(_name(path), source, own, [face.taking(order) for face in faces])
    terms = {part.license for part in parts if part.license}
    return replace(photos_found, license="; ".join(sorted(terms)) or photos_found.license)


def _name(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.stem


def files_in(path: Path) -> list[Path]:
    """The COCO files that `path` is or, as a folder, has where labeling tools put them."""
    return labels_in(path, _FOLDERS, _BEGIN, _WORDS)


def _read(path: Path, part: str | None) -> _Labels:
    value = read_labels(path, HINT)
    try:
        images = [_known(_Image, one) for one in value["images"]]
        categories = [_known(_Category, one) for one in value["categories"]]
        annotations = [_known(_Annotation, one) for one in value["annotations"]]
        terms = [str(one.get("name") or "").strip() for one in value.get("licenses") or []]
        labels = _Labels(
            path,
            part or PARTS[0],
            {one.id: one for one in images},
            {one.id: one for one in categories},
            annotations,
            terms[0][:500] if len(terms) == 1 else "",
        )
        return _checked(labels)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        cause = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)[:150]
        raise EdgefkpError(f"{path} is not whole COCO keypoints: {cause}", HINT) from error


def _known(kind: type[Built], value: Any) -> Built:
    """Of the fields that a tool wrote, those that are used here. Raises ValueError."""
    return built(kind, {name: item for name, item in value.items() if name in get_type_hints(kind)})


def _checked(labels: _Labels) -> _Labels:
    """Without annotations that hold no face. Raises ValueError for what does not fit together."""
    faces = []
    for one in labels.faces:
        if one.iscrowd or not any(one.keypoints[2::3]):
            continue
        if one.image_id not in labels.images:
            raise ValueError(f"annotation {one.id} is of image {one.image_id}, which is not there")
        if one.category_id not in labels.categories:
            raise ValueError(f"annotation {one.id} is of category {one.category_id}, which is not there")
        if len(one.keypoints) % 3:
            raise ValueError(f"annotation {one.id} has {len(one.keypoints)} numbers, expected x, y, visibility of each")
        if not all(abs(number) <= 1e5 for number in one.keypoints):
            raise ValueError(f"annotation {one.id} has a point beyond any image")
        faces.append(one)
    without = [image.file_name for image in labels.images.values() if image.id not in {one.image_id for one in faces}]
    if without and faces:
        warn(f"{labels.path}: left out: {counted(len(without), 'image')} without a labeled face: {some(without, 3)}")
    return replace(labels, faces=faces)


def _points(parts: list[_Labels]) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of the keypoints, and the lines between them."""
    kinds: dict[tuple[str, ...], list[str]] = defaultdict(list)
    skeleton: list[list[int]] = []
    for part in parts:
        for one in part.faces:
            category = part.categories[one.category_id]
            count = len(one.keypoints) // 3
            names = tuple(category.keypoints) or tuple(map(str, range(1, count + 1)))
            if twice := [name for name in names if names.count(name) > 1]:
                raise EdgefkpError(
                    f"{part.path}: the category {category.name!r} has the keypoint {twice[0][:40]!r} "
                    f"{twice.count(twice[0])} times",
                    "give each keypoint of the category a name of its own",
                )
            if len(names) != count:
                raise EdgefkpError(
                    f"{part.path}: annotation {one.id} has {count} points (x, y and visibility of each), and its "
                    f"category {category.name!r} {len(names)} names of keypoints",
                    HINT,
                )
            kinds[names].append(f"{category.name} in {part.path.name}")
            skeleton = category.skeleton
    if len(kinds) > 1:
        found = [f"{len(names)} points of {who[0]}" for names, who in kinds.items()]
        raise EdgefkpError(f"the annotations have other points: {some(found)}", "export one category of faces")
    points = list(next(iter(kinds), ()))
    pairs = [pair for pair in skeleton if len(pair) == 2 and all(1 <= number <= len(points) for number in pair)]
    return points, [(points[one - 1], points[other - 1]) for one, other in pairs]


def _faces(labels: _Labels, photos: PhotoFolder, count: int) -> list[LabeledFace]:
    faces = []
    for one in labels.faces:
        image = labels.images[one.image_id]
        numbers = np.array(one.keypoints, np.float64).reshape(count, 3)
        visibility = np.clip(numbers[:, 2], 0, 2).astype(np.uint8)
        box = tuple(one.bbox) if len(one.bbox) == 4 and any(one.bbox[2:]) else None
        faces.append(
            LabeledFace(
                image.file_name,
                _photo(labels.path.parent, image, photos),
                np.where(visibility[:, None] > 0, numbers[:, :2], np.nan),
                f"annotation {one.id}",
                labels.part,
                person_in(one, image),
                0 if one.score is None else AUTOMATIC,
                visibility,
                box,  # type: ignore[arg-type]
            )
        )
    return faces


def _photo(folder: Path, image: _Image, photos: PhotoFolder) -> Path:
    if isinstance(image.path, str) and not (folder / image.file_name).is_file():
        with contextlib.suppress(OSError, ValueError):
            if (folder / image.path).is_file():
                return folder / image.path
    return photos.find(image.file_name)


def is_coco(path: Path) -> bool:
    return bool(files_in(path))


FORMATS.add(
    Format(
        "coco",
        "COCO keypoints (.json, or its folder)",
        is_coco,
        open_coco,
        rank=11,
        holds="names of points, persons, visibility, boxes, several faces a photo, parts",
    )
)
