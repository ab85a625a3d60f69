"""Faces in one .npz: arrays images, keypoints and, where known, group (the person), filename, label_src."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.arrays import checked, read_arrays, text_of
from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.license import NOT_STATED, license_of
from edgefkp.data.numbers import as_points
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout, input_of

_OPTIONAL = ("group", "filename", "label_src")


def open_npz(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset:
    """Open an .npz of faces of any size and colors with the points of `layout`; it has no test part of its own.

    Raises EdgefkpError for a file that is damaged, lacks an array, or holds other shapes or types.
    """
    layout = layout or KAGGLE15
    count, size = layout.count, ",".join(map(str, input.image_shape))
    hint = (
        f"images (N,{size}) uint8, keypoints (N,{count},2) float32; optional group (N), filename (N), "
        f"label_src (N,{count})"
    )
    stored = read_arrays(path, "copy it again, or save it with np.savez")
    shapes: dict[str, tuple[Any, ...]] = {
        "images": ("N", *_image_shape(stored.get("images"), input)),
        "keypoints": ("N", count, 2),
        "group": ("N",),
        "filename": ("N",),
        "label_src": ("N", count),
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
    )
    return Dataset(path.stem, faces, None, license_of(persons, NOT_STATED), persons_known=persons is not None)


def _image_shape(images: np.ndarray | None, asked: InputSpec) -> tuple[int, ...]:
    """The shape that images of this size and colors have to have, or those that were asked for."""
    if images is None or images.ndim not in (3, 4):
        return asked.image_shape
    try:
        return input_of(images).image_shape
    except UsageError:
        return asked.image_shape


FORMATS.add(
    Format("npz", "an .npz of images and keypoints", lambda path: path.suffix == ".npz" and path.exists(), open_npz)
)
