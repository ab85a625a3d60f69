"""Where labeling tools put their files, and the reading of these, whatever their form."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.files import open_file, parse_json, read_bytes, visible

LARGEST = 1 << 30  # bytes of a file of labels
LABEL_FOLDERS = ("annotations", "labels", "points", "landmarks", "pts")  # that hold no photos
_HEAD = 64  # bytes in which the first character stands


def labels_in(
    path: Path, folders: Sequence[str], begin: bytes, words: Sequence[bytes], suffix: str = ".json"
) -> list[Path]:
    """`path` itself, or the files in `folders` of it, that begin so and hold all the words: others do not count."""
    if path.is_dir():
        found = [file for folder in folders for file in visible(path / folder, f"*{suffix}")]
    else:
        found = [path] if path.suffix.lower() == suffix else []
    return [file for file in found if _has(file, begin, words)]


def beside(folder: Path) -> list[Path]:
    """Folders of photos beside the folder that labels stand in: a tool exports labels/ and images/."""
    places = [folder.parent / "images", *([folder.parent] if folder.name in LABEL_FOLDERS else [])]
    return [place for place in places if place.is_dir()]


def _has(file: Path, begin: bytes, words: Sequence[bytes]) -> bool:
    try:
        with open_file(file, LARGEST) as stream:
            head = stream.read(_HEAD)
            if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(begin):
                return False
            content = head + stream.read()
        return all(word in content for word in words)
    except (OSError, EdgefkpError):
        return False


def read_labels(path: Path, hint: str) -> Any:
    """The value of a JSON file. Raises EdgefkpError for one that is damaged."""
    content = read_bytes(path, "a readable JSON file", hint, LARGEST)
    return parse_json(content.removeprefix(b"\xef\xbb\xbf"), str(path), hint)
