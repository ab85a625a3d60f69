"""How large a photo is, and how its camera was held, from the head of its file: nothing is decoded."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from edgefkp.data.images import MOST_BYTES, MOST_PIXELS, read_image
from edgefkp.errors import EdgefkpError
from edgefkp.files import open_file

UPRIGHT = 1  # Exif's orientation of an image whose first row is its top
_TURNED = range(5, 9)  # Exif's orientations that lie on their side
_EXIF_LIMIT = 1 << 16  # bytes
_ORIENTATION, _SHORT = 0x0112, 3  # Exif's number of the entry, and of its type
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG's markers of a frame, which has the size


class PhotoSize(NamedTuple):
    """0 x 0 for a file that is missing or no image."""

    width: int  # pixels of the upright photo, as `read_image` returns it
    height: int  # pixels
    orientation: int = UPRIGHT  # Exif's, 1 to 8: how the stored pixels lie; 1 where the file has none


UNKNOWN = PhotoSize(0, 0)


def photo_size(path: Path) -> PhotoSize:
    """From the head of a JPEG or PNG; other images are decoded."""
    with contextlib.suppress(OSError, EdgefkpError, struct.error, IndexError, ValueError):
        with open_file(path, MOST_BYTES) as stream:
            begin = stream.read(8)
            stored = (
                _jpeg(stream) if begin[:2] == b"\xff\xd8" else _png(stream) if begin == b"\x89PNG\r\n\x1a\n" else None
            )
        if stored and stored.width * stored.height > MOST_PIXELS:
            return UNKNOWN  # a damaged head can promise any number
        if stored and stored.orientation in _TURNED:
            return PhotoSize(stored.height, stored.width, stored.orientation)
        if stored:
            return stored
    image = read_image(path, "gray")
    return UNKNOWN if image is None else PhotoSize(image.shape[1], image.shape[0])


def _jpeg(stream: IO[bytes]) -> PhotoSize | None:
    orientation = UPRIGHT
    stream.seek(2)
    while True:
        prefix, marker = stream.read(2)
        if prefix != 0xFF:
            return None
        while marker == 0xFF:  # fill bytes
            marker = stream.read(1)[0]
        (length,) = struct.unpack(">H", stream.read(2))
        if marker in _FRAMES:
            height, width = struct.unpack(">xHH", stream.read(5))
            return PhotoSize(width, height, orientation) if width and height else None
        if marker == 0xE1 and orientation == UPRIGHT:
            content = stream.read(length - 2)
            if content.startswith(b"Exif\0\0"):
                orientation = _orientation(content[6:])
        else:
            stream.seek(length - 2, 1)


def _png(stream: IO[bytes]) -> PhotoSize | None:
    width = height = 0
    orientation = UPRIGHT
    for kind, length in _chunks(stream):
        if kind == b"IHDR":
            width, height = struct.unpack(">II", stream.read(8))
            length -= 8
        elif kind == b"eXIf" and length < _EXIF_LIMIT:
            orientation = _orientation(stream.read(length))
            length = 0
        stream.seek(length + 4, 1)
    return PhotoSize(width, height, orientation) if width and height else None


def _chunks(stream: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        yield kind, length


def _orientation(exif: bytes) -> int:
    """Out of the TIFF header and entries of an Exif block."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (entries,) = struct.unpack_from(f"{order}H", exif, start)
    for number in range(entries):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
        if tag == _ORIENTATION and kind == _SHORT and value in range(1, 9):
            return int(value)
    return UPRIGHT
