"""The journal of a search: one file that several processes write, in the form of Optuna's journal storage.

Every operation is a line of JSON. A process that is killed in the middle of a line, or finds the disk full, leaves at
most the half of one, which the next writer removes; Optuna's own file backend would go on behind that half, and waits
half a minute for the lock of a process that was killed.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from edgefkp.errors import EdgefkpError, reading, writing
from edgefkp.files import locked, parse_json, read_bytes

HINT = "put back a copy of it, or begin anew: give the search another --name"
_KIND = "the journal of a search"
_TAIL = 1 << 16  # bytes at the end in which the last whole line is looked for at once

Log = dict[str, Any]


class Journal:
    """A backend of Optuna's JournalStorage. Reading and writing hold the lock beside the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = False
        self._pending: list[Log] = []  # of the batch
        self._read = 0  # lines that were read, whose end is at `_offset`
        self._offset = 0

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Nobody else reads or writes during the block; what it appends is written as one at its end.

        Of a block that fails nothing is written.
        """
        with self._locked():
            self._held = True
            try:
                yield
                if self._pending:
                    self._write(self._pending)
            finally:
                self._held, self._pending = False, []

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if self._held:
            yield
            return
        # Not journal.log.lock, which Optuna's own backend takes for a lock that is held because it is there.
        with locked(self.path.with_name("journal.turn"), math.inf):
            yield

    def read_logs(self, log_number_from: int) -> list[Log]:
        """The operations from that number on. Raises EdgefkpError for a line that is none."""
        with self._locked():
            content = read_bytes(self.path, _KIND, HINT) if self.path.exists() else b""
        if log_number_from != self._read:
            self._read = self._offset = 0
        lines = content[self._offset : content.rfind(b"\n") + 1].splitlines(keepends=True)
        first = self._read
        found = [self._parsed(line, first + number + 1) for number, line in enumerate(lines)]
        self._read, self._offset = first + len(lines), self._offset + sum(map(len, lines))
        return [*found[max(0, log_number_from - first) :], *self._pending[max(0, log_number_from - self._read) :]]

    def _parsed(self, line: bytes, number: int) -> Log:
        where = f"{self.path}, line {number}"
        with reading(where, "an operation of a search", HINT):
            return dict(parse_json(line, where, HINT))

    def append_logs(self, logs: list[Log]) -> None:
        """Raises EdgefkpError where the disk does not take them; the file is then as it was."""
        if self._held:
            self._pending += logs
            return
        with self._locked():
            self._write(logs)

    def _write(self, logs: list[Log]) -> None:
        if self._read and not self.path.exists():
            raise EdgefkpError(f"{self.path} is gone", "leave the folder alone while a search runs, and begin anew")
        content = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in logs).encode()
        with writing(self.path), open(self.path, "ab+", buffering=0) as stream:
            end = _whole_lines(stream)
            stream.truncate(end)
            try:
                while content:
                    content = content[stream.write(content) :]
                os.fsync(stream.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    stream.truncate(end)
                raise


def _whole_lines(stream: IO[bytes]) -> int:
    """Where the last whole line ends."""
    end = stream.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _TAIL)
        stream.seek(start)
        if (place := stream.read(end - start).rfind(b"\n")) >= 0:
            return start + place + 1
        end = start
    return 0
