"""The one reader of image files."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import numpy as np

from edgefkp.data.depth import to_8_bits
from edgefkp.data.phone_images import decode_heic, kind_of, upright
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
    """As `read_image` gives it: upright, 8 bits. Raises EdgefkpError for what is not a whole image of MOST_PIXELS."""
    import cv2

    kind = kind_of(content)
    if kind == "heic":
        return _as_colors(_decoded_heic(content), colors)
    image = None
    with captured_fds() as chatter:  # OpenCV prints its own warnings
        try:
            if content:
                image = _decoded(np.frombuffer(content, np.uint8), colors)
        except (cv2.error, MemoryError, SystemError) as error:
            if "MAX_IMAGE_PIXELS" in str(error):
                raise EdgefkpError(f"it has more than {MOST_PIXELS >> 20} million pixels") from error
        # The rest of an image that was cut off is gray, and only these words reveal it; OpenCV 4.8 says none.
        chatter.seek(0)
        broken = bool(re.search(rb"(?i)premature end|read error", chatter.read())) or _is_cut_jpeg(content)
    if image is None and not broken and content[:4] == b"GIF8":
        image = _first_frame(content)
    if image is None or broken:
        newer = "; OpenCV reads AVIF from 4.12 on: pip install -U opencv-python" if kind == "avif" else ""
        raise EdgefkpError(f"not {_KIND}{newer}")
    return upright(_as_colors(image, colors), content, cv2.__version__)


def _is_cut_jpeg(content: bytes) -> bool:
    """No marker of an end stands after the last one that begins pixels."""
    return content.startswith(b"\xff\xd8") and b"\xff\xd9" not in content[max(content.rfind(b"\xff\xda"), 0) :]


def _decoded(data: np.ndarray, colors: str) -> np.ndarray | None:
    """An image of any depth by OpenCV, as uint8; it may have more channels than were asked for."""
    import cv2

    mode = cv2.IMREAD_GRAYSCALE if COLORS[colors] == 1 else cv2.IMREAD_COLOR
    image = cv2.imdecode(data, mode | cv2.IMREAD_ANYDEPTH)
    if image is None and data[:2].tobytes() in (b"II", b"MM"):  # fractions are decoded in their own colors only
        image = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    return cv2.imdecode(data, mode) if image is not None and (image := to_8_bits(image)) is None else image


def _as_colors(image: np.ndarray, colors: str) -> np.ndarray:
    import cv2

    if COLORS[colors] == 1:
        return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def _decoded_heic(content: bytes) -> np.ndarray:
    try:
        image = decode_heic(content, MOST_PIXELS)
    except EdgefkpError:
        raise
    except Exception as error:  # libheif's own
        raise EdgefkpError(f"not {_KIND}: {error}") from error
    if image is None:
        raise EdgefkpError(f"it has more than {MOST_PIXELS >> 20} million pixels")
    return image


def _first_frame(content: bytes) -> np.ndarray | None:
    """Of a GIF, which FFmpeg reads in every OpenCV, and `imdecode` from 4.12 on."""
    import cv2

    with tempfile.NamedTemporaryFile(suffix=".gif") as file, captured_fds():
        file.write(content)
        file.flush()
        capture = cv2.VideoCapture(file.name)
        if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MOST_PIXELS:
            return None
        read, image = capture.read()
        capture.release()
    return image if read else None
