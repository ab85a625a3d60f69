"""Results of slow work on data, stored by the content that they came from."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from edgefkp.data.arrays import Arrays, read_arrays, write_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, sha256_file


def cached(path: Path, form: str, parse: Callable[[Path], Arrays]) -> Arrays:
    """`parse(path)`, or what it returned earlier for a file of the same content.

    form: names the parser and its version; change it where the arrays change. Raises EdgefkpError if `path` cannot
    be read.
    """
    return stored(sha256_file(path), form, lambda: parse(path))


def stored(digest: str, form: str, make: Callable[[], Arrays]) -> Arrays:
    """`make()`, or what it returned earlier for the content with this hash.

    A cache that is broken or cannot be written is no error: the arrays are made.
    """
    store = cache_dir() / "data" / f"{form}-{digest[:32]}.npz"
    try:
        return read_arrays(store, "")  # a zip: its checksums show damage
    except EdgefkpError:
        arrays = make()
    with contextlib.suppress(EdgefkpError):  # a read-only or full disk costs only the time
        write_arrays(store, arrays)
    return arrays
