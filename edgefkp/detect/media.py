"""Images and videos on disk: find them, read them, write videos."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, replacing

IMAGE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
VIDEO_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".y4m", ".mjpeg"}
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "FFV1", ".webm": "VP80"}  # of the videos that can be written
UNKNOWN_FPS = 25.0  # for a video without a frame rate


class Frame(NamedTuple):
    image: np.ndarray  # (H, W, 3) BGR uint8
    seconds: float  # when it was taken, on a clock that goes forward
    is_cut: bool = False  # it does not follow the frame before: another image, the start of a video


def is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def images_in(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders, by name."""
    return [path for path in media_in(folder) if is_image(path)]


def media_in(folder: Path) -> list[Path]:
    """The images and videos of a folder and its subfolders, by name; hidden and unfinished files are left out."""
    files = sorted(path for path in folder.rglob("*") if (is_image(path) or is_video(path)) and path.is_file())
    return [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def read_image(path: Path) -> np.ndarray | None:
    """(H, W, 3) BGR uint8; None for a file that is not a whole, readable image."""
    import cv2

    try:
        content = np.fromfile(path, np.uint8)  # not cv2.imread: it prints its own warnings
    except OSError:
        return None
    if not content.size:
        return None
    with captured_fds() as chatter:
        try:
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        except cv2.error:
            return None
        # The rest of an image that was cut off is gray, and only these words reveal it.
        chatter.seek(0)
        return None if re.search(rb"(?i)premature end|read error", chatter.read()) else image


class Video:
    """A video file. Frames carry the file's own times, so that a slow reader sees the same motion.

    Raises EdgefkpError for a file that cannot be read.
    """

    live = False

    def __init__(self, path: Path, loop: bool = False) -> None:
        import cv2

        self.name, self._path, self._loop = path.name, path, loop
        self._capture = _open_video(path)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1 <= fps <= 1000 else UNKNOWN_FPS

    def frames(self) -> Iterator[Frame | None]:
        for number in itertools.count():
            read, image = self._capture.read()
            is_cut = number == 0
            if not read and self._loop and number:
                self._capture.release()
                self._capture = _open_video(self._path)
                read, image = self._capture.read()
                is_cut = True
            if not read and number == 0:
                raise EdgefkpError(f"{self._path} has no frame that can be read", "convert it: ffmpeg -i FILE FILE.mp4")
            if not read:
                return
            yield Frame(image, number / self.fps, is_cut)

    def close(self) -> None:
        self._capture.release()


def _open_video(path: Path) -> Any:
    import cv2

    with captured_fds():
        capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise EdgefkpError(f"{path} cannot be read as a video or an image", "convert it: ffmpeg -i FILE FILE.mp4")
    return capture


class VideoRecorder:
    """Writes images as a video. The file appears under its name when it is closed, never in part.

    Raises EdgefkpError for a suffix that no codec is known for, and for a folder that cannot be written.
    """

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix.lower() not in CODECS:
            raise EdgefkpError(
                f"{path.name} has no suffix of a video that can be written",
                f"name it {', '.join('*' + s for s in CODECS)}",
            )
        self.path, self._fps = path, fps
        self._replacing = replacing(path)
        self._temporary = self._replacing.__enter__()
        self._video: Any = None
        self._size = (0, 0)

    def write(self, image: np.ndarray) -> None:
        """Append a (H, W, 3) BGR image. The first one sets the video's size; later ones are fitted into it."""
        import cv2

        if self._video is None:
            self._size = (image.shape[1], image.shape[0])
            codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
            self._video = cv2.VideoWriter(str(self._temporary), codec, self._fps, self._size)
            if not self._video.isOpened():
                raise EdgefkpError(f"{self.path} cannot be written as a video", "choose another folder or suffix: .avi")
        if (image.shape[1], image.shape[0]) != self._size:
            image = fitted(image, self._size)
        self._video.write(image)

    def close(self) -> None:
        """Finish the file; without a frame, no file is written."""
        if self._video is None:
            self.abandon()
            return
        self._video.release()
        self._replacing.__exit__(None, None, None)

    def abandon(self) -> None:
        """Leave no file."""
        self._temporary.unlink(missing_ok=True)


def fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole image inside (width, height), black around it."""
    import cv2

    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    small = cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
