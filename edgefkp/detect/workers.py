"""Images and videos in other processes: in the order of the items. One that ends or holds up its process costs no
other."""

import queue
import signal
import sys
import threading
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

from edgefkp.detect.images import Item, Outcome, PredictSettings, predict_image
from edgefkp.detect.media import is_video
from edgefkp.detect.videos import predict_video
from edgefkp.errors import missing
from edgefkp.files import sweep
from edgefkp.records import read_record
from edgefkp.runtime.isolate import Child, ChildDied, report

_ENDING = 5.0  # seconds that a worker whose child was ended may take
_START = 600.0  # seconds in which a child must have opened its detector


def in_workers(items: list[Item], settings: PredictSettings, count: int) -> Generator[tuple[Item, Outcome], None, None]:
    """Each item and its outcome. Raises EdgefkpError if a worker cannot start, or cannot write."""
    arrived: queue.SimpleQueue[tuple[int, Outcome | BaseException]] = queue.SimpleQueue()
    count = min(count, len(items))
    crew = [_Worker(items, range(first, len(items), count), settings, arrived) for first in range(count)]
    waiting: dict[int, Outcome] = {}
    try:
        for worker in crew:
            worker.start()
        for number, item in enumerate(items):
            while number not in waiting:
                which, outcome = arrived.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                waiting[which] = outcome
            yield item, waiting.pop(number)
    finally:
        for worker in crew:
            worker.stop()


class _Worker(threading.Thread):
    """Keeps a child at work on its share of the items, and starts another one where it died."""

    def __init__(
        self,
        items: list[Item],
        share: range,
        settings: PredictSettings,
        arrived: "queue.SimpleQueue[tuple[int, Outcome | BaseException]]",
    ) -> None:
        super().__init__(name="edgefkp-predict", daemon=True)
        self._items, self._left, self._settings, self._arrived = items, share, settings, arrived
        self._child: Child | None = None
        self._stopped = threading.Event()
        self._ready = False  # the child has opened its detector

    def run(self) -> None:
        try:
            while self._left and not self._stopped.is_set():
                self._work()
        except BaseException as error:
            self._arrived.put((-1, error))

    def stop(self) -> None:
        """End the child, which first removes what it has half written."""
        self._stopped.set()
        if self._child is not None:
            self._child.process.terminate()
        if self.ident is not None:
            self.join(_ENDING)
        if self._child is not None:
            self._child.kill()
            self._child.process.wait()
            self._sweep()

    def _sweep(self) -> None:
        """Remove what a child that was killed at its item has half written."""
        if self._left:
            out, name = self._settings.out, self._items[self._left[0]].name
            sweep((out / name).parent)
            sweep((out / "faces" / name).parent)

    def _work(self) -> None:
        items, self._ready = [self._items[number] for number in self._left], False
        label = "a worker of predict"
        with Child(work, self._settings, items, label=label, progress=self._receive, silence=_START) as self._child:
            if self._stopped.is_set():
                return
            try:
                self._child.result()
            except ChildDied as died:
                if not self._ready or self._stopped.is_set():
                    raise
                self._sweep()
                self._finish(Outcome(reason=_reason(died, self._items[self._left[0]], self._settings.timeout)))

    def _receive(self, sent: Any) -> None:
        if isinstance(sent, str):  # a new step, which has its own time
            self._ready = True
            if self._child is not None:
                self._child.silence = self._settings.timeout
        else:
            self._finish(read_record(Outcome, sent, "the reply of a worker"))

    def _finish(self, outcome: Outcome) -> None:
        self._arrived.put((self._left[0], outcome))
        self._left = self._left[1:]


def _reason(died: ChildDied, item: Item, timeout: float) -> str:
    if died.timed_out:
        what = "one of its frames" if is_video(item.path) else "it"
        return f"{what} took longer than {timeout:g} s (--timeout)"
    return f"it ended its worker process ({died.signal or died.last_line or 'no word'})"


def work(settings: Any, items: list[Any]) -> None:
    """In a child: report that it is ready, then the outcome of each item; for each step that begins, a word."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    own = read_record(PredictSettings, settings, "the settings")
    try:
        import cv2  # noqa: F401  # not to be found wanting at the first image, which would be blamed for it
    except ImportError as error:
        raise missing(error) from error
    detector = own.detector()
    report("ready")
    for value in items:
        begun()
        item = read_record(Item, value, "an item")
        if is_video(item.path):
            outcome = predict_video(item, own, detector, begun)
        else:
            outcome = predict_image(item, own, detector)
        report(asdict(outcome))


def begun() -> None:
    report("begun")
