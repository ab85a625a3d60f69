"""Damaged and hostile files: what the package does with thousands of them.

    python -m bench.faults [--count N] [--seed S] [--only KIND] [--keep FOLDER]

Each kind of file that the package reads is a value in `KINDS`, one file of kinds/ for each family: it makes small
untouched samples, alters them, and calls what the package does with such a file. A new reader or command joins here in
the commit that brings it. Calls happen in child processes with limits of time and memory, many to a child.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.records import Registry

# (content of the file, random numbers) -> (altered content, what was done)
Mutator = Callable[[bytes, np.random.Generator], tuple[bytes, str]]
# Environment: a program that no file may start, and beside it a library of that name (.so) that none may load; both
# leave `RAN` there.
FOREIGN = "EDGEFKP_FAULTS_FOREIGN"
RAN = "ran"


class Sample(NamedTuple):
    """An untouched file among the files that belong to it."""

    folder: Path  # copied as a whole for each input
    altered: str  # the file in it that is altered, by name
    opened: str  # what is called: the same, the model beside a card, or "." for the folder


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    name: str
    # For the table: which files, and which commands or functions are called.
    description: str
    # Fills an empty folder with samples, each in a folder of its own.
    make: Callable[[Path], list[Sample]]
    mutate: Mutator
    # What the package does with `opened`: a result of JSON values or arrays. Raises EdgefkpError to refuse the file.
    call: Callable[[Path], Any]
    # Inputs of a whole count; 0 for what only --only runs.
    share: int
    # A card, a hash or reference points stand beside the file: any other result than the untouched file's is wrong.
    guarded: bool = False
    # An input without an end after this many seconds hangs.
    seconds: int = 60
    # How many inputs share a child process.
    batch: int = 50
    # The package that this kind needs, "" for none.
    needs: str = ""


KINDS: Registry[Kind] = Registry("kind of file", "bench.faults.kinds")


class Wrong(Exception):
    """The file was accepted, with a result that cannot be right."""
