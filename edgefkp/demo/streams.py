"""Streams of the network: RTSP and HTTP cameras, of which the newest frame counts, and videos at an address."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from edgefkp.demo.cameras import RETRY
from edgefkp.detect.media import Clock, Frame
from edgefkp.errors import EnvironmentProblem, UsageError
from edgefkp.files import captured_fds

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtp", "udp", "tcp", "srt")
PATIENCE = 10.0  # seconds in which a stream opens, and in which a frame comes


def is_address(spec: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", spec) is not None


def shown(address: str) -> str:
    """The address without what may be secret: name, password, and what stands after a question mark."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return f"{address.partition(':')[0]}://..."
    return f"{parts.scheme}://{host}{parts.path}{'?...' if parts.query else ''}"


class Stream:
    """Raises UsageError for an address of another kind, EnvironmentProblem for one at which nothing comes."""

    def __init__(self, address: str, log: Callable[[str], None] = print) -> None:
        import cv2

        self.name = shown(address)
        if address.partition("://")[0].lower() not in SCHEMES:
            raise UsageError(
                f"{self.name} is no address of a stream", f"known: {', '.join(s + '://' for s in SCHEMES)}"
            )
        self._address, self._log = address, log
        self._capture = self._open()
        if self._capture is None:
            raise self._nothing("cannot be opened as a stream")
        # A video that lies at an address has an end, and waits for us.
        self.live = not self._capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
        self.fps = 0.0 if self.live else max(0.0, self._capture.get(cv2.CAP_PROP_FPS))
        self._reader: _Reader | None = None

    def _open(self) -> Any:
        import cv2

        limit = int(PATIENCE * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
        with captured_fds():
            capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG, limits)
        return capture if capture.isOpened() else None

    def frames(self) -> Iterator[Frame | None]:
        yield from self._newest() if self.live else self._all()

    def _all(self) -> Iterator[Frame]:
        clock, is_first = Clock(self.fps), True
        while True:
            read, image = self._capture.read()
            if not read and is_first:
                raise self._nothing("gives no frame")
            if not read:
                return
            yield Frame(image, clock.time_of(self._capture), is_first)
            is_first = False

    def _newest(self) -> Iterator[Frame | None]:
        has_given = is_lost = False
        while True:
            if self._capture is not None:
                self._reader = _Reader(self._capture)
                while found := self._reader.newest():
                    if is_lost:
                        self._log(f"{self.name} is back")
                    yield Frame(*found, is_cut=is_lost)
                    has_given, is_lost = True, False
            if not has_given:
                raise self._nothing(f"opens, but gave no frame in {PATIENCE:.0f} seconds")
            if not is_lost:
                self._log(f"{self.name} is gone: waiting for it to come back")
            is_lost = True
            self.close()
            yield None
            time.sleep(RETRY)
            self._capture = self._open()

    def _nothing(self, what: str) -> EnvironmentProblem:
        return EnvironmentProblem(
            f"{self.name} {what}", "check the address, the name and the password with ffplay or VLC"
        )

    def close(self) -> None:
        reader, capture = self._reader, self._capture
        self._reader = self._capture = None
        if (reader is None or reader.stop()) and capture is not None:
            capture.release()


class _Reader(threading.Thread):
    """Takes every frame as it comes, so that none waits in the stream's buffers, and keeps the newest."""

    def __init__(self, capture: Any) -> None:
        super().__init__(name="edgefkp-stream", daemon=True)
        self._capture = capture
        self._arrived = threading.Condition()
        self._newest: tuple[Any, float] | None = None
        self._ended = False
        self.start()

    def run(self) -> None:
        while not self._ended:
            read, image = self._capture.read()
            with self._arrived:
                if read and image is not None:
                    self._newest = image, time.monotonic()
                else:
                    self._ended = True
                self._arrived.notify()

    def newest(self) -> tuple[Any, float] | None:
        """(image, when it came); None: the stream has ended, or nothing came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None or self._ended, PATIENCE)
            found, self._newest = self._newest, None
            return found

    def stop(self) -> bool:
        """False: a read has not returned yet, so that the capture must be left as it is."""
        self._ended = True
        self.join(PATIENCE + 1)
        return not self.is_alive()
