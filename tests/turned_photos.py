"""JPEG files with an EXIF orientation, as phones write them."""

import struct

import cv2
import numpy as np


def exif(orientation: int, order: str = "<") -> bytes:
    begin = {"<": b"II", ">": b"MM"}[order]
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return begin + struct.pack(f"{order}HIH", 42, 8, 1) + entry + bytes(4)


def turned_jpeg(image: np.ndarray, orientation: int, order: str = "<") -> bytes:
    """`image` as it is stored, to be shown turned."""
    content = cv2.imencode(".jpg", image)[1].tobytes()
    block = b"Exif\0\0" + exif(orientation, order)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:]
