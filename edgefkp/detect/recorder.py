"""Videos that are written: whole under their name, or not there."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.detect.media import open_video, plain_name
from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, replacing

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "FFV1", ".webm": "VP80"}  # of the videos that can be written
# Frames at the end that are read back. What FFmpeg could not write, it leaves out with all that follows.
CHECKED = 250


class _Abandoned(Exception):
    """Ends the block that would put the file under its name."""


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
        self._block = contextlib.ExitStack()
        self._temporary = self._block.enter_context(replacing(path))
        self._video: Any = None
        self._size = (0, 0)
        self._frames = 0

    def write(self, image: np.ndarray) -> None:
        """Append a (H, W, 3) BGR image. The first one sets the video's size; later ones are fitted into it."""
        import cv2

        if self._video is None:
            self._size = (image.shape[1], image.shape[0])
            codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
            with captured_fds(), plain_name(self._temporary) as name:
                self._video = cv2.VideoWriter(name, codec, self._fps, self._size)
            if not self._video.isOpened():
                raise EdgefkpError(f"{self.path} cannot be written as a video", "choose another folder or suffix: .avi")
        if (image.shape[1], image.shape[0]) != self._size:
            image = fitted(image, self._size)
        self._video.write(image)
        self._frames += 1

    def close(self) -> None:
        """Finish the file; without a frame, no file is written.

        Raises EdgefkpError if it cannot be read back, as from a full disk; a file of that name is then as it was.
        """
        if not self._frames:
            self.abandon()
            return
        with self._block:
            self._video.release()
            self._read_back()

    def abandon(self) -> None:
        """Leave no file."""
        if self._video is not None:
            self._video.release()
        self._frames = 0
        with contextlib.suppress(_Abandoned), self._block:
            raise _Abandoned

    def _read_back(self) -> None:
        """OpenCV does not report what it could not write."""
        import cv2

        first = max(0, self._frames - CHECKED)
        found = 0
        with contextlib.suppress(EdgefkpError), captured_fds():
            capture = open_video(self._temporary)
            if first:
                capture.set(cv2.CAP_PROP_POS_FRAMES, first)
            while found < self._frames - first and capture.grab():
                found += 1
            capture.release()
        # A container that states its duration alone may begin a frame beside the one that was asked for.
        if found < self._frames - first - (1 if first else 0):
            raise EdgefkpError(
                f"{self.path} could not be written: {first + found if found else 0} of {self._frames} frames arrived",
                "choose a folder on a disk with space left",
            )


def fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole image inside (width, height), black around it."""
    import cv2

    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    small = cv2.resize(image, (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
