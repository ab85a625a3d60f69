"""Arrays of an .npz, checked against the shapes that are expected of them."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.cache import Arrays
from edgefkp.errors import EdgefkpError


def read_arrays(path: Path, hint: str) -> Arrays:
    """All arrays of an .npz. hint: what to save, for errors. Raises EdgefkpError for a file that is damaged."""
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise EdgefkpError(f"{path} holds one array without a name (.npy)", f"save with np.savez: {hint}")
        with opened:
            return {name: opened[name] for name in opened.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise EdgefkpError(f"{path} is not a whole .npz: {error}", "copy it again, or save it with np.savez") from error


def checked(
    path: Path, stored: Arrays, shapes: Mapping[str, tuple[Any, ...]], hint: str, optional: tuple[str, ...] = ()
) -> Arrays:
    """The arrays that `shapes` names, in that order; "N" stands for one length that all share.

    Raises EdgefkpError where one that is not optional is missing, or has another shape; points have to be numbers,
    finite or NaN.
    """
    if missing := [name for name in shapes if name not in stored and name not in optional]:
        held = ", ".join(sorted(stored)) or "nothing"
        raise EdgefkpError(f"{path} lacks {', '.join(missing)}; it holds {held}", f"save: {hint}")
    arrays = {name: stored[name] for name in shapes if name in stored}
    length = len(next(iter(arrays.values()))) if next(iter(arrays.values())).ndim else 0
    for name, array in arrays.items():
        expected = tuple(length if size == "N" else size for size in shapes[name])
        if array.shape != expected:
            raise EdgefkpError(f"{path}: {name} has shape {array.shape}, expected {expected}", f"save: {hint}")
        if len(expected) > 1 and array.dtype.kind not in "uif":
            raise EdgefkpError(f"{path}: {name} holds {array.dtype}, expected numbers", f"save: {hint}")
        if array.dtype.kind == "f" and np.isinf(array).any():
            raise EdgefkpError(f"{path}: {name} holds infinite numbers", "use NaN for a point that is missing")
    return arrays
