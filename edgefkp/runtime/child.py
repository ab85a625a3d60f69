"""The child's side of runtime/isolate: make one call, report its progress, send its result.

Both sides write values in one form: JSON, with numpy arrays in a file beside it. numpy is imported for arrays only.
Runs from Python 3.8 on, for the doctor.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

from edgefkp import errors
from edgefkp.errors import FAILED, EdgefkpError
from edgefkp.runtime import signals

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ARRAY = "$array"  # key of a JSON object that stands for an array
_lines: IO[str] | None = None  # to the parent; None in a process that isolate did not start


def report(value: Any) -> None:
    """In a child: send a JSON value to the `progress` of its parent. Elsewhere nothing."""
    if _lines is not None:
        _send(json.dumps({"progress": value}))


def _send(line: str) -> None:
    assert _lines is not None
    _lines.write(f"{line}\n")
    _lines.flush()


def packed(value: Any, file: IO[bytes]) -> str:
    """JSON; the arrays in it are written to `file`, in order."""

    def plain(item: Any) -> Any:
        if type(item).__module__ == "numpy":
            if item.ndim == 0:
                return item.item()
            import numpy as np

            np.save(file, item)
            return {_ARRAY: True}
        if hasattr(item, "to_json"):
            return item.to_json()
        if dataclasses.is_dataclass(item):
            return {one.metadata.get("json", one.name): getattr(item, one.name) for one in dataclasses.fields(item)}
        if isinstance(item, Path):
            return str(item)
        raise TypeError(f"{type(item).__name__} cannot be sent to another process")

    file.seek(0)
    return json.dumps(value, default=plain)


def unpacked(text: str | bytes, file: IO[bytes]) -> Any:
    """The value of `packed`."""
    first = True

    def whole(item: dict[str, Any]) -> Any:
        nonlocal first
        if item.keys() != {_ARRAY}:
            return item
        import numpy as np

        if first:  # not earlier: the other process may still be writing
            file.seek(0)
            first = False
        return np.load(file)

    return json.loads(text, object_hook=whole)


def main(module: str, lines: int, call_file: int, arrays_file: int) -> None:
    """Make the call that is written in these open files, and send what comes of it over `lines`."""
    global _lines
    _end_with_parent()
    signals.unwind_on_signals()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lines = os.fdopen(lines, "w")
    function: Any = sys.modules[module]
    arrays = open(arrays_file, "r+b", buffering=0)  # noqa: SIM115
    with open(call_file, "rb") as asked:
        call = unpacked(asked.read(), arrays)
    if call["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (call["memory"], call["memory"]))
    del sys.argv[1:]
    for part in call["function"].split("."):
        function = getattr(function, part)
    try:
        answer = {"result": function(*call["arguments"])}
    except EdgefkpError as error:
        kind = next(one.__name__ for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
        print(f"error: {error.message}", file=sys.stderr)
        answer = {"error": {"kind": kind, "message": error.message, "hint": error.hint}}
    except MemoryError:
        room = f" than {call['memory'] >> 20} MiB" if call["memory"] else ""
        answer = {"error": {"kind": "", "message": f"it needs more memory{room}"}}
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        traceback.print_exc()
        cause = (str(error).strip().splitlines() or [""])[0]
        answer = {"error": {"kind": "", "message": f"{type(error).__name__}: {cause}".rstrip(": ")}}
    _send(packed(answer, arrays))


def _end_with_parent() -> None:
    """Linux kills this process with its parent; everywhere the parent's end of our standard input is watched."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    lifeline, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        os._exit(FAILED)

    threading.Thread(target=wait, daemon=True).start()
