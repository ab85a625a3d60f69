"""Images and videos on disk: find them, read them, write them."""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.data.images import MOST_PIXELS
from edgefkp.data.phone_images import HEIC_SUFFIXES
from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, write_bytes
from edgefkp.runtime.scratch import scratch_folder

_DECODED = (".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff")
IMAGE_SUFFIXES = {*_DECODED, ".webp", *HEIC_SUFFIXES}
VIDEO_SUFFIXES = {
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"),
    *(".ts", ".webm", ".wmv", ".y4m"),
}
UNKNOWN_FPS = 25.0  # for a video without a frame rate
MOST_GIF = 1 << 24  # bytes in which the second frame of an animation is looked for
# Frames that a whole video may lack at its end: the counts in its header are rounded.
MISSING, MISSING_SHARE = 2, 0.01
_CONVERT = "convert it: ffmpeg -i FILE FILE.mp4"

# OpenCV reads this when it opens its first video: no words of FFmpeg's.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


class Frame(NamedTuple):
    image: np.ndarray  # (H, W, 3) BGR uint8
    seconds: float  # when it was taken, on a clock that goes forward
    is_cut: bool = False  # it does not follow the frame before: another image, the start of a video


def is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_video(path)


def is_video(path: Path) -> bool:
    """By its suffix; a .gif by the number of its frames."""
    suffix = path.suffix.lower()
    return suffix in VIDEO_SUFFIXES or (suffix == ".gif" and _is_animated(path))


def _is_animated(path: Path) -> bool:
    """A control block stands before each frame of an animation."""
    try:
        with open(path, "rb") as stream:
            return os.path.isfile(path) and stream.read(MOST_GIF).count(b"\x21\xf9\x04") > 1
    except (OSError, ValueError):
        return False


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a (H, W, 3) BGR image. Raises EdgefkpError for a folder that cannot be written or a full disk."""
    import cv2

    # Not cv2.imwrite: it is silent about a full disk, and ends the process for a name that is not UTF-8.
    encoded, content = cv2.imencode(path.suffix, image)
    if not encoded:
        raise EdgefkpError(f"{path} cannot be written as an image", "name it *.png")
    write_bytes(path, content.tobytes())


class Video:
    """A video file. Frames carry the file's own times, so that a slow reader sees the same motion.

    loop: begin again at the end. Raises EdgefkpError for a file that cannot be read.
    """

    live = False

    def __init__(self, path: Path, loop: bool = False) -> None:
        import cv2

        self.name, self._path, self._loop = path.name, path, loop
        self._capture = open_video(path)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1 <= fps <= 1000 else UNKNOWN_FPS

    def frames(self) -> Iterator[Frame | None]:
        """Raises EdgefkpError at the end of a video that was cut off, unless it is looped."""
        clock, passed = Clock(self.fps), 0.0
        for number in itertools.count():
            read, image = self._capture.read()
            is_cut = number == 0
            if not read and self._loop and number:
                self._capture.release()
                self._capture = open_video(self._path)
                passed += clock.seconds + 1 / self.fps
                clock = Clock(self.fps)
                read, image = self._capture.read()
                is_cut = True
            if not read and number == 0:
                raise EdgefkpError(f"{self._path} has no frame that can be read", _CONVERT)
            if not read:
                self._require_whole(number, clock.seconds)
                return
            yield Frame(image, passed + clock.time_of(self._capture), is_cut)

    def _require_whole(self, frames: int, seconds: float) -> None:
        import cv2

        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        allowed = max(MISSING, MISSING_SHARE * expected)
        # Some containers state their duration alone, from which OpenCV counts frames; with a varying rate only the
        # time of the last one is right.
        fps = max(self._capture.get(cv2.CAP_PROP_FPS), 1e-3)
        if frames < expected - allowed and seconds < (expected - allowed) / fps:
            raise EdgefkpError(f"{self._path} was cut off: it ends after {frames} of {expected:.0f} frames", _AGAIN)
        torn = _TORN.get(self._path.suffix.lower())
        if torn and torn(self._path):
            raise EdgefkpError(f"{self._path} was cut off: it ends in the middle of a frame, after {frames}", _AGAIN)

    def close(self) -> None:
        self._capture.release()


class Clock:
    """The times of a video's frames, in seconds from the first one."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._first: float | None = None
        self.seconds = 0.0  # of the last frame

    def time_of(self, capture: Any) -> float:
        """Of the frame that was read last. A file without times has its frame rate."""
        import cv2

        stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._first is None:
            self._first = stated
        elif stated - self._first > self.seconds:
            self.seconds = stated - self._first
        else:
            self.seconds += 1 / self._fps
        return self.seconds


_AGAIN = "copy it again; to take what is there as a whole: ffmpeg -i FILE FILE.mp4"
# Bytes of a frame for each pixel, by the start of the color space's name.
_Y4M = {"420": (3, 2), "422": (2, 1), "444": (3, 1), "mono": (1, 1)}


def _is_torn_y4m(path: Path) -> bool:
    """The last frame is not whole: this format has no header that counts the frames."""
    with open(path, "rb") as stream:
        header = stream.readline(1000)
        fields = {word[:1]: word[1:].decode("ascii", "replace") for word in header.split()[1:]}
        try:
            width, height, colors = int(fields[b"W"]), int(fields[b"H"]), fields.get(b"C", "420")
            parts, of = next(share for name, share in _Y4M.items() if colors.startswith(name))
        except (KeyError, ValueError, StopIteration):
            return False
        if width % 2 or height % 2 or re.search(r"p\d\d|alpha|mono\d", colors):
            return False
        frame = len(b"FRAME\n") + width * height * parts // of
        whole, rest = divmod(path.stat().st_size - len(header), frame)
        stream.seek(len(header) + max(whole - 1, 0) * frame)
        return bool(rest) and stream.read(6) == b"FRAME\n"


def _is_torn_mjpeg(path: Path) -> bool:
    """The last image has no end: this format is nothing but images."""
    with open(path, "rb") as stream:
        stream.seek(max(0, path.stat().st_size - 100))
        return not stream.read().rstrip(b"\0\r\n").endswith(b"\xff\xd9")


# Formats whose header counts no frames. A cut between two frames cannot be seen in them.
_TORN = {".y4m": _is_torn_y4m, ".mjpeg": _is_torn_mjpeg}


def open_video(path: Path) -> Any:
    """An open cv2.VideoCapture. Raises EdgefkpError for a file that cannot be read, or has too many pixels."""
    import cv2

    with captured_fds(), plain_name(path) as name:
        capture = cv2.VideoCapture(name)
    if not capture.isOpened():
        raise EdgefkpError(f"{path} cannot be read as a video or an image", _CONVERT)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # as the phone was held: OpenCV 4.11 leaves it out by itself
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > MOST_PIXELS:
        capture.release()
        raise EdgefkpError(f"{path} has frames of {width:.0f}x{height:.0f} pixels", _CONVERT)
    return capture


@contextlib.contextmanager
def plain_name(path: Path) -> Iterator[str]:
    """A name of that file for the block: OpenCV ends the process for one that is not UTF-8."""
    name = str(path.absolute())  # absolute: FFmpeg takes "a:b" for a protocol
    try:
        name.encode()
    except UnicodeEncodeError:
        with scratch_folder() as folder:
            link = (folder / "video").with_suffix(path.suffix if path.suffix.isascii() else "")
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield name
