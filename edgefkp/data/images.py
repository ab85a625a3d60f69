"""The one reader of image files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, read_bytes
from edgefkp.layout import COLORS

MOST_PIXELS = 1 << 28  # of an image: 16,384 x 16,384; a damaged header can promise any number
MOST_BYTES = 1 << 30  # of an image's file
# OpenCV reads its limit when it is imported, which the package does inside functions only.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
_KIND = "an image that can be read"


def read_image(path: Path | str, colors: str = "rgb") -> np.ndarray | None:
    """(H, W, 3) BGR uint8, or (H, W) for colors "gray"; None for what is not a whole, readable image.

    colors: one of layout.COLORS.
    """
    try:
        return decoded(image_bytes(path), colors)
    except EdgefkpError:
        return None


def image_bytes(path: Path | str) -> bytes:
    """Raises EdgefkpError for a file that cannot be read or is too large for an image."""
    return read_bytes(path, _KIND, "", MOST_BYTES)


def decoded(content: bytes, colors: str = "rgb") -> np.ndarray:
    """As `read_image` gives it. Raises EdgefkpError for what is not a whole image of at most MOST_PIXELS."""
    import cv2

    image = None
    with captured_fds() as chatter:  # OpenCV prints its own warnings
        try:
            if content:
                mode = cv2.IMREAD_GRAYSCALE if COLORS[colors] == 1 else cv2.IMREAD_COLOR
                image = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
        except (cv2.error, MemoryError, SystemError) as error:
            if "MAX_IMAGE_PIXELS" in str(error):
                raise EdgefkpError(f"it has more than {MOST_PIXELS >> 20} million pixels") from error
        # The rest of an image that was cut off is gray, and only these words reveal it.
        chatter.seek(0)
        if image is None or re.search(rb"(?i)premature end|read error", chatter.read()):
            raise EdgefkpError(f"not {_KIND}")
    return image
