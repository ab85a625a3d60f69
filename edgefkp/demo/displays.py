"""Where views go: a window, a file, nowhere. (A web page: edgefkp.demo.web.)"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.demo.session import View, picture_of
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.files import replacing

# Key -> command, the same as the buttons of the page.
KEYS = {
    "m": "model",
    "c": "compare",
    "s": "smoothing",
    "n": "names",
    "p": "snapshot",
    "r": "record",
    "q": "quit",
}
TITLE = "edgefkp"
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "FFV1", ".webm": "VP80"}
_ESCAPE = 27


class Display:
    """Shows nothing; what the others build on.

    paced: frames of a file are shown at its own speed, for people; otherwise as fast as they can be worked on.
    """

    paced = False

    def show(self, view: View) -> None:
        """One view."""

    def idle(self, message: str) -> None:
        """Nothing came from the source."""

    def tell(self, message: str) -> None:
        """What a command did. It stands on the terminal, too."""

    def commands(self) -> list[str]:
        """What was asked for since the last call."""
        return []

    def close(self) -> None: ...


class Window(Display):
    """An OpenCV window; keys as in KEYS, Escape or closing it ends the demo."""

    paced = True

    def __init__(self) -> None:
        import cv2

        # Without a display Qt would abort the whole process.
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise EnvironmentProblem("there is no screen to open a window on", "show a page instead: --display web")
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise EnvironmentProblem(
                "this OpenCV cannot open windows (opencv-python-headless?)",
                "pip install opencv-python, or show a page instead: --display web",
            ) from error
        self._shape: tuple[int, ...] = ()
        self._commands: list[str] = []

    def show(self, view: View) -> None:
        import cv2

        picture = picture_of(view)
        if picture.shape != self._shape:
            cv2.resizeWindow(TITLE, picture.shape[1], picture.shape[0])
            self._shape = picture.shape
        cv2.imshow(TITLE, picture)
        self._listen()

    def idle(self, message: str) -> None:
        self._listen()

    def _listen(self) -> None:
        import cv2

        key = cv2.waitKey(1) & 0xFF
        closed = bool(self._shape) and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
        if key == _ESCAPE or closed:
            self._commands.append("quit")
        elif command := KEYS.get(chr(key)):
            self._commands.append(command)

    def commands(self) -> list[str]:
        commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        import cv2

        cv2.destroyAllWindows()


class Recorder(Display):
    """A video of what was shown, whole or not there at all."""

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

    def show(self, view: View) -> None:
        self.write(picture_of(view))

    def write(self, picture: np.ndarray) -> None:
        import cv2

        if self._video is None:
            self._size = (picture.shape[1], picture.shape[0])
            codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
            self._video = cv2.VideoWriter(str(self._temporary), codec, self._fps, self._size)
            if not self._video.isOpened():
                raise EdgefkpError(f"{self.path} cannot be written as a video", "choose another folder or suffix: .avi")
        if (picture.shape[1], picture.shape[0]) != self._size:
            # Two models side by side are twice as wide; a video has one size.
            picture = fitted(picture, self._size)
        self._video.write(picture)

    def close(self) -> None:
        if self._video is None:
            self.abandon()
            return
        self._video.release()
        self._replacing.__exit__(None, None, None)

    def abandon(self) -> None:
        """Leave no file."""
        self._temporary.unlink(missing_ok=True)


def fitted(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole picture inside (width, height), black around it."""
    import cv2

    scale = min(size[0] / picture.shape[1], size[1] / picture.shape[0])
    small = cv2.resize(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
