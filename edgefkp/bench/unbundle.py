"""Open a bundle, which may come from anybody.

It runs nothing but the files that it holds, in the Python that opens it, within LIMITS; with `trust` it may also name a
Python and a delegate, and take more.
"""

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from edgefkp.bench import timed_images
from edgefkp.bench.bundle import FILES, IMAGES, JOB, POINTS, SCHEMA, BundleJob
from edgefkp.bench.plan import Case, TimingSettings
from edgefkp.bench.timed_images import TimedImages
from edgefkp.data.arrays import read_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.files import locked, read_json, replacing, sha256_file
from edgefkp.records import read_record
from edgefkp.runtime.packages import RUNTIMES

AGAIN = "make it again: edgefkp bundle"
_TRUST = "if you know who made it: --trust"
_KINDS = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "a truth value", type(None): "null"}
# What Python's zipfile and its decompressors raise for bytes that are no zip or damaged.
_DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,  # another method
    ValueError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class Limits:
    """What a bundle may take of the machine that opens it."""

    mebibytes: int = 1024  # unpacked
    cases: int = 1000
    hours: float = 12.0  # of measuring, as far as the bundle sets them

    def __str__(self) -> str:
        return f"{self.mebibytes} MiB, {self.cases} cases, {self.hours:g} h"


