"""What was parsed once is loaded as arrays the next time, as long as the file's bytes are the same."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, replacing, sha256_file

Arrays = dict[str, np.ndarray]


def cached(path: Path, form: str, parse: Callable[[Path], Arrays]) -> Arrays:
    """`parse(path)`, or what it gave earlier for a file of the same content.

    form: names the parser and its version; change it where the arrays change. A cache that is broken or
    cannot be written is no error: the file is parsed. Raises EdgefkpError where `path` cannot be read.
    """
    try:
        store = cache_dir() / "data" / f"{form}-{sha256_file(path)[:32]}.npz"
    except OSError as error:
        raise EdgefkpError(
            f"cannot read {path}: {error.strerror or error}", "make it readable, or copy it again"
        ) from error
    try:
        with np.load(store, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}  # a zip: its checksums show damage
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        arrays = parse(path)
    try:
        with replacing(store) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
    except EdgefkpError:
        pass  # a read-only or full disk costs only the time
    return arrays
