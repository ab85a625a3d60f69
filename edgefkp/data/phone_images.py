"""HEIC and AVIF images, as phones write them, and the orientation of those that OpenCV decodes without it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgefkp.errors import EnvironmentProblem

HEIC_SUFFIXES = {".heic", ".heif", ".hif"}
INSTALL = "pip install 'edgefkp[heic]'"
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}
_ORIENTATION = 0x112  # EXIF's tag; 1 to 8


def kind_of(content: bytes) -> str:
    """ "heic", "avif" or "", by the brands at the start of the file and not by its suffix."""
    if content[4:8] != b"ftyp":
        return ""
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = [content[8:12], *(content[place : place + 4] for place in range(16, size, 4))]
    if _AVIF & set(brands):
        return "avif"
    return "heic" if _HEIC & set(brands) else ""


def decode_heic(content: bytes, most_pixels: int) -> np.ndarray | None:
    """(H, W, 3) BGR uint8, upright; None for more pixels.

    Raises EnvironmentProblem where pillow-heif is missing, and what it raises for a damaged image.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise EnvironmentProblem(f"a HEIC image, for which pillow-heif is missing: {INSTALL}", INSTALL) from error
    image = pillow_heif.open_heif(content, convert_hdr_to_8bit=True)
    if image.size[0] * image.size[1] > most_pixels:
        return None
    pixels = np.asarray(image)  # decoded here, and turned as the file demands
    pixels = np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else pixels
    colors = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, 2)
    return np.ascontiguousarray(colors[..., ::-1])


def upright(image: np.ndarray, content: bytes, version: str) -> np.ndarray:
    """An image as OpenCV decoded it, turned as its file demands, of the kinds for which `version` of OpenCV does not.

    AVIF has its own turn and mirror; WebP has EXIF's orientation, which OpenCV knows from 4.13 on.
    """
    if kind_of(content) == "avif":
        return _turned_avif(image, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and _numbers(version) < (4, 13):
        return oriented(image, _webp_orientation(content))
    return image


def oriented(image: np.ndarray, orientation: int) -> np.ndarray:
    """The upright image, by EXIF's number: 3, 6 and 8 are turns, even and 5, 7 mirror images."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _turned_avif(image: np.ndarray, content: bytes) -> np.ndarray:
    """By the properties "irot" (quarter turns against the clock) and "imir" (0: upside down, 1: left to right)."""
    head = content[: content.find(b"mdat") if b"mdat" in content else None]
    if (place := head.find(b"irot")) > 0 and place + 4 < len(head):
        image = np.rot90(image, head[place + 4] & 3)
    if (place := head.find(b"imir")) > 0 and place + 4 < len(head):
        image = image[:, ::-1] if head[place + 4] & 1 else image[::-1]
    return np.ascontiguousarray(image)


def _webp_orientation(content: bytes) -> int:
    place = 12
    while place + 8 <= len(content):
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if name == b"EXIF":
            return _exif_orientation(content[place + 8 : place + 8 + size].removeprefix(b"Exif\0\0"))
        place += 8 + size + size % 2
    return 1


def _exif_orientation(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1


def _numbers(version: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])
