"""Checks that a file passed on this machine, remembered in the cache folder.

A check is remembered for the file, the runtime and its version, the processor, and the code that checked: what an
older edgefkp let through is checked again.
"""

import contextlib
import functools
import hashlib
import platform
from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, write_text

_ROOM = Path(__file__).parent


@functools.cache
def checker() -> str:
    """Hash of the code that checks: this room, and the hall that it stands on."""
    digest = hashlib.sha256()
    for path in sorted([*_ROOM.glob("*.py"), *_ROOM.parent.glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _record(check: str, facts: tuple[str, ...]) -> Path:
    digest, *others = facts
    known = hashlib.sha256("\0".join([checker(), platform.machine(), *others]).encode()).hexdigest()
    return cache_dir() / check / f"{digest}-{known[:16]}"


def has_passed(check: str, *facts: str) -> bool:
    """facts: the file's sha256, then what else decides the outcome: the runtime, its version."""
    return _record(check, facts).is_file()


def remember(check: str, *facts: str, note: str = "") -> None:
    with contextlib.suppress(EdgefkpError):  # an unwritable cache only means that the file is checked again
        write_text(_record(check, facts), note)
