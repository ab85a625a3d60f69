"""Where the photo lies that a file of labels names, and which part of a dataset a file is for."""

import os
import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from edgefkp.data.photos import PARTS

_LABELS = {".csv", ".tsv", ".txt", ".json", ".xml", ".pts", ".npz", ".md", ".zip"}  # what is no photo
_WORDS = {
    **dict.fromkeys(("train", "training", "trainset"), PARTS[0]),
    **dict.fromkeys(("val", "valid", "validation", "validset", "valset", "dev"), PARTS[1]),
    **dict.fromkeys(("test", "testing", "testset"), PARTS[2]),
}
_OVERLAYS, _PREDICTED = "faces", "predict.jsonl"  # what edgefkp predict writes
_UPLOADED = re.compile(r"[0-9a-f]{8}-")  # begins the name of a file that was uploaded to Label Studio


def part_of(path: Path | str) -> str | None:
    """The part that a file's name, or a folder's in its path, has as a word: coco-test.json, valid/labels.json."""
    for name in reversed(PurePosixPath(path).parts):
        for word in re.split(r"[^a-z]+", name.lower()):
            if word in _WORDS:
                return _WORDS[word]
    return None


class PhotoFolder:
    """Finds photos in `folder` and the folders below it, by the names that labels have for them."""

    def __init__(self, folder: Path, *others: Path) -> None:
        self.folders = (folder, *others)

    def find(self, name: str) -> Path:
        """As it is named below the folder; else the one file below it of that name, with the most of its folders.

        Spaces around the name, backslashes, capitals, another computer's folders, a missing suffix and a URL do not
        matter. Where nothing is found, the path where it should be.
        """
        should = self.folders[0] / name
        names = [name, plain := _plain(name)]
        for folder in self.folders:
            for one in names:
                if _is_file(folder / one):
                    return folder / one
        wanted = PurePosixPath(plain.lower()).parts
        if not wanted:
            return should
        base = wanted[-1]
        for last in (base, _UPLOADED.sub("", base, count=1)):
            found = self._by_name.get(last) or self._by_stem.get(last, [])
            if best := _best(found, (*wanted[:-1], last)):
                return best
        return should

    def photos_of(self, stem: str) -> list[Path]:
        """The photos of that name with any suffix."""
        return self._by_stem.get(stem.lower(), [])

    @cached_property
    def _files(self) -> list[Path]:
        found = (path for folder in self.folders for path in _below(folder))
        photos = dict.fromkeys(path for path in found if path.suffix.lower() not in _LABELS)
        return [path for path in photos if not self._is_overlay(path)]

    def _is_overlay(self, path: Path) -> bool:
        """edgefkp predict drew its points into it."""
        inside = [
            folder for folder in path.parents if any(one == folder or one in folder.parents for one in self.folders)
        ]
        return any(folder.name == _OVERLAYS and (folder.parent / _PREDICTED).exists() for folder in inside)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found = defaultdict(list)
        for path in self._files:
            found[path.name.lower()].append(path)
        return dict(found)

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found = defaultdict(list)
        for path in self._files:
            found[path.stem.lower()].append(path)
        return dict(found)


def _plain(name: str) -> str:
    """A name as a path below a folder."""
    if "://" in name or "?" in name:
        url = urllib.parse.urlsplit(name.strip())
        query = urllib.parse.parse_qs(url.query)
        name = query["d"][0] if "d" in query else urllib.parse.unquote(url.path)
    parts = [part.strip() for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part not in ("", ".") and not re.fullmatch("[A-Za-z]:", part))


def _below(folder: Path) -> Iterator[Path]:
    """The files below `folder`, also in folders that it links to; none that is hidden."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or half a character
        return False


def _best(found: list[Path], wanted: tuple[str, ...]) -> Path | None:
    """The one path that ends as `wanted` does for the most folders; None where several do."""

    def shared(path: Path) -> int:
        pairs = zip(reversed(path.parts[:-1]), reversed(wanted[:-1]), strict=False)
        count = 0
        for here, there in pairs:
            if here.lower() != there:
                break
            count += 1
        return count

    if not found:
        return None
    most = max(map(shared, found))
    best = [path for path in found if shared(path) == most]
    return best[0] if len(best) == 1 else None
