"""A temporary folder for a child process, so that nothing of what libraries leave in it stays."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "edgefkp-scratch-"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder that is removed at the end; those that killed processes left are removed at the beginning."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), _held(left):
            shutil.rmtree(left, ignore_errors=True)
    folder, holding = Path(), contextlib.ExitStack()
    with holding:
        while not folder.name:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            with contextlib.suppress(FileNotFoundError):
                holding.enter_context(_held(folder, fcntl.LOCK_EX))
            folder = folder if folder.exists() else Path()  # another process swept it up before it was held
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> Iterator[None]:
    """Lock the folder: its process lives. Raises OSError if it is of another user or gone, and, unless `how` waits,
    where another process holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.getuid():
            raise PermissionError
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
