"""Videos that are written: whole under their name, or not there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgefkp.detect.constant_rate import KNOWN, ConstantRate, rate_of
from edgefkp.detect.encoders import CODECS, Encoder, OpenCvVideo, encoder
from edgefkp.detect.media import UNKNOWN_FPS, open_video
from edgefkp.detect.sound import add_sound
from edgefkp.errors import EdgefkpError
from edgefkp.files import captured_fds, replacing

__all__ = ["CODECS", "OpenCvVideo", "VideoRecorder", "fitted"]

# Frames at the end that are read back. What FFmpeg could not write, it leaves out with all that follows.
CHECKED = 250


class _Abandoned(Exception):
    """Ends the block that would put the file under its name."""


class VideoRecorder:
    """Writes images as a video. The file appears under its name when it is closed, never in part.

    fps: as a source states it; 0 where the times of the images alone tell it. sound: a video whose sound is kept, where
    ffmpeg is installed. Raises EdgefkpError for a suffix that no codec is known for, and for a folder that cannot be
    written.
    """

    def __init__(self, path: Path, fps: float, sound: Path | None = None) -> None:
        if path.suffix.lower() not in CODECS:
            raise EdgefkpError(
                f"{path.name} has no suffix of a video that can be written",
                f"name it {', '.join('*' + s for s in CODECS)}",
            )
        self.path, self._fps, self._sound = path, fps, sound
        self.has_sound = False  # once it is closed
        self._block = contextlib.ExitStack()
        self._temporary = self._block.enter_context(replacing(path))
        self._video: Encoder | None = None
        self._size = (0, 0)
        self._frames = 0
        self._first: list[tuple[np.ndarray, float]] = []  # images whose times tell the rate
        self._rate: ConstantRate | None = None
        self._last: np.ndarray | None = None

    def write(self, image: np.ndarray, seconds: float | None = None) -> None:
        """Append a (H, W, 3) BGR image. The first one sets the video's size; later ones are fitted into it.

        seconds: when it was taken; images are then repeated or left out so that the video plays as fast as it was.
        Raises EdgefkpError, and leaves no file, where it cannot be written.
        """
        with self._or_nothing():
            if seconds is None:
                self._append(image)
            elif self._rate is None:
                self._first.append((image, seconds))
                if len(self._first) == KNOWN:
                    self._begin()
            else:
                self._append_at(image, seconds)

    def close(self) -> None:
        """Finish the file; without a frame, no file is written.

        Raises EdgefkpError if it cannot be read back, as from a full disk; a file of that name is then as it was.
        """
        with self._or_nothing():
            if self._first:
                self._begin()
            if self._rate and self._last is not None:
                for _ in range(self._rate.rest()):
                    self._append(self._last)
        if self._video is None:
            self.abandon()
            return
        try:
            self._video.close()
            self._read_back()
            self._keep_sound()
        except BaseException:
            self._end(whole=False)
            raise
        self._end(whole=not self.has_sound)  # else the one with sound has its name already

    def abandon(self) -> None:
        """Leave no file."""
        if self._video is not None:
            self._video.abandon()
        self._video, self._first, self._frames = None, [], 0
        self._end(whole=False)

    def _end(self, whole: bool) -> None:
        """Put the file under its name, or leave none. Raises EdgefkpError."""
        if whole:
            self._block.close()
        else:  # not raised: it would be taken for the error that is being handled
            self._block.__exit__(_Abandoned, _Abandoned(), None)

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except EdgefkpError as error:
            self.abandon()
            raise EdgefkpError(f"{self.path} could not be written: {error.message}", error.hint) from error

    def _begin(self) -> None:
        """Now that some times are known."""
        first, self._first = self._first, []
        self._fps = rate_of([seconds for _, seconds in first], self._fps)
        self._rate = ConstantRate(self._fps, first[0][1])
        for image, seconds in first:
            self._append_at(image, seconds)

    def _append_at(self, image: np.ndarray, seconds: float) -> None:
        assert self._rate is not None
        before, now = self._rate.repeats(seconds)
        if self._last is not None:
            for _ in range(before):
                self._append(self._last)
        if now:
            self._append(image)
            self._last = image

    def _append(self, image: np.ndarray) -> None:
        if self._video is None:
            self._size = (image.shape[1], image.shape[0])
            self._video = encoder(self._temporary, self._fps or UNKNOWN_FPS, self._size)
        if (image.shape[1], image.shape[0]) != self._size:
            image = fitted(image, self._size)
        self._video.write(image)
        self._frames += 1

    def _keep_sound(self) -> None:
        """Write the file with the sound under its name, if there is one to keep."""
        if self._sound is None:
            return
        with contextlib.suppress(_Abandoned), replacing(self.path) as whole:
            self.has_sound = add_sound(self._temporary, self._sound, whole)
            if not self.has_sound:
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
