"""Displays of views: a window, a video file, none. (A web page: edgefkp.demo.web.)"""

from pathlib import Path

import numpy as np

from edgefkp.demo.drawing import render
from edgefkp.demo.screen import WEB, screen_size
from edgefkp.demo.view import View
from edgefkp.errors import EnvironmentProblem

# Key -> command, the same as the buttons of the page.
KEYS = {
    "m": "model",
    "c": "compare",
    "f": "mirror",
    "s": "smoothing",
    "n": "names",
    "p": "snapshot",
    "r": "record",
    "q": "quit",
}
TITLE = "edgefkp"
SHARE = 0.9  # of the screen that a window may take; bars and frames have the rest
SETTLING = 10  # frames in which a window manager gives a window its size
_ESCAPE = 27


def within(shape: tuple[int, ...], screen: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height of a window for an image of that shape: its own, or less so that it fits the screen."""
    height, width = shape[:2]
    if screen is None:
        return width, height
    scale = min(1.0, SHARE * screen[0] / width, SHARE * screen[1] / height)
    return max(1, round(scale * width)), max(1, round(scale * height))


class Display:
    """Shows nothing; the base of the others."""

    paced = False  # show the frames of a file at its own speed, for people; else as fast as they are processed

    def show(self, view: View) -> None:
        """Show one view."""

    def idle(self, message: str) -> None:
        """Called when nothing came from the source."""

    def log(self, message: str) -> None:
        """Show what a command did; the terminal shows it, too."""

    def wrote(self, path: Path) -> None:
        """Called with a snapshot or a recording that is finished."""

    def commands(self) -> list[str]:
        """The commands given since the last call."""
        return []

    def close(self) -> None: ...


class Window(Display):
    """An OpenCV window; keys as in KEYS, Escape or closing it ends the demo."""

    paced = True

    def __init__(self) -> None:
        import cv2

        self._screen = screen_size()  # first: on a screen that cannot be used Qt would abort the whole process
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise EnvironmentProblem(
                "this OpenCV cannot open windows (opencv-python-headless?)",
                f"pip install opencv-python, or {WEB}",
            ) from error
        self._shape: tuple[int, ...] = ()  # of the image
        self._settled: list[tuple[int, int]] = []  # sizes of the window since it was given one
        self._commands: list[str] = []

    def show(self, view: View) -> None:
        import cv2

        image = render(view)
        self._fit(image)
        cv2.imshow(TITLE, image)
        self._listen()

    def _fit(self, image: np.ndarray) -> None:
        """Give the window the size of another image, within the screen; one that a person gave it stays."""
        import cv2

        if image.shape == self._shape:
            if len(self._settled) < SETTLING:
                self._settled.append(self._size())
            return
        if not self._settled or self._size() in self._settled:
            cv2.resizeWindow(TITLE, *within(image.shape, self._screen))
            self._settled = []
        self._shape = image.shape

    def _size(self) -> tuple[int, int]:
        import cv2

        _, _, width, height = cv2.getWindowImageRect(TITLE)
        return width, height

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
