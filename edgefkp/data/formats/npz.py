"""Faces in one .npz: arrays images, keypoints and, where known, group (the person), filename, label_src, part and
layout.

Further arrays of one number or word for each face are its attributes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.arrays import checked, read_arrays, text_of
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, Faces, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.license import NOT_STATED, license_of
from edgefkp.data.numbers import as_points
from edgefkp.data.photos import PARTS
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, PointLayout, input_of

_OPTIONAL = ("group", "filename", "label_src", "part")


def open_npz(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset:
    """Open an .npz of faces of any size and colors. Its points are those of its `layout` (a name or a JSON object as
    text), else those that are asked for if they are as many, else of the known layout of as many.

    Raises EdgefkpError for a file that is damaged, lacks an array, or holds other shapes or types.
    """
    stored = read_arrays(path, "copy it again, or save it with np.savez")
    layout = _layout(path, stored, layout)
    count, size = layout.count, ",".join(map(str, input.image_shape))
    hint = (
        f"images (N,{size}) uint8, keypoints (N,{count},2) float32; optional group (N), filename (N), "
        f"label_src (N,{count}), part (N), layout"
    )
    shapes: dict[str, tuple[Any, ...]] = {
        "images": ("N", *_image_shape(stored.get("images"), input)),
        "keypoints": ("N", count, 2),
        "group": ("N",),
        "filename": ("N",),
        "label_src": ("N", count),
        "part": ("N",),
    }
    arrays = checked(path, stored, shapes, hint, _OPTIONAL)
    images, keypoints = arrays["images"], as_points(arrays["keypoints"])
    if images.dtype != np.uint8:
        raise EdgefkpError(f"{path}: images are {images.dtype}, expected uint8 levels 0..255", f"save: {hint}")
    if not len(images):
        raise EdgefkpError(f"{path} holds no face", f"save: {hint}")
    if np.isnan(keypoints).all():
        raise EdgefkpError(f"{path} has no label: every keypoint is NaN", f"save: {hint}")
    persons = text_of(arrays["group"]) if "group" in arrays else None
    faces = faces_of(
        images,
        keypoints,
        ids=text_of(arrays["filename"]) if "filename" in arrays else None,
        groups=persons_or_duplicates(str(path), images, persons),
        label_src=arrays.get("label_src"),
        layout=layout,
        attributes={
            name: array if array.dtype.kind in "biuf" else text_of(array)
            for name, array in stored.items()
            if name not in shapes and array.shape == (len(images),)
        },
    )
    terms = _text(stored, "license") or NOT_STATED
    train, validation, test = _parts(path, faces, text_of(arrays["part"]) if "part" in arrays else None)
    license = license_of(persons, terms)
    return Dataset(path.stem, train, test, license, persons_known=persons is not None, validation=validation)


def _parts(path: Path, faces: Faces, parts: np.ndarray | None) -> tuple[Faces, Faces | None, Faces | None]:
    if parts is None:
        return faces, None, None
    if strange := sorted(set(parts.tolist()) - set(PARTS)):
        raise EdgefkpError(f"{path} has the part {strange[0][:40]!r}", f"expected: {', '.join(PARTS)}")
    train, validation, test = (faces.take(parts == part) if (parts == part).any() else None for part in PARTS)
    if train is None:
        raise EdgefkpError(f"{path} has no faces to train on: part is never {PARTS[0]}", "save all parts in one file")
    return train, validation, test


def _layout(path: Path, stored: dict[str, np.ndarray], asked: PointLayout | None) -> PointLayout:
    if text := _text(stored, "layout"):
        try:
            return PointLayout.from_json(json.loads(text) if text.startswith("{") else text.strip('"'))
        except (ValueError, RecursionError) as error:
            raise EdgefkpError(f"{path}: its layout is not whole: {str(error)[:150]}", "save it again") from error
    keypoints = stored.get("keypoints")
    count = keypoints.shape[1] if keypoints is not None and keypoints.ndim == 3 else (asked or KAGGLE15).count
    known = [layout for layout in LAYOUTS.values() if layout.count == count]
    if asked and (asked.count == count or not known):
        return asked
    if not known:
        raise EdgefkpError(
            f"{path} has {count} points a face, and no known layout has as many",
            "name it: --layout FILE.json, or save it as text in an array: layout",
        )
    return known[0]


def _text(stored: dict[str, np.ndarray], name: str) -> str:
    array = stored.get(name)
    return str(array) if array is not None and array.shape == () and array.dtype.kind == "U" else ""


def _image_shape(images: np.ndarray | None, asked: InputSpec) -> tuple[int, ...]:
    """The shape that images of this size and colors have to have, or those that were asked for."""
    if images is None or images.ndim not in (3, 4):
        return asked.image_shape
    try:
        return input_of(images).image_shape
    except UsageError:
        return asked.image_shape


FORMATS.add(
    Format(
        "npz",
        "an .npz of images and keypoints",
        lambda path: path.suffix == ".npz" and path.exists(),
        open_npz,
        holds="crops; persons, origin of points, layout, parts",
    )
)
