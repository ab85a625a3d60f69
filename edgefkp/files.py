"""Files that are whole or not there: atomic writes, content hashes, JSON, the cache folder."""

import contextlib
import dataclasses
import errno
import fcntl
import functools
import hashlib
import json
import math
import os
import secrets
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgefkp.errors import EdgefkpError, reading, writing
from edgefkp.records import json_name

if TYPE_CHECKING:
    import zipfile

    import numpy as np

LARGEST = 1 << 28  # bytes of a file that is read as a whole, unless its reader allows more
_SMALLER = "give a smaller file"
_DEEPEST = 64  # JSON lists and objects inside each other
_LOCK_POLL = 0.1  # seconds
_DESCRIPTORS = threading.RLock()  # 1 and 2
_UNFINISHED = ".edgefkp-"  # begins the name of a file that is being written


def cache_dir() -> Path:
    """The user's cache folder ($EDGEFKP_CACHE, else $XDG_CACHE_HOME/edgefkp, else ~/.cache/edgefkp)."""
    if own := os.environ.get("EDGEFKP_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgefkp"


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary name beside `path` that replaces it when the block ends without an error.

    Raises EdgefkpError if the folder cannot be written or the disk is full; `path` is then as it was. What a
    killed process left behind is removed by the next one that writes into that folder.
    """
    path = Path(path)
    if os.path.exists(path) and not os.path.isfile(path):  # a device, too: root could replace /dev/null
        raise EdgefkpError(f"{path} is there, and is not a file", "choose another name")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent.absolute())
        temporary = path.with_name(f"{_UNFINISHED}{path.stem[:40]}-{secrets.token_hex(4)}{path.suffix}")
        try:
            with _new(temporary):
                yield temporary
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _new(path: Path) -> IO[bytes]:
    """The new file, locked: that tells others that its writer lives. Its mode is open()'s, so that others may read."""
    while True:
        stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb")
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:  # else it was swept up before it was locked
            return stream
        stream.close()


def sweep(folder: Path) -> None:
    """Remove the unfinished files in `folder` that no living process holds."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError), open(path, "rb") as stream:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


_sweep_once = functools.cache(sweep)


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The files below `folder` that match `pattern` (as of Path.glob), by name.

    Without hidden ones, and without those in hidden folders below it: they are unfinished, or are no input.
    """
    found = (path for path in sorted(folder.glob(pattern)) if os.path.isfile(path))
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def require_writable(folder: Path) -> None:
    """Raise EdgefkpError where no file can be made in `folder`: better before hours of work than after."""
    with replacing(folder / ".writable") as temporary:
        temporary.write_bytes(b"")
    (folder / ".writable").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold the lock file `path` for the block; yields False if another process still has it after `patience` seconds.

    Makes the file and its folder. The lock ends with the process, however that ends, so no lock is ever stale. Raises
    EdgefkpError for a file that cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = open(path, "a")  # noqa: SIM115
    with opened as stream:
        end, held = time.monotonic() + patience, False
        while not held:
            try:
                fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
            except OSError:
                if time.monotonic() >= end:
                    break
                time.sleep(_LOCK_POLL)
        yield held  # closing the file lets go


def write_bytes(path: Path | str, content: bytes) -> Path:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    """As UTF-8; what is no character, as in a file's name that is not UTF-8, is written as its number."""
    return write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path | str, value: Any) -> Path:
    """Write a dataclass, or anything that json takes, with NaN as null."""
    return write_text(path, json_text(value) + "\n")


def json_text(value: Any, indent: int | None = 1) -> str:
    text = json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace").decode()  # half a character, as in a file's name: JSON has \udcff


def plain(value: Any) -> Any:
    """What json takes, in place of records, arrays and paths; NaN becomes None."""
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {json_name(field): plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if type(value).__module__ == "numpy":
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        # 9 significant digits hold a float32 exactly; JSON has no NaN.
        return float(f"{value:.9g}") if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    return value


def open_file(path: Path | str, largest: int = LARGEST) -> IO[bytes]:
    """Open for reading what is a file of at most `largest` bytes, and no pipe, device or folder.

    Raises OSError or EdgefkpError: use it within `errors.reading`.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    if found.st_size > largest:
        raise EdgefkpError(f"{path} has {found.st_size:,} bytes, and at most {largest:,} are read", _SMALLER)
    return open(path, "rb")


def read_bytes(path: Path | str, kind: str, hint: str, largest: int = LARGEST) -> bytes:
    with reading(path, kind, hint), open_file(path, largest) as stream:
        return stream.read(largest)


_AGAIN = "delete it and make it again"


def read_json(path: Path | str, hint: str = _AGAIN) -> Any:
    """Raises EdgefkpError, with `hint`, for what is missing, damaged or too large."""
    return parse_json(read_bytes(path, "a readable JSON file", hint), str(path), hint)


def parse_json(content: bytes | str, where: str, hint: str = _AGAIN) -> Any:
    """A JSON value; numbers fit 64 bits and are finite, and lists are not nested beyond reason.

    where: what is read, for messages. Raises EdgefkpError.
    """
    with reading(where, "a readable JSON file", hint):
        value = json.loads(content, parse_int=_integer, parse_float=_finite, parse_constant=_finite)
        level = [value]
        for _ in range(_DEEPEST):
            inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
            if not (level := [item for items in inner for item in items]):
                return value
        raise ValueError(f"more than {_DEEPEST} lists inside each other")


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**64:
        raise ValueError(f"the number {text[:20]} is too large")
    return int(text)


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is not a number")
    return value


@contextlib.contextmanager
def opened_zip(path: Path | str, kind: str, hint: str, largest: int = LARGEST) -> "Iterator[zipfile.ZipFile]":
    """The zip for a block that reads its members and does nothing else; see `errors.reading`.

    largest: bytes of all its members, unpacked: Python's reader never gives more of one than the zip states.
    """
    import zipfile

    with reading(path, kind, hint), open_file(path, largest) as stream, zipfile.ZipFile(stream) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > largest:
            raise EdgefkpError(f"{path} unpacks to {unpacked:,} bytes, and at most {largest:,} are read", _SMALLER)
        yield archive


def sha256_file(path: Path | str) -> str:
    """Raises EdgefkpError for what is not a readable file."""
    digest = hashlib.sha256()
    with reading(path, "a whole file", "copy it again"), open_file(path, sys.maxsize) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_arrays(*arrays: "np.ndarray") -> str:
    """Hash of shapes, types and values, in order."""
    import numpy as np  # here: --help needs none of it

    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@contextlib.contextmanager
def captured_fds() -> Iterator[IO[bytes]]:
    """Send both descriptors to a temporary file for the block, and yield it for whoever wants to read it.

    Python's own streams are flushed first, so that nothing printed before is lost. One thread at a time: each would
    put back what it found.
    """
    with _DESCRIPTORS:
        yield from _captured()


def _captured() -> Iterator[IO[bytes]]:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    kept = {}
    with tempfile.TemporaryFile() as chatter:
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):  # a descriptor that is closed needs no quiet
                kept[descriptor] = os.dup(descriptor)
                os.dup2(chatter.fileno(), descriptor)
        try:
            yield chatter
        finally:
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)
