"""The one reader of image files."""

import os
import re
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, read_bytes
from edgefkp.layout import COLORS

LARGEST = 1 << 28  # pixels of an image, 16,384 x 16,384; a damaged header can promise any number
# OpenCV reads its limit when it is imported, which the package does inside functions only.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST))


def read_image(path: Path | str, colors: str = "rgb") -> np.ndarray | None:
    """(H, W, 3) BGR uint8, or (H, W) for colors "gray"; None for what is not a whole image of at most LARGEST pixels.

    colors: one of layout.COLORS.
    """
    try:
        content = read_bytes(path, "an image", "")
    except EdgefkpError:
        return None
    return decoded_image(content, colors)


def decoded_image(content: bytes, colors: str = "rgb") -> np.ndarray | None:
    """The image in the bytes of a file; see `read_image`."""
    import cv2

    if not content:
        return None
    with captured_fds() as chatter:
        try:
            mode = cv2.IMREAD_GRAYSCALE if COLORS[colors] == 1 else cv2.IMREAD_COLOR
            image = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
        except (cv2.error, MemoryError, SystemError):
            return None
        # The rest of an image that was cut off is gray, and only these words reveal it.
        chatter.seek(0)
        return None if re.search(rb"(?i)premature end|read error", chatter.read()) else image
