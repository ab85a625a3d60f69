"""What the tests of isolate call in other processes."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp import errors
from edgefkp.runtime import isolate

print("an import prints", flush=True)
os.write(1, b"native code prints at once\n")


def doubled(value: Any, array: np.ndarray | None = None) -> Any:
    return {"value": value, "array": None if array is None else array * 2, "process": os.getpid()}


def import_path() -> list[str]:
    import resource  # what a foreign resource.py in the current folder would stand in front of

    return [*sys.path, str(resource.__spec__.origin), str(np.__file__)]


def raise_error(kind: str) -> None:
    raise getattr(errors, kind)("what was found", "what to type")


def raise_other() -> None:
    raise ValueError("two lines\nof text")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep(started: str = "", seconds: float = 600) -> None:
    if started:
        Path(started).write_text(str(os.getpid()))
    time.sleep(seconds)


def take_memory(count: int) -> int:
    return len(bytearray(count))


def count_loudly(count: int) -> str:
    for number in range(count):
        print('{"result": "not this"}', flush=True)
        os.write(1, b"native code prints later\n")
        isolate.report(number)
    return sys.stdin.read()


def nested(started: str) -> None:
    isolate.call(sleep, started)


def crash_on(*arguments: Any) -> None:
    crash()


def hang_on(path: str, runtime: str) -> None:
    sleep()


def report_slowly(count: int) -> int:
    for number in range(count):
        time.sleep(1)
        isolate.report(number)
    return count


def report_without_end(started: str, saved: str) -> None:
    Path(started).touch()
    try:
        while True:
            isolate.report("x" * 1000)
    except KeyboardInterrupt:
        for _ in range(200):  # more than a pipe holds
            isolate.report("x" * 1000)
        Path(saved).write_text("on the way out")
        raise
