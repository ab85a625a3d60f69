"""Images in several processes: in the order of the items, and one that ends its process costs no other."""

import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from edgefkp.detect.images import Item, Outcome, PredictSettings, predict_image
from edgefkp.records import read_record
from edgefkp.runtime.isolate import Child, ChildDied, report

_ENDING = 5.0  # seconds that a worker whose child was ended may take


def in_workers(items: list[Item], settings: PredictSettings, count: int) -> Iterator[tuple[Item, Outcome]]:
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

    def _work(self) -> None:
        items, self._ready = [self._items[number] for number in self._left], False
        with Child(work, self._settings, items, label="a worker of predict", progress=self._receive) as self._child:
            if self._stopped.is_set():
                return
            try:
                self._child.result()
            except ChildDied as died:
                if not self._ready or self._stopped.is_set():
                    raise
                cause = died.signal or died.last_line or "no word"
                self._finish(Outcome(reason=f"it ended its worker process ({cause})"))

    def _receive(self, sent: Any) -> None:
        if not self._ready:
            self._ready = True
        else:
            self._finish(read_record(Outcome, sent, "the reply of a worker"))

    def _finish(self, outcome: Outcome) -> None:
        self._arrived.put((self._left[0], outcome))
        self._left = self._left[1:]


def work(settings: Any, items: list[Any]) -> None:
    """In a child: report that it is ready, then the outcome of each item."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    own = read_record(PredictSettings, settings, "the settings")
    detector = own.detector()
    report("ready")
    for item in items:
        outcome = predict_image(read_record(Item, item, "an item"), own, detector)
        report({"rows": outcome.rows, "sha256": outcome.sha256, "reason": outcome.reason})
