"""Faces in one .npz: arrays images, keypoints and, where known, group (the person), filename, label_src."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.license import NOT_STATED, licence_of
from edgefkp.errors import EdgefkpError
from edgefkp.layout import COUNT, SIZE

_FORM = "images (N,96,96) uint8, keypoints (N,15,2) float32; optional group (N), filename (N), label_src (N,15)"


def open_npz(path: Path) -> Dataset:
    """Open an .npz of labelled faces; it has no test part of its own.

    Raises EdgefkpError for a file that is damaged, lacks an array, or holds other shapes or types.
    """
    shapes: dict[str, tuple[Any, ...]] = {
        "images": ("N", SIZE, SIZE),
        "keypoints": ("N", COUNT, 2),
        "group": ("N",),
        "filename": ("N",),
        "label_src": ("N", COUNT),
    }
    arrays = read_arrays(path, shapes, optional=("group", "filename", "label_src"))
    images, keypoints = arrays["images"], arrays["keypoints"].astype(np.float32)
    if images.dtype != np.uint8:
        raise EdgefkpError(f"{path}: images are {images.dtype}, expected uint8 gray levels 0..255", f"save: {_FORM}")
    if not len(images):
        raise EdgefkpError(f"{path} holds no face", f"save: {_FORM}")
    if np.isnan(keypoints).all():
        raise EdgefkpError(f"{path} has no label: every keypoint is NaN", f"save: {_FORM}")
    persons = arrays["group"].astype(str) if "group" in arrays else None
    groups = persons_or_duplicates(str(path), images, persons)
    faces = faces_of(
        images,
        keypoints,
        ids=arrays["filename"].astype(str) if "filename" in arrays else None,
        groups=groups,
        label_src=arrays.get("label_src"),
    )
    return Dataset(path.stem, faces, None, licence_of(persons, NOT_STATED), persons_known=persons is not None)


def read_arrays(
    path: Path, shapes: Mapping[str, tuple[Any, ...]], optional: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The arrays that `shapes` names, in that order; "N" stands for one length that all share.

    Raises EdgefkpError for a file that is damaged, lacks an array that is not optional, or holds another shape;
    points have to be numbers, finite or NaN.
    """
    stored = _load(path)
    if missing := [name for name in shapes if name not in stored and name not in optional]:
        held = ", ".join(sorted(stored)) or "nothing"
        raise EdgefkpError(f"{path} lacks {', '.join(missing)}; it holds {held}", f"save: {_FORM}")
    arrays = {name: stored[name] for name in shapes if name in stored}
    length = len(next(iter(arrays.values()))) if next(iter(arrays.values())).ndim else 0
    for name, array in arrays.items():
        expected = tuple(length if size == "N" else size for size in shapes[name])
        if array.shape != expected:
            raise EdgefkpError(f"{path}: {name} has shape {array.shape}, expected {expected}", f"save: {_FORM}")
        if len(expected) > 1 and array.dtype.kind not in "uif":
            raise EdgefkpError(f"{path}: {name} holds {array.dtype}, expected numbers", f"save: {_FORM}")
        if array.dtype.kind == "f" and np.isinf(array).any():
            raise EdgefkpError(f"{path}: {name} holds infinite numbers", "use NaN for a point that is missing")
    return arrays


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise EdgefkpError(f"{path} holds one array without a name (.npy)", f"save with np.savez: {_FORM}")
        with opened:
            return {name: opened[name] for name in opened.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise EdgefkpError(f"{path} is not a whole .npz: {error}", "copy it again, or save it with np.savez") from error
