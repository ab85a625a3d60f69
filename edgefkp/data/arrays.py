"""Arrays in .npz files: one reader, one writer, and the check of arrays against the shapes that are expected.

Nothing but numbers and text is read: a pickle is never opened, whatever the file holds.
"""

from __future__ import annotations

import math
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from edgefkp.errors import EdgefkpError, reading
from edgefkp.files import open_file, opened_zip, replacing

Arrays = dict[str, "np.ndarray"]

LARGEST = 4 << 30  # bytes of all arrays of a file
_KINDS = "biufUS"  # of numpy's types: numbers and text
_FORM = "a whole .npz"


def read_arrays(path: Path | str, hint: str, largest: int = LARGEST) -> Arrays:
    """All arrays of an .npz, by name; the array of a .npy, which has none, is called "".

    hint: what to do about a file that is damaged. Raises EdgefkpError for one that is missing, damaged, larger than
    `largest` bytes when it is unpacked, or holds anything but numbers and text.
    """
    with reading(path, _FORM, hint), open_file(path, largest) as stream:
        if stream.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            stream.seek(0)
            size = Path(path).stat().st_size
            _check_header(stream, size)
            stream.seek(0)
            return {"": _read(stream)}
    arrays = {}
    with opened_zip(path, _FORM, hint, largest) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise ValueError(f"{name[:60]} is no .npy")
            with archive.open(member) as stream:
                _check_header(stream, member.file_size)
            with archive.open(member) as stream:
                arrays[name] = _read(stream)
                stream.read()  # to its end, where the checksum is compared
    return arrays


def _read(stream: IO[bytes]) -> np.ndarray:
    array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    if array.dtype.kind == "U":  # numpy takes any four bytes; making a str of them fails wherever that is done
        codes = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError("text that has no such letters")
    return array


def _check_header(stream: IO[bytes], size: int) -> None:
    """Before memory is taken for what a header promises: `size` bytes must hold it."""
    npy = np.lib.format
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array of version {version[0]}.{version[1]}")
    shape, _, kind = npy.read_array_header_1_0(stream) if version == (1, 0) else npy.read_array_header_2_0(stream)
    if kind.kind not in _KINDS or not kind.itemsize:
        raise ValueError(f"an array of {str(kind)[:40]}, and not of numbers or text")
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize > size:
        raise ValueError(f"an array of shape {str(shape)[:60]} in {size} bytes")


def write_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], compressed: bool = False) -> Path:
    """As numpy.savez, which before numpy 2.1 leaves its archive open on a full disk, with a traceback at the end.

    Raises EdgefkpError for a folder that cannot be written; `path` is then as it was.
    """
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", method) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
    return Path(path)


def text_of(array: np.ndarray) -> np.ndarray:
    """(N,) str of names or numbers; bytes that are not UTF-8 are shown by U+FFFD."""
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array.astype(str)


def checked(
    path: Path, stored: Arrays, shapes: Mapping[str, tuple[Any, ...]], hint: str, optional: tuple[str, ...] = ()
) -> Arrays:
    """The arrays that `shapes` names, in that order; "N" stands for one length that all share.

    Raises EdgefkpError if one that is not optional is missing, or has another shape; points have to be numbers,
    finite or NaN.
    """
    if set(stored) == {""}:
        raise EdgefkpError(f"{path} holds one array without a name (.npy)", f"save with np.savez: {hint}")
    if missing := [name for name in shapes if name not in stored and name not in optional]:
        held = " ".join(", ".join(sorted(stored)).split())[:200] or "nothing"
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
