"""Files that are whole or not there: atomic writes, content hashes, JSON, the cache folder."""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgefkp.errors import EdgefkpError
from edgefkp.records import json_name

if TYPE_CHECKING:
    import numpy as np

_LOCK_POLL = 0.1  # seconds


def cache_dir() -> Path:
    """The user's cache folder ($EDGEFKP_CACHE, else $XDG_CACHE_HOME/edgefkp, else ~/.cache/edgefkp)."""
    if own := os.environ.get("EDGEFKP_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgefkp"


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary name beside `path` that replaces it when the block ends without an error.

    Raises EdgefkpError where the folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files private; results are meant to be read by others, as open() makes them.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise EdgefkpError(
            f"cannot write {path}: {error.strerror or error}",
            "choose a folder that you can write to, on a disk with space left",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


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

    The lock ends with the process, however that ends, so no lock is ever stale. Raises OSError for an unwritable file.
    """
    with open(path, "a") as stream:
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
    return write_bytes(path, text.encode())


def write_json(path: Path | str, value: Any) -> Path:
    """Write a dataclass, or anything that json takes, with NaN as null."""
    return write_text(path, json_text(value) + "\n")


def json_text(value: Any, indent: int | None = 1) -> str:
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


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


def read_json(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise EdgefkpError(f"{path} does not exist") from None
    except (ValueError, OSError) as error:
        raise EdgefkpError(f"{path} is not a readable JSON file: {error}", "delete it and make it again") from error


def sha256_file(path: Path | str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
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

    Python's own streams are flushed first, so that nothing printed before is lost.
    """
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
