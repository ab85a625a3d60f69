"""Signals that ask a process to end: SIGTERM and SIGHUP unwind as Ctrl-C does, so that what is open is closed.

This module and what it imports have to be small: the program handles Ctrl-C by it before it imports anything else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
ALL = (signal.SIGINT, *ENDING)
_received = 0


class Stopped(KeyboardInterrupt):
    """SIGTERM or SIGHUP came."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def received() -> int:
    """The first of these signals that came after `unwind_on_signals`; 0 if none did."""
    return _received


def unwind_on_signals() -> None:
    """From now on these signals raise KeyboardInterrupt or Stopped. What this process was started to ignore (nohup,
    a shell's background) it ignores."""
    for number in ALL:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, stop)


def stop(number: int, frame: object) -> None:
    """The handler. A second SIGTERM or SIGHUP does not disturb the unwinding; a second Ctrl-C does."""
    global _received
    _received = _received or number
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """End the process without unwinding while it has nothing to close: in the middle of an import, an exception of a
    signal is printed with a traceback, or caught by whoever imports."""

    def leave(number: int, frame: object) -> None:
        os.write(2, b"\nstopped\n")
        os._exit(128 + number)

    before = {number: signal.getsignal(number) for number in ALL}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once() -> None:
    """From now on these signals end the process without unwinding: it is ending already, and a second Ctrl-C would
    raise an exception that nobody catches. Where `unwind_on_signals` was not called nothing changes."""
    for number in ALL:
        if signal.getsignal(number) is stop:
            signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    os._exit(128 + (_received or number))


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[], None]]:
    """Hold the first of these signals until the block calls what is yielded, or ends; a second one stops it at once.

    Python raises KeyboardInterrupt between any two lines, also where a library holds a lock (tempfile and threading
    do) or has half written a file: a block that has something to save on the way out could then not save it.
    Outside the main thread, and where a signal has a handler of somebody else's, nothing is held.
    """
    raising: dict[int, Any] = {number: signal.getsignal(number) for number in ALL}
    raising = {number: handler for number, handler in raising.items() if handler in (signal.default_int_handler, stop)}
    if threading.current_thread() is not threading.main_thread():
        raising = {}
    came = 0

    def restore() -> None:
        for number, handler in raising.items():
            signal.signal(number, handler)

    def hold(number: int, frame: object) -> None:
        nonlocal came
        came = number
        restore()

    def raise_held() -> None:
        nonlocal came
        if came:
            number, came = came, 0
            raising[number](number, None)

    for number in raising:
        signal.signal(number, hold)
    try:
        yield raise_held
    finally:
        restore()
    raise_held()
