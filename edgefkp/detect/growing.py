"""A file that grows piece by piece, and a record of what has been done with which content."""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, writing
from edgefkp.files import json_text, locked, write_text

SCHEMA = "edgefkp.predicted/1"


class GrowingFile:
    """Appends whole pieces. One that does not fit on the disk is taken back, and the file stays as it was.

    keep: bytes of an earlier run's file that are kept. Raises EdgefkpError for a file that cannot be written.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        self.path, self._end = path, keep
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
            self._stream.truncate(keep)
            self._stream.seek(keep)

    def append(self, text: str) -> None:
        """Raises EdgefkpError for a full disk, and for a file that was deleted meanwhile."""
        content = text.encode()
        if not self._is_there():
            raise EdgefkpError(f"{self.path} was deleted while edgefkp predict wrote it", "type the same command again")
        try:
            with writing(self.path):
                rest = memoryview(content)
                while rest:
                    rest = rest[self._stream.write(rest) :]
        except EdgefkpError:
            with contextlib.suppress(OSError):
                self._stream.truncate(self._end)
            raise
        self._end += len(content)

    def _is_there(self) -> bool:
        """Its name still leads to the file that is open."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._stream.fileno()))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        self._stream.close()


class Ledger:
    """OUT/predict.jsonl: the settings of OUT, then a line for each finished file with the hash of its content.

    written: what predict will write; where it is there before this file, it is somebody's own.
    One process at a time holds it. Raises EdgefkpError if another one does, for other settings, for files of
    somebody's own, and for an OUT that cannot be written.
    """

    NAME = "predict.jsonl"

    def __init__(self, out: Path, settings: Mapping[str, Any], written: Iterable[Path] = ()) -> None:
        self.path, self._written = out / self.NAME, written
        self._settings = {"schema": SCHEMA, **settings}
        self.hashes: dict[str, str] = {}  # name -> sha256 of the content that was predicted last
        self._file: GrowingFile
        self._block = contextlib.ExitStack()

    def __enter__(self) -> "Ledger":
        with contextlib.ExitStack() as block:
            if not block.enter_context(locked(self.path)):
                raise EdgefkpError(
                    f"another edgefkp predict is writing into {self.path.parent}",
                    "wait until it has ended, or choose another folder: --out",
                )
            keep = self._read()
            if not keep:
                self._require_nothing_there()
            self._file = GrowingFile(self.path, keep)
            block.callback(self._file.close)
            if not keep:
                self._file.append(_line(self._settings))
            self._block = block.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._block.close()
        # The folder was deleted, and an overlay has made it again: the next run takes it for its own.
        if self.path.parent.exists() and not self.path.exists():
            with contextlib.suppress(EdgefkpError):
                write_text(self.path, _line(self._settings))

    def add(self, name: str, sha256: str) -> None:
        self._file.append(_line({"file": name, "sha256": sha256}))
        self.hashes[name] = sha256

    def _read(self) -> int:
        """Fill `hashes` and return how many bytes are whole lines."""
        keep = 0
        with open(self.path, "rb") as stream:
            for number, line in enumerate(iter(stream.readline, b"")):
                if not line.endswith(b"\n") and (number or line in _line(self._settings).encode()):
                    break  # cut off
                row = _parsed(line)
                if number == 0:
                    self._require_same(row)
                elif isinstance(row.get("file"), str) and isinstance(row.get("sha256"), str):
                    self.hashes[row["file"]] = row["sha256"]
                keep = stream.tell()
        return keep

    def _require_nothing_there(self) -> None:
        for path in self._written:
            if any(path.iterdir()) if path.is_dir() else path.exists():
                self.path.unlink()
                kind = "folder" if path.is_dir() else "table"
                raise EdgefkpError(
                    f"{path} is not a {kind} that edgefkp predict wrote: {self.NAME} is missing beside it",
                    "choose another folder: --out",
                )

    def _require_same(self, earlier: dict[str, Any]) -> None:
        out = self.path.parent
        if earlier.get("schema") != SCHEMA:
            raise EdgefkpError(f"{self.path} was not written by edgefkp predict", "choose another folder: --out")
        names = dict.fromkeys([*self._settings, *earlier])
        other = next((name for name in names if earlier.get(name) != self._settings.get(name)), None)
        if other:
            was, now = (_short(values.get(other)) for values in (earlier, self._settings))
            raise EdgefkpError(
                f"{out} was predicted with another setting: {other} was {was} and is {now}",
                f"choose another folder: --out; to start anew, delete {out}",
            )


def _line(value: Mapping[str, Any]) -> str:
    return json_text(dict(value), indent=None) + "\n"


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _short(value: Any) -> str:
    """A hash is recognized by its first digits."""
    return str(value)[:12] if isinstance(value, str) and len(value) == 64 else json.dumps(value)
