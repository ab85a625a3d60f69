"""Keep the result of each process while a benchmark runs, so that a run that was cut off resumes."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from edgefkp._version import __version__
from edgefkp.bench import machine
from edgefkp.bench.plan import Case, TimingSettings
from edgefkp.bench.timed_images import TimedImages
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, locked, sha256_file


def partial_folder(out: Path, cases: Iterable[Case], images: TimedImages, settings: TimingSettings) -> Path:
    """Where a run of exactly this work on this boot of the machine keeps its results: the same work resumes there."""
    cases = list(cases)
    digests = {file: sha256_file(file) for file in sorted({case.file for case in cases})}
    work = [asdict(case) for case in cases], digests, asdict(settings), images.hash, machine.boot_id(), __version__
    return out / f".partial-{hashlib.sha256(json_text(work).encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def open_store(partial: Path | None) -> Iterator[Path]:
    """The folder of results, for this run alone, made before anything is measured; without `partial` a temporary one.

    Raises EdgefkpError if it cannot be written, or a run of the same work is using it.
    """
    if partial is None:
        with tempfile.TemporaryDirectory(prefix="edgefkp-bench-") as folder:
            yield Path(folder)
        return
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
