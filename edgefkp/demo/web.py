"""The web display: a page with the live overlay, its numbers, and buttons, for boards without a screen."""

from __future__ import annotations

import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench.monitor import temperature
from edgefkp.demo.answers import KINDS, Answer, as_json, file, refusal
from edgefkp.demo.browser import browser_pages
from edgefkp.demo.displays import KEYS, Display
from edgefkp.demo.drawing import render
from edgefkp.demo.handler import UPLOAD_BYTES
from edgefkp.demo.pages import legend, page_files
from edgefkp.demo.server import Server
from edgefkp.demo.session import MOST_FACES, Pipeline, is_change
from edgefkp.demo.uploads import Uploads
from edgefkp.demo.view import View
from edgefkp.detect.finders import DEFAULT

JPEG_QUALITY = 80
LOG_SECONDS = 4.0  # how long the page shows what a button did
WAIT = 1.0  # seconds without a frame after which a viewer gets a sign of life
# Live streams of one browser. Browsers open six connections to a server, whatever the number of their tabs, and
# buttons and numbers need some, too.
STREAMS = 4
FILES = 50  # snapshots and recordings on offer, the newest ones
BOUNDARY = "frame"  # between the images of /stream.mjpg
_COUNTING = threading.Lock()
HEAD = struct.Struct(">II")  # before each image of /live/: its bytes and its number; 0 bytes: no new one


class WebDisplay(Display):
    """Keeps the newest view; each viewer takes it when ready for the next one, and the pipeline never waits.

    An image is drawn and encoded by the first viewer who wants it, once for all of them, in that viewer's thread.
    """

    paced = True

    def __init__(
        self,
        pipeline: Pipeline,
        host: str = "127.0.0.1",
        port: int = 8000,
        tls: tuple[Path, Path] | None = None,
        litert: Path | None = None,
        finder: str = DEFAULT,
    ) -> None:
        """pipeline: whose models are on offer, and which predicts uploaded files. litert, finder: see browser_pages.
        The other arguments: see Server."""
        self._choices = [path.stem for path in pipeline.choices]
        self._newest: View | None = None
        self.shown = 0  # views so far
        self._message = ""
        self._logged = ("", 0.0)
        self._arrived = threading.Condition()
        self._encoding = threading.Lock()
        self._encoded: tuple[int, bytes] = (-1, b"")
        self._commands: list[str] = []
        self._files: deque[Path] = deque(maxlen=FILES)
        self._streams: Counter[str] = Counter()  # of each browser
        self._uploads = Uploads(pipeline.work)
        gets = {
            **page_files("page.html", "live.js", "history.js", "page.js"),
            "/live/": self._live,
            "/stream.mjpg": lambda rest: Answer(self._mjpeg(), f"multipart/x-mixed-replace; boundary={BOUNDARY}"),
            "/frame.jpg": self._frame,
            "/numbers": lambda rest: as_json(self._status()),
            "/page.json": lambda rest: as_json(self._page()),
            "/files/": self._file,
            "/uploaded/": self._uploads.result,
            **browser_pages(pipeline.choices, litert, finder=finder),
        }
        try:
            self.server = Server(gets, self._post, host, port, tls, {"/upload/": self._uploads.take})
        except BaseException:
            self._uploads.close()
            raise

    def show(self, view: View) -> None:
        with self._arrived:
            self._newest, self._message = view, ""
            self.shown += 1
            self._arrived.notify_all()

    def idle(self, message: str) -> None:
        self._message = message

    def log(self, message: str) -> None:
        self._logged = message, time.monotonic()

    def wrote(self, path: Path) -> None:
        if path.is_file():
            self._files.append(path)

    def commands(self) -> list[str]:
        commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        self.server.close()
        self._uploads.close()

    def _post(self, path: str) -> bool:
        command = path.removeprefix("/do/")
        known = command in set(KEYS.values()) - {"quit"} or is_change(command)
        if known or command in {f"model:{name}" for name in self._choices}:
            self._commands.append(command)
            return True
        return False

    def _page(self) -> dict[str, Any]:
        """What the page needs once."""
        keys = {command: key for key, command in KEYS.items() if command != "quit"}
        return {"keys": keys, "legend": legend(), "most_faces": MOST_FACES, "upload_bytes": UPLOAD_BYTES}

    def _status(self) -> dict[str, Any]:
        view = self._newest
        status = view.to_json() if view else {}
        logged, when = self._logged
        recent = logged if time.monotonic() - when < LOG_SECONDS else ""
        waiting = self._message or ("" if view else "no frame yet")
        files = [path.name for path in self._files]
        own = {"choices": self._choices, "message": waiting, "told": recent, "files": files}
        return {**status, **own, "temperature": temperature()}

    def _file(self, rest: str) -> Answer | None:
        """One of the files that this demo wrote, and no other of the folder."""
        found = next((path for path in self._files if path.name == rest), None)
        return file(found, download=True) if found else None

    def _frame(self, rest: str) -> Answer | None:
        if self._newest is None:
            return None
        return Answer(self._jpeg()[1], KINDS[".jpg"])

    def _live(self, browser: str) -> Answer | None:
        if not (browser.isascii() and browser.isalnum() and len(browser) <= 40):
            return None
        if self._streams[browser] >= STREAMS:
            message = f"this browser shows {STREAMS} live pages already"
            return refusal(HTTPStatus.TOO_MANY_REQUESTS, message)
        return Answer(_Counted(self._records(), self._streams, browser))

    def _records(self) -> Iterator[bytes]:
        for number, jpeg in self._frames():
            yield HEAD.pack(len(jpeg), number) + jpeg

    def _mjpeg(self) -> Iterator[bytes]:
        """For <img>, players and other programs."""
        for _, jpeg in self._frames():
            if jpeg:
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                yield head.encode() + jpeg + b"\r\n"

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """(number, JPEG) of the newest image, again and again; without bytes when none has come for a while."""
        seen = 0
        while not self.server.closing.is_set():
            with self._arrived:
                self._arrived.wait_for(lambda: self.shown != seen, WAIT)  # noqa: B023
                is_new = self.shown != seen
            if is_new:
                seen, jpeg = self._jpeg()
                yield seen, jpeg
            else:
                yield seen, b""

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


class _Counted:
    """A stream that counts among those of its browser until it is closed."""

    def __init__(self, parts: Iterator[bytes], streams: Counter[str], browser: str) -> None:
        self._parts, self._streams, self._browser = parts, streams, browser
        with _COUNTING:
            streams[browser] += 1

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        with _COUNTING:
            self._streams[self._browser] -= 1
            if not self._streams[self._browser]:
                del self._streams[self._browser]
