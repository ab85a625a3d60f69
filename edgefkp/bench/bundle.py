"""One self-contained folder or zip that measures on another machine: files, images, reference points, the harness."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgefkp.bench import payload, timed_images
from edgefkp.bench.plan import Case, TimingSettings
from edgefkp.bench.timed_images import TimedImages
from edgefkp.card import card_path
from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, replacing, sha256_file, write_json, write_text
from edgefkp.records import read_record
from edgefkp.runtime import interpreters

SCHEMA = "edgefkp.bundle/1"
REFERENCE = 10  # images whose points travel along

README = """edgefkp bench bundle: measures {files} .tflite files on {images} images ({license}).

With numpy and a runtime for .tflite files (pip install ai-edge-litert; on 32-bit Arm tflite-runtime and numpy<2):

    cd into this folder
    python3 -m edgefkp.bench.run_bundle . result.json

With edgefkp installed: edgefkp bench --bundle THE_ZIP
Then, where edgefkp is installed: edgefkp bench show result.json
"""


@dataclass(frozen=True)
class _Job:
    """job.json of a bundle."""

    schema: str
    cases: list[Case] = field(metadata={"json": "cells"})  # their files by name
    settings: TimingSettings
    sha256: dict[str, str]  # of each file, by name


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened."""

    cases: list[Case]  # their files where they lie now
    settings: TimingSettings
    images: TimedImages
    reference: dict[str, np.ndarray]  # file name -> (n, K, 2) points that its first n images must give


def make(folder: Path, cases: list[Case], images: TimedImages, settings: TimingSettings) -> Path:
    """Fill `folder`. Raises EdgefkpError if two files have one name, or a case needs another Python."""
    files = _files(cases)
    if any(case.python for case in cases):
        raise EdgefkpError("a bundle takes no --python: the board's own Python measures", "leave --python out")
    payload.copy_into(folder)
    for file in files:
        target = folder / "files" / file.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
        if card_path(file).is_file():
            shutil.copyfile(card_path(file), card_path(target))
    images = images.prepared_for(spec.input for spec in timed_images.specs_of(files))
    timed_images.save(images, folder / "images.npz")
    write_arrays(folder / "golden.npz", reference_points(files, images), compressed=True)
    named = [replace(case, file=Path(case.file).name) for case in cases]
    write_json(folder / "job.json", _Job(SCHEMA, named, settings, {file.name: sha256_file(file) for file in files}))
    text = README.format(files=len(files), images=len(images.images), license=images.license)
    write_text(folder / "README.txt", text)
    return folder


def make_zip(path: Path, cases: list[Case], images: TimedImages, settings: TimingSettings) -> Path:
    with tempfile.TemporaryDirectory(prefix="edgefkp-bundle-") as made, replacing(path) as temporary:
        folder = make(Path(made), cases, images, settings)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder))
    return path


def reference_points(files: list[Path], images: TimedImages) -> dict[str, np.ndarray]:
    """File name -> the points that this machine computes for the first images; for keypoint networks alone."""
    points = {}
    for file in files:
        with suppress(EdgefkpError):
            model = interpreters.load(file)
            if model.is_keypoint_model:
                points[file.name] = model.predict(images.at(model.spec).images[:REFERENCE])
    return points


def open_folder(folder: Path) -> Bundle:
    """Raises EdgefkpError if the folder is no bundle, or a file in it is not the one that was put there."""
    if not (folder / "job.json").is_file():
        raise EdgefkpError(f"{folder} is not a bundle: it has no job.json", "make one: edgefkp bundle")
    stored = read_json(folder / "job.json")
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise EdgefkpError(f"{folder / 'job.json'} is not of {SCHEMA}", "make it again: edgefkp bundle")
    job = read_record(_Job, stored, str(folder / "job.json"), "make it again: edgefkp bundle", strict=True)
    for name, digest in job.sha256.items():
        if sha256_file(folder / "files" / name) != digest:
            raise EdgefkpError(f"{name} was damaged on the way: its sha256 is not that of the bundle", "copy it again")
    reference = read_arrays(folder / "golden.npz", "make it again: edgefkp bundle", timed_images.LARGEST)
    cases = [replace(case, file=str(folder / "files" / case.file)) for case in job.cases]
    return Bundle(cases, job.settings, timed_images.read(folder / "images.npz"), reference)


@contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Bundle]:
    """The bundle in a folder or zip. A zip is unpacked below `scratch`, always at the same place, so that a run that
    was cut off is found again, and is removed when the block ends.

    Raises EdgefkpError if it is no bundle.
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


def _files(cases: list[Case]) -> list[Path]:
    files = list(dict.fromkeys(Path(case.file) for case in cases))
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise EdgefkpError(f"two files are called {name}", "rename one: a bundle has one folder of files")
    return files
