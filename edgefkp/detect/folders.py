"""What lies in folders: the images and videos, each once, and how many files of other kinds are left out."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from edgefkp.detect.media import is_image, is_video

HIDDEN = "hidden"  # kind of images and videos with a dot before their names: unfinished, or macOS's "._" notes


class Found(NamedTuple):
    files: list[Path]
    left_out: "Counter[str]"  # kind -> number of files: a suffix, HIDDEN, or "no suffix"


def media_in(folder: Path, out: Path | None = None) -> Found:
    """The images and videos of a folder and its subfolders, by name.

    Folders that are linked are followed, each once, wherever they lie. out: a folder that is left alone.
    """
    files, left_out = [], Counter[str]()
    for path in _files(folder, out):
        media = is_image(path) or is_video(path)
        if _is_hidden(path, folder):
            left_out[HIDDEN] += media
        elif not media:
            left_out[path.suffix.lower() or "no suffix"] += 1
        else:
            files.append(path)
    return Found(sorted(files), +left_out)


def images_in(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders, by name."""
    return [path for path in media_in(folder).files if not is_video(path)]


def named(left_out: "Counter[str]") -> str:
    """As people read it: "2 .txt, 1 hidden"; "" for nothing."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items(), key=lambda one: (-one[1], one[0])))


def _files(folder: Path, out: Path | None) -> Iterator[Path]:
    """Every file, hidden ones too, but none in hidden folders or in `out`."""
    seen: set[tuple[int, int]] = set()
    mine = _identity(out) if out else None
    waiting = [folder]
    while waiting:  # first all real folders, so that a link gives no other name to what is there already
        linked: list[Path] = []
        for start in waiting:
            yield from _below(start, lambda found: found == mine or found in seen, seen.add, linked.append)
        waiting = linked


def _below(
    start: Path,
    is_done: Callable[[tuple[int, int]], bool],
    note: Callable[[tuple[int, int]], None],
    link: Callable[[Path], None],
) -> Iterator[Path]:
    folders = [start]
    while folders:
        folder = folders.pop(0)
        found = _identity(folder)
        if found is None or is_done(found):
            continue
        note(found)
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue  # it may not be read
        for path in entries:
            if os.path.isfile(path):
                yield path
            elif not path.name.startswith(".") and os.path.isdir(path):
                link(path) if path.is_symlink() else folders.append(path)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