LIMITS = Limits()
TRUSTED = Limits(1 << 20, 1_000_000, 24 * 365.0)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened."""

    cases: list[Case]  # their files where they lie now
    settings: TimingSettings
    images: TimedImages
    reference: dict[str, np.ndarray]  # file name -> (n, K, 2) points that its first n images must give


def open_folder(folder: Path, trust: bool = False) -> Bundle:
    """Raises EdgefkpError if the folder is no bundle, is over the limits, or a file in it is not the one that was put
    there."""
    limits = TRUSTED if trust else LIMITS
    if not (folder / JOB).exists():
        raise EdgefkpError(f"{folder} is not a bundle: it has no {JOB}", "make one: edgefkp bundle")
    _require_files(folder, (JOB,), limits)
    stored = read_json(folder / JOB, AGAIN)  # its faults are named first: what else is there depends on it
    if not isinstance(stored, dict):
        raise EdgefkpError(f"{folder / JOB} holds {_KINDS[type(stored)]}, expected the object that is a job", AGAIN)
    if stored.get("schema") != SCHEMA:
        raise EdgefkpError(f"{folder / JOB} is not of {SCHEMA}", AGAIN)
    job = read_record(BundleJob, stored, str(folder / JOB), AGAIN, strict=True)
    _require_modest(folder / JOB, job, limits)
    if not trust:
        _require_own(folder / JOB, job)
    _require_files(folder, (JOB, IMAGES, POINTS), limits)
    names = sorted({*job.sha256, *(case.file for case in job.cases)})
    if strange := [name for name in names if Path(name).name != name or not name.isprintable()]:
        raise EdgefkpError(f"{folder / JOB} names '{strange[0]}', expected names of files in {FILES}/", AGAIN)
    if (folder / FILES).is_symlink():
        raise EdgefkpError(f"{folder / FILES} is a link, expected a folder", AGAIN)
    _require_files(folder / FILES, names, limits)
    for name in names:
        if sha256_file(folder / FILES / name) != job.sha256.get(name):
            raise EdgefkpError(f"{name} was damaged on the way: its sha256 is not that of the bundle", "copy it again")
    cases = [replace(case, file=str(folder / FILES / case.file)) for case in job.cases]
    for name in (IMAGES, POINTS):
        _require_small(folder / name, limits)
    images = timed_images.read(folder / IMAGES)
    return Bundle(cases, job.settings, images, _read_reference(folder / POINTS))


def _require_files(folder: Path, names: tuple[str, ...] | list[str], limits: Limits) -> None:
    """Raise EdgefkpError unless these are plain files: no links out of the bundle, no devices without an end."""
    total = 0
    for name in names:
        try:
            found = (folder / name).lstat()
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise EdgefkpError(f"cannot read {folder / name}: {cause}", AGAIN) from error
        if not stat.S_ISREG(found.st_mode):
            raise EdgefkpError(f"{folder / name} is not a plain file", AGAIN)
        total += found.st_size
    _require_room(folder, total, limits)


def _require_room(path: Path, size: int, limits: Limits) -> None:
    if size > limits.mebibytes << 20:
        raise EdgefkpError(f"{path} takes {size >> 20} MiB unpacked, over the {limits.mebibytes} MiB allowed", _TRUST)


def _require_small(path: Path, limits: Limits) -> None:
    """An .npz is a zip, which may be a thousand times as large as its file."""
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    _require_room(path, size, limits)


def _require_modest(path: Path, job: BundleJob, limits: Limits) -> None:
    hours = job.settings.processes * len(job.cases) * job.settings.longest_step / 3600
    if len(job.cases) > limits.cases or hours > limits.hours:
        raise EdgefkpError(
            f"{path} asks for {len(job.cases)} cases and {hours:.1f} h, over the {limits} allowed", _TRUST
        )


def _require_own(path: Path, job: BundleJob) -> None:
    """Raise EdgefkpError where a case names a program or a library of this machine."""
    for case in job.cases:
        for what, name in (("Python", case.python), ("delegate", case.delegate)):
            if name:
                raise EdgefkpError(
                    f"{path} names a {what} to start, {name!r}, which a bundle from elsewhere may not", _TRUST
                )
        if case.runtime and case.runtime not in RUNTIMES:
            raise EdgefkpError(f"{path} names the runtime {case.runtime!r}, expected {', '.join(RUNTIMES)}", AGAIN)


def _read_reference(path: Path) -> dict[str, np.ndarray]:
    points = read_arrays(path, "what edgefkp bundle writes")
    for name, array in points.items():
        if array.ndim != 3 or array.shape[2] != 2 or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise EdgefkpError(f"{path}: {name!r} does not hold points, (N, K, 2) finite numbers", AGAIN)
    return points


@contextmanager
def opened(path: Path, scratch: Path, trust: bool = False) -> Iterator[Bundle]:
    """The bundle in a folder or zip. A zip is unpacked below `scratch`, always at the same place, so that a run that
    was cut off is found again, and is removed when the block ends.

    Raises EdgefkpError if it is no bundle, or another run has it open.
    """
    if path.is_dir():
        yield open_folder(path, trust)
        return
    if not path.is_file():
        raise EdgefkpError(f"{path} is neither a zip nor a folder", "make one: edgefkp bundle")
    place = scratch / f".bundle-{sha256_file(path)[:16]}"
    with locked(place / "lock") as held:
        if not held:
            raise EdgefkpError(f"{path} is being measured already", "wait until it is done")
        try:
            folder = place / "unpacked"
            shutil.rmtree(folder, ignore_errors=True)
            _unpack(path, folder, TRUSTED if trust else LIMITS)
            yield open_folder(folder, trust)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _unpack(path: Path, folder: Path, limits: Limits) -> None:
    """Only what a bundle is made of, whatever else the zip holds."""
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        parts = [part for part in archive.infolist() if _is_part(part.filename)]
        _require_room(path, sum(part.file_size for part in parts), limits)  # zipfile reads no more than these sizes
        for part in parts:
            with (
                archive.open(part) as packed,
                replacing(folder / part.filename) as temporary,
                open(temporary, "wb") as out,
            ):
                out.writelines(_blocks(packed))


def _blocks(packed: IO[bytes]) -> Iterator[bytes]:
    try:
        while block := packed.read(1 << 20):
            yield block
    except OSError as error:  # bz2's error for damaged bytes; what fails to be written is another matter
        raise EOFError(str(error)) from error


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, *_DAMAGED_ZIP) as error:
        cause = str(error) or type(error).__name__
        raise EdgefkpError(f"{path} is not a bundle, or damaged: {cause}", "copy it again; edgefkp bundle") from error


def _is_part(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return name in (JOB, IMAGES, POINTS) or (folder == FILES and file not in ("", ".", "..") and "\0" not in file)
