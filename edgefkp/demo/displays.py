"""Displays of views: a window, a video file, none. (A web page: edgefkp.demo.web.)"""

import os
import sys
from pathlib import Path

from edgefkp.demo.drawing import render
from edgefkp.demo.view import View
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.errors import EnvironmentProblem

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
_ESCAPE = 27


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

        image = render(view)
        if image.shape != self._shape:
            cv2.resizeWindow(TITLE, image.shape[1], image.shape[0])
            self._shape = image.shape
        cv2.imshow(TITLE, image)
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


class Recorder(VideoRecorder, Display):
    """A video of what was shown."""

    def show(self, view: View) -> None:
        self.write(render(view))
