"""Files of Keras networks: their forms, and what made them."""

import contextlib
import json
import zipfile
from pathlib import Path

SUFFIXES = (".keras", ".h5", ".hdf5")  # the last two are the form of Keras 2, which Keras 3 reads


def is_keras(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def keras_version(path: Path) -> str:
    """Of the Keras that wrote a .keras file; "" for another file, or one that does not hold it."""
    damaged = (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), zipfile.ZipFile(path) as archive, archive.open("metadata.json") as member:
        return str(json.loads(member.read(1 << 20))["keras_version"])
    return ""
