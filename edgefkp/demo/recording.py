"""Recordings of what is shown, drawn and written by a thread of their own: the live image never waits for them."""

import queue
import threading
from pathlib import Path

from edgefkp.demo.displays import Display
from edgefkp.demo.drawing import render
from edgefkp.demo.view import View
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.errors import EdgefkpError

MOST_WAITING = 1 << 26  # bytes of the images that wait to be written
FEWEST = 2  # images that may always wait


class Recorder(Display):
    """A video of what was shown, as fast as it was taken.

    fps: as the source states it, 0 for cameras. patient: wait for the writer, and leave nothing out; otherwise frames
    that come while too many wait are left out and counted. Raises EdgefkpError for a file that cannot be written.
    """

    def __init__(self, path: Path, fps: float, patient: bool = False) -> None:
        self.path, self._patient = path, patient
        self.dropped = 0
        self._video = VideoRecorder(path, fps)
        self._waiting: queue.Queue[View | None] = queue.Queue()
        self._room = threading.Condition()
        self._bytes = 0  # that wait
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="edgefkp-recorder", daemon=True)
        self._thread.start()

    def show(self, view: View) -> None:
        """Raises EdgefkpError where the video cannot be written; there is no file then."""
        self._raise()
        size = view.frame.image.nbytes
        with self._room:
            while not self._has_room(size) and self._error is None:
                if not self._patient:
                    self.dropped += 1
                    return
                self._room.wait(1)
            self._bytes += size
        self._waiting.put(view)

    def finish(self) -> None:
        """Nothing more will be shown: the thread writes what waits, and reads the file back."""
        self._waiting.put(None)

    @property
    def is_finished(self) -> bool:
        return not self._thread.is_alive()

    def close(self) -> None:
        """Wait until the file is finished. Raises EdgefkpError where that fails; there is no file then."""
        self.finish()
        self._thread.join()
        self._raise()

    def _has_room(self, size: int) -> bool:
        return self._bytes + size <= max(MOST_WAITING, FEWEST * size)

    def _work(self) -> None:
        try:
            while (view := self._waiting.get()) is not None:
                self._video.write(render(view), view.frame.seconds)
                with self._room:
                    self._bytes -= view.frame.image.nbytes
                    self._room.notify()
            self._video.close()
        except BaseException as error:
            self._error = error
            self._video.abandon()
            with self._room:
                self._room.notify()

    def _raise(self) -> None:
        if isinstance(self._error, EdgefkpError):
            raise EdgefkpError(self._error.message, self._error.hint) from self._error
        if self._error is not None:
            raise self._error
