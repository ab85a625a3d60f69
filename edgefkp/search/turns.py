"""Trainings and measurements on one machine take turns: while a candidate is timed, nobody else computes.

Several processes share lock files. Who computes holds `work` together with the others, and looks at `wish` after
each batch; who measures takes `wish`, then waits until `work` is free. The locks end with their processes.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgefkp.errors import writing


class Turns:
    """The turns of one process; `folder` is the same for all."""

    def __init__(self, folder: Path) -> None:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            names = ("work.lock", "wish.lock", "device.lock")
            self._work, self._wish, self._device = (open(folder / name, "a") for name in names)  # noqa: SIM115

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """For a block that computes, and calls `give_way` often."""
        self._start()
        try:
            yield
        finally:
            _release(self._work)

    def give_way(self) -> None:
        """If somebody wants to measure, wait until that is done."""
        try:
            fcntl.flock(self._wish, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            _release(self._work)
            self._start()
        else:
            _release(self._wish)

    def _start(self) -> None:
        fcntl.flock(self._wish, fcntl.LOCK_SH)
        try:
            fcntl.flock(self._work, fcntl.LOCK_SH)
        finally:
            _release(self._wish)

    @contextlib.contextmanager
    def measuring(self, here: bool) -> Iterator[None]:
        """Within `working`. here: nobody computes meanwhile; else nobody else measures on the other machine."""
        _release(self._work)
        locks = (self._wish, self._work) if here else (self._device,)
        try:
            for lock in locks:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            for lock in locks:
                _release(lock)
        self._start()

    def close(self) -> None:
        for stream in (self._work, self._wish, self._device):
            stream.close()


def _release(stream: IO[str]) -> None:
    fcntl.flock(stream, fcntl.LOCK_UN)
