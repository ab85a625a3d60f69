"""Ctrl-C at a moment of our choosing."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def deferred_sigint() -> Iterator[Callable[[], None]]:
    """Hold the first Ctrl-C until the block calls what is yielded, or ends; a second one stops it at once.

    Python raises KeyboardInterrupt between any two lines, also where a library holds a lock (tempfile and threading
    do) or has half written a file: a block that has something to save on the way out could then not save it.
    Outside the main thread, and where SIGINT has a handler of somebody else's, nothing is held.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield lambda: None
        return
    came = False

    def hold(number: int, frame: object) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def raise_held() -> None:
        nonlocal came
        if came:
            came = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hold)
    try:
        yield raise_held
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    raise_held()
