"""What a benchmark keeps while it runs: the outcome of each process, so that a run that was cut off goes on."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from edgefkp._version import __version__
from edgefkp.bench import machine
from edgefkp.bench.plan import Cell, Settings
from edgefkp.bench.timed_images import Pictures
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, locked, sha256_file


def partial_folder(out: Path, cells: Iterable[Cell], pictures: Pictures, settings: Settings) -> Path:
    """Where a run of exactly this work on this boot of the machine keeps what it has: the same work goes on there."""
    cells = list(cells)
    digests = {file: sha256_file(file) for file in sorted({cell.file for cell in cells})}
    work = [asdict(cell) for cell in cells], digests, asdict(settings), pictures.hash, machine.boot_id(), __version__
    return out / f".partial-{hashlib.sha256(json_text(work).encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def open_store(partial: Path | None) -> Iterator[Path]:
    """The folder of outcomes, for this run alone, made before anything is measured; without `partial` a temporary one.

    Raises EdgefkpError where it cannot be written, or a run of the same work is using it.
    """
    if partial is None:
        with tempfile.TemporaryDirectory(prefix="edgefkp-bench-") as folder:
            yield Path(folder)
        return
    try:
        partial.mkdir(parents=True, exist_ok=True)
        (partial / "lock").touch()
    except OSError as error:
        raise EdgefkpError(
            f"cannot write to {partial.parent}: {error.strerror}", "name a folder that you can write to: --out FOLDER"
        ) from error
    with locked(partial / "lock") as held:
        if not held:
            raise EdgefkpError("the same benchmark is running already", "wait until it is done")
        try:
            yield partial
        finally:
            if not any(partial.glob("*.npz")):  # nothing to resume
                discard(partial)


def discard(partial: Path) -> None:
    """Forget what a finished run kept for resuming."""
    shutil.rmtree(partial, ignore_errors=True)
