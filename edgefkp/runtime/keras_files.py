"""Files of Keras networks: their forms, and what made them."""

from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.files import opened_zip, parse_json

SUFFIXES = (".keras", ".h5", ".hdf5")  # the last two are the form of Keras 2, which Keras 3 reads
_WRITTEN_BY = "metadata.json"  # the member of a .keras file


def is_keras(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def keras_version(path: Path) -> str:
    """Of the Keras that wrote a .keras file; "" for another file, or one that does not hold it."""
    try:
        with opened_zip(path, "a whole .keras file", "") as archive:
            stated = parse_json(archive.read(_WRITTEN_BY), _WRITTEN_BY)
    except EdgefkpError:
        return ""
    return str(stated.get("keras_version", "")) if isinstance(stated, dict) else ""
