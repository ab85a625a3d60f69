"""One self-contained folder or zip that measures on another machine: files, pictures, golden vectors, the harness."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edgefkp.bench import payload, timed_images
from edgefkp.bench.plan import Cell, Settings
from edgefkp.bench.timed_images import Pictures
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, replacing, sha256_file, write_json, write_text
from edgefkp.runtime import interpreters

SCHEMA = "edgefkp.bundle/1"
GOLDEN = 10  # pictures whose points travel along

README = """edgefkp bench bundle: measures {files} .tflite files on {images} pictures ({licence}).

With numpy and a runtime for .tflite files (pip install ai-edge-litert; on 32-bit Arm tflite-runtime and numpy<2):

    cd into this folder
    python3 -m edgefkp.bench.run_bundle . result.json

With edgefkp installed: edgefkp bench --bundle THE_ZIP
Then, where edgefkp is installed: edgefkp bench show result.json
"""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened; `cells` name its files where they lie now."""

    cells: list[Cell]
    settings: Settings
    pictures: Pictures
    golden: dict[str, np.ndarray]


def make(folder: Path, cells: list[Cell], shown: Pictures, settings: Settings) -> Path:
    """Fill `folder`. Raises EdgefkpError where two files have one name, or a cell needs another Python."""
    files = _files(cells)
    if any(cell.python for cell in cells):
        raise EdgefkpError("a bundle takes no --python: the board's own Python measures", "leave --python out")
    payload.copy_into(folder)
    for file in files:
        target = folder / "files" / file.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
    timed_images.save(shown, folder / "images.npz")
    with replacing(folder / "golden.npz") as temporary, open(temporary, "wb") as out:
        np.savez_compressed(out, **golden_vectors(files, shown))  # type: ignore[arg-type]
    job = {
        "schema": SCHEMA,
        "cells": [{**asdict(cell), "file": Path(cell.file).name} for cell in cells],
        "settings": asdict(settings),
        "sha256": {file.name: sha256_file(file) for file in files},
    }
    write_json(folder / "job.json", job)
    write_text(folder / "README.txt", README.format(files=len(files), images=len(shown.images), licence=shown.licence))
    return folder


def make_zip(path: Path, cells: list[Cell], shown: Pictures, settings: Settings) -> Path:
    with tempfile.TemporaryDirectory(prefix="edgefkp-bundle-") as made, replacing(path) as temporary:
        folder = make(Path(made), cells, shown, settings)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder))
    return path


def golden_vectors(files: list[Path], shown: Pictures) -> dict[str, np.ndarray]:
    """File name -> the points that this machine computes for the first pictures; files that take no faces have none."""
    vectors = {}
    for file in files:
        with suppress(EdgefkpError):
            vectors[file.name] = interpreters.load(file).predict(shown.images[:GOLDEN])
    return vectors


def open_folder(folder: Path) -> Bundle:
    """Raises EdgefkpError where it is no bundle, or a file in it is not the one that was put there."""
    if not (folder / "job.json").is_file():
        raise EdgefkpError(f"{folder} is not a bundle: it has no job.json", "make one: edgefkp bundle")
    job = read_json(folder / "job.json")
    if not isinstance(job, dict) or job.get("schema") != SCHEMA:
        raise EdgefkpError(f"{folder / 'job.json'} is not of {SCHEMA}", "make it again: edgefkp bundle")
    for name, digest in job["sha256"].items():
        if sha256_file(folder / "files" / name) != digest:
            raise EdgefkpError(f"{name} was damaged on the way: its sha256 is not that of the bundle", "copy it again")
    with np.load(folder / "golden.npz") as stored:
        golden = {name: stored[name] for name in stored.files}
    return Bundle(
        [Cell(**{**cell, "file": str(folder / "files" / cell["file"])}) for cell in job["cells"]],
        Settings(**{**job["settings"], "pin": tuple(job["settings"]["pin"])}),
        timed_images.read(folder / "images.npz"),
        golden,
    )


@contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Bundle]:
    """The bundle in a folder or zip. A zip is unpacked below `scratch`, always at the same place, so that a run that
    was cut off is found again, and goes when the block ends.

    Raises EdgefkpError where it is none.
    """
    if path.is_dir():
        yield open_folder(path)
        return
    folder = scratch / f".bundle-{sha256_file(path)[:16]}"
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise EdgefkpError(f"{path} is not a bundle: {error}", "make one: edgefkp bundle") from error
    try:
        yield open_folder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files(cells: list[Cell]) -> list[Path]:
    files = list(dict.fromkeys(Path(cell.file) for cell in cells))
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise EdgefkpError(f"two files are called {name}", "rename one: a bundle has one folder of files")
    return files
