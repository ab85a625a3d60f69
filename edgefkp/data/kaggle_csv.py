"""The parser of Kaggle's image CSVs, bare or zipped: one row a face, its 96 x 96 pixels as text in one cell.

It reads row by row straight from the (zip) stream into one array, so that the text of all faces, four times the
size of their pixels, is never in memory.
"""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from edgefkp.data.arrays import Arrays
from edgefkp.data.numbers import coordinate
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, reading
from edgefkp.files import open_file, opened_zip
from edgefkp.layout import KAGGLE15, InputSpec

# The form of the competition's files: 96x96 gray images, the points of KAGGLE15.
LAYOUT, INPUT = KAGGLE15, InputSpec(96, "gray")
PIXELS = INPUT.side**2
_DOWNLOAD_AGAIN = "download it again: edgefkp data download"
_BLOCK = 1 << 20  # bytes read at once
LARGEST = 4 << 30  # bytes of an unpacked table; Kaggle's has 250 MB


def read_training(path: Path) -> Arrays:
    """images (N, 96, 96) uint8 and keypoints (N, 15, 2) float32, NaN = empty cell.

    Raises EdgefkpError that names the file, the row and what is wrong in it.
    """
    images, labels = _read(path, LAYOUT.columns)
    if np.isnan(labels).all():
        raise EdgefkpError(f"{path} has no label: every coordinate of its {len(labels)} rows is empty", _DOWNLOAD_AGAIN)
    return {"images": images, "keypoints": labels.astype(np.float32).reshape(-1, LAYOUT.count, 2)}


def read_test(path: Path) -> Arrays:
    """images (N, 96, 96) uint8 and image_ids (N,) int64. Raises EdgefkpError as `read_training` does."""
    images, numbers = _read(path, ("ImageId",))
    if np.isnan(numbers).any() or len(np.unique(numbers)) < len(numbers):
        raise EdgefkpError(f"{path}: ImageId is empty or repeated in some rows", _DOWNLOAD_AGAIN)
    return {"images": images, "image_ids": numbers[:, 0].astype(np.int64)}


def _read(path: Path, wanted: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 96, 96) uint8 pixels and (N, len(wanted)) float64 numbers of all rows."""
    with _opened(path) as (stream, size):
        columns = _header(path, stream.readline(_BLOCK), wanted)
        at_image = columns.index("Image")
        at_numbers = [columns.index(name) for name in wanted]
        # Two characters a pixel at least: more rows cannot come. Memory is taken only where rows are written.
        images = np.empty((size // (2 * PIXELS) + 1, PIXELS), np.uint8)
        numbers: list[list[float]] = []
        for line in _lines(stream, path, size):
            row = len(numbers) + 1
            cells = line.replace(b'"', b"").rstrip(b"\r\n").split(b",")
            if cells == [b""]:
                continue
            if len(cells) != len(columns) or row > len(images):
                _fail(path, row, f"{len(cells)} cells, expected {len(columns)}")
            pixels = _pixels(cells[at_image])
            images[row - 1] = _pixels_one_by_one(path, row, cells[at_image]) if pixels is None else pixels
            numbers.append([_number(path, row, columns[k], cells[k]) for k in at_numbers])
    if not numbers:
        raise EdgefkpError(f"{path} has a header and no rows", _DOWNLOAD_AGAIN)
    return images[: len(numbers)].reshape(-1, *INPUT.image_shape), np.array(numbers)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The CSV's bytes as a stream, and how many there are."""
    if path.suffix.lower() == ".zip":
        with opened_zip(path, "a whole zip file", _DOWNLOAD_AGAIN, LARGEST) as archive:
            member = _member(path, archive)
            with io.BufferedReader(archive.open(member), _BLOCK) as stream:  # type: ignore[type-var]
                yield stream, member.file_size
    else:
        with reading(path, "a readable CSV", _DOWNLOAD_AGAIN), open_file(path, LARGEST) as plain:
            yield plain, path.stat().st_size


def _lines(stream: IO[bytes], path: Path, size: int) -> Iterator[bytes]:
    """The rest of the lines, with a progress bar where somebody is watching: a board takes many seconds."""
    lines = iter(lambda: stream.readline(_BLOCK), b"")  # a line has about 40,000 bytes; a damaged one may never end
    if not sys.stderr.isatty():
        yield from lines
        return
    with progress_bar(f"reading {path.name}", size, every=size // 50) as bar:
        for line in lines:
            yield line
            bar.update(len(line))


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    tables = [item for item in archive.infolist() if item.filename.endswith(".csv") and "__MACOSX" not in item.filename]
    named = [item for item in tables if Path(item.filename).stem == path.stem]
    if len(found := named or tables) == 1:
        return found[0]
    names = " ".join(", ".join(archive.namelist()[:5]).split())[:200] or "nothing"
    raise EdgefkpError(f"{path} holds {names}; expected {path.stem}.csv", "unzip it, and give the folder")


def _header(path: Path, line: bytes, wanted: tuple[str, ...]) -> list[str]:
    if not line.strip():
        raise EdgefkpError(f"{path} is empty", _DOWNLOAD_AGAIN)
    columns = line.decode("utf-8-sig", "replace").replace('"', "").strip().split(",")
    if missing := [name for name in (*wanted, "Image") if name not in columns]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise EdgefkpError(
            f"{path} lacks the columns {', '.join(missing[:3])}{more}; it starts with {', '.join(columns[:3])[:60]}",
            "the first line has to be that of Kaggle's facial-keypoints-detection",
        )
    return columns


def _number(path: Path, row: int, column: str, cell: bytes) -> float:
    value = coordinate(cell.decode(errors="replace"))
    if value is None:
        _fail(path, row, f"{column} is '{cell[:20].decode(errors='replace')}', expected a number or nothing")
    return value


def _pixels(text: bytes) -> np.ndarray | None:
    """The pixels out of "238 236 …", all digits at once; None where anything is unusual."""
    characters = np.frombuffer(b"   " + text + b" ", np.uint8)
    digits = characters - np.uint8(48)  # a space becomes 240
    is_digit = digits < 10
    last = np.flatnonzero(is_digit[:-1] > is_digit[1:])  # where each number ends
    if len(last) != PIXELS:
        return None
    has_tens = is_digit[last - 1]
    has_hundreds = has_tens & is_digit[last - 2]
    value = digits[last].astype(np.uint16)
    value += np.where(has_tens, digits[last - 1], 0) * np.uint16(10)
    value += np.where(has_hundreds, digits[last - 2], 0) * np.uint16(100)
    counted = PIXELS + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
    only_digits_and_spaces = counted + np.count_nonzero(characters == 32) == len(characters)
    return value if only_digits_and_spaces and value.max() <= 255 else None


def _pixels_one_by_one(path: Path, row: int, text: bytes) -> list[int]:
    """The slow way for what `_pixels` did not take: finds the fault, or that it is only unusual spacing."""
    words = text.split()
    for k, word in enumerate(words, 1):
        if not (word.isdigit() and len(word) < 20 and int(word) <= 255):
            _fail(path, row, f"pixel {k} is '{word[:20].decode(errors='replace')}', expected a whole number 0..255")
    if len(words) != PIXELS:
        _fail(path, row, f"{len(words)} pixels, expected {PIXELS} ({INPUT.side} x {INPUT.side})")
    return [int(word) for word in words]


def _fail(path: Path, row: int, found: str) -> NoReturn:
    raise EdgefkpError(f"{path} row {row}: {found}", f"the file is damaged: correct that row, or {_DOWNLOAD_AGAIN}")
