"""The web display: a page with the live overlay, its numbers, and buttons, for boards without a screen."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.demo.browser import browser_pages
from edgefkp.demo.displays import KEYS, Display
from edgefkp.demo.server import Answer, Server, as_json, text
from edgefkp.demo.view import View, render

JPEG_QUALITY = 80
LOG_SECONDS = 4.0  # how long the page shows what a button did
WAIT = 1.0  # seconds a viewer waits for a frame before it checks whether the demo has ended
PAGE = Path(__file__).with_name("page.html")


class WebDisplay(Display):
    """Keeps the newest view; each viewer takes it when ready for the next one, and the pipeline never waits.

    An image is drawn and encoded by the first viewer who wants it, once for all of them, in that viewer's thread.
    """

    paced = True

    def __init__(
        self,
        choices: list[Path],
        host: str = "127.0.0.1",
        port: int = 8000,
        tls: tuple[Path, Path] | None = None,
        litert: Path | None = None,
    ) -> None:
        self._choices = [path.stem for path in choices]
        self._newest: View | None = None
        self.shown = 0  # views so far
        self._message = ""
        self._logged = ("", 0.0)
        self._arrived = threading.Condition()
        self._encoding = threading.Lock()
        self._encoded: tuple[int, bytes] = (-1, b"")
        self._commands: list[str] = []
        gets = {
            "/": lambda rest: text(PAGE.read_text()),
            "/stream.mjpg": lambda rest: Answer(self._stream()),
            "/frame.jpg": self._frame,
            "/numbers": lambda rest: as_json(self._status()),
            **browser_pages(choices, litert),
        }
        self.server = Server(gets, self._post, host, port, tls)

    def show(self, view: View) -> None:
        with self._arrived:
            self._newest, self._message = view, ""
            self.shown += 1
            self._arrived.notify_all()

    def idle(self, message: str) -> None:
        self._message = message

    def log(self, message: str) -> None:
        self._logged = message, time.monotonic()

    def commands(self) -> list[str]:
        commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        self.server.close()

    def _post(self, path: str) -> bool:
        command = path.removeprefix("/do/")
        known = command in set(KEYS.values()) - {"quit"}
        if known or command in {f"model:{name}" for name in self._choices}:
            self._commands.append(command)
            return True
        return False

    def _status(self) -> dict[str, Any]:
        view = self._newest
        status = view.to_json() if view else {}
        logged, when = self._logged
        recent = logged if time.monotonic() - when < LOG_SECONDS else ""
        waiting = self._message or ("" if view else "no frame yet")
        return {**status, "choices": self._choices, "message": waiting, "told": recent}

    def _frame(self, rest: str) -> Answer | None:
        if self._newest is None:
            return None
        return Answer(self._jpeg()[1], "image/jpeg")

    def _stream(self) -> Iterator[bytes]:
        seen = 0
        while not self.server.closing.is_set():
            with self._arrived:
                self._arrived.wait_for(lambda: self.shown != seen, WAIT)  # noqa: B023
                if self.shown == seen:
                    continue
            seen, jpeg = self._jpeg()
            yield jpeg

    def _jpeg(self) -> tuple[int, bytes]:
        """(its number, the newest image as JPEG)."""
        import cv2

        with self._encoding:
            with self._arrived:
                number, view = self.shown, self._newest
            if number != self._encoded[0] and view is not None:
                # The numbers stand beside the image.
                image = np.ascontiguousarray(render(view, with_status=False))
                _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
                self._encoded = number, jpeg.tobytes()
            return self._encoded
