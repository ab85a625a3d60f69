"""The program works in a process of its own, so that whatever ends that one is named.

A library that crashes (OpenCV, TensorFlow) and a system that is short of memory end a process without a word. The
program therefore divides itself before it imports anything else: the child works, the parent waits for it.
This module has to be small for the same reason as `signals`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from edgefkp.runtime.signals import ALL

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_FAILED = 1
_HINT = "type the same command again: it resumes what it can; if that ends it again, ask for less at once"


def divide() -> None:
    """Return in the child. The parent hands on what is sent to it, and ends as the child does.

    Without Linux's calls for it, this process goes on alone.
    """
    if not (hasattr(os, "fork") and hasattr(signal, "sigwaitinfo") and sys.platform.startswith("linux")):
        return
    watched = {signal.SIGCHLD, *ALL}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:  # no process is left
        child = 0
    else:
        if child:
            _wait(child, watched)
        import ctypes  # here: a Ctrl-C in the middle of an import is printed with a traceback

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(_FAILED)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(child: int, watched: set[signal.Signals]) -> NoReturn:
    while True:
        came = signal.sigwaitinfo(watched)
        if came.si_signo != signal.SIGCHLD:
            if came.si_code <= 0:  # somebody sent it to this process alone; a terminal sends it to both
                os.kill(child, came.si_signo)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else _named(os.WTERMSIG(status)))


def _named(number: int) -> int:
    """Two lines for the signal that ended the child; returns the exit code.

    One that asks a process to end needs no words: it came while the child ended, when Python no longer handles it.
    """
    if number in ALL:
        return 128 + number
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    why = "perhaps for want of memory" if number == signal.SIGKILL else "a library that it uses crashed"
    os.write(2, f"\nerror: the process of edgefkp was ended by {name}, {why}\nhint:  {_HINT}\n".encode())
    return _FAILED
