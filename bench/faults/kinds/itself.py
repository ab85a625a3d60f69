"""A kind that has every fault: the tests see by it that the harness notices them. It counts in no total."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from bench.faults import FOREIGN, KINDS, Kind, Sample, Wrong
from bench.faults.calls import samples_of
from bench.faults.record import CRASH, FINE, HANG, OUTCOMES, REFUSED, TRACEBACK
from edgefkp.errors import EdgefkpError

FOREIGN_RUNS, FOREIGN_LOADS, OTHER_ANSWER = "foreign", "library", "other"
ORDER = (*OUTCOMES, FOREIGN_RUNS, FOREIGN_LOADS, OTHER_ANSWER)  # of the inputs


def make(folder: Path) -> list[Sample]:
    for name in ORDER:
        (folder / name).write_text(FINE)
    return samples_of(folder, *ORDER)


def name_it(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    return b"altered", "altered"


def do_as_named(path: Path) -> str:
    if path.read_text() == FINE or path.name == FINE:
        return FINE
    if path.name == REFUSED:
        raise EdgefkpError("refused")
    if path.name == TRACEBACK:
        return str({}["x"])
    if path.name == CRASH:
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == HANG:
        time.sleep(1000)
    if path.name == FOREIGN_RUNS:
        subprocess.run(os.environ[FOREIGN], check=True)
        return FINE
    if path.name == FOREIGN_LOADS and os.path.exists(library := f"{os.environ[FOREIGN]}.so"):
        ctypes.CDLL(library)
        return FINE
    if path.name == OTHER_ANSWER:
        return "other"
    raise Wrong("wrong")


KINDS.add(Kind("itself", "the harness", make, name_it, do_as_named, share=0, guarded=True, seconds=2))
