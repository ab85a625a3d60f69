"""Results of slow work on data, stored by the content that they came from."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, replacing, sha256_file

Arrays = dict[str, np.ndarray]


def cached(path: Path, form: str, parse: Callable[[Path], Arrays]) -> Arrays:
    """`parse(path)`, or what it returned earlier for a file of the same content.

    form: names the parser and its version; change it where the arrays change. Raises EdgefkpError where `path` cannot
    be read.
    """
    try:
        digest = sha256_file(path)
    except OSError as error:
        raise EdgefkpError(
            f"cannot read {path}: {error.strerror or error}", "make it readable, or copy it again"
        ) from error
    return stored(digest, form, lambda: parse(path))


def stored(digest: str, form: str, make: Callable[[], Arrays]) -> Arrays:
    """`make()`, or what it returned earlier for the content with this hash.

    A cache that is broken or cannot be written is no error: the arrays are made.
    """
    store = cache_dir() / "data" / f"{form}-{digest[:32]}.npz"
    try:
        with np.load(store, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}  # a zip: its checksums show damage
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        arrays = make()
    try:
        with replacing(store) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
    except EdgefkpError:
        pass  # a read-only or full disk costs only the time
    return arrays
