"""One self-contained folder or zip that measures on another machine: files, images, reference points, the harness.

See unbundle for what opens it there.
"""

import shutil
import warnings
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgefkp.bench import payload, timed_images
from edgefkp.bench.plan import Case, TimingSettings
from edgefkp.bench.timed_images import TimedImages
from edgefkp.card import card_path
from edgefkp.data.arrays import write_arrays
from edgefkp.errors import EdgefkpError, counted
from edgefkp.files import replacing, sha256_file, write_json, write_text
from edgefkp.layout import ModelSpec
from edgefkp.runtime import safety
from edgefkp.runtime.any_graph import require_runnable
from edgefkp.runtime.contract import known_spec
from edgefkp.runtime.scratch import scratch_folder

SCHEMA = "edgefkp.bundle/1"
REFERENCE = 10  # images whose points travel along
JOB, IMAGES, POINTS, FILES = "job.json", "images.npz", "golden.npz", "files"

README = """edgefkp bench bundle: measures {files} on {images} ({license}).

With numpy and a runtime for .tflite files (pip install ai-edge-litert; on 32-bit Arm tflite-runtime and numpy<2):

    cd into this folder
    python3 -m edgefkp.bench.run_bundle . result.json

With edgefkp installed: edgefkp bench --bundle THE_ZIP
Then, where edgefkp is installed: edgefkp bench show result.json
"""


class NoReference(UserWarning):
    """A file of a bundle travels without reference points."""


@dataclass(frozen=True)
class BundleJob:
    """job.json of a bundle."""

    schema: str
    cases: list[Case] = field(metadata={"json": "cells"})  # their files by name
    settings: TimingSettings
    sha256: dict[str, str]  # of each file, by name


def make(folder: Path, cases: list[Case], images: TimedImages, settings: TimingSettings) -> Path:
    """Fill `folder`. Raises EdgefkpError if two files have one name, or a case needs another Python."""
    files = _files(cases)
    if any(case.python for case in cases):
        raise EdgefkpError("a bundle takes no --python: the board's own Python measures", "leave --python out")
    payload.copy_into(folder)
    for file in files:
        target = folder / FILES / file.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
        if card_path(file).is_file():
            shutil.copyfile(card_path(file), card_path(target))
    images = images.prepared_for(spec.input for spec in timed_images.specs_of(files))
    timed_images.save(images, folder / IMAGES)
    write_arrays(folder / POINTS, reference_points(files, images), compressed=True)
    named = [replace(case, file=Path(case.file).name) for case in cases]
    write_json(folder / JOB, BundleJob(SCHEMA, named, settings, {file.name: sha256_file(file) for file in files}))
    text = README.format(
        files=counted(len(files), ".tflite file"), images=counted(len(images.images), "image"), license=images.license
    )
    write_text(folder / "README.txt", text)
    return folder


def make_zip(path: Path, cases: list[Case], images: TimedImages, settings: TimingSettings) -> Path:
    with scratch_folder() as made, replacing(path) as temporary:
        folder = make(made, cases, images, settings)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder))
    return path


def reference_points(files: list[Path], images: TimedImages) -> dict[str, np.ndarray]:
    """File name -> the points that this machine computes for the first images; for keypoint networks alone.

    A file that does not run here may travel, with the warning NoReference. Raises EdgefkpError for one that kills the
    process that runs it, and for one that is no .tflite or .onnx.
    """
    points = {}
    for file in files:
        require_runnable(file)
        try:
            own = images.at(known_spec(file) or ModelSpec())
            points[file.name] = safety.run_in_child(file, own.images[:REFERENCE]).keypoints
        except safety.DeadlyFile:
            raise
        except EdgefkpError as error:
            why = f"{error.message}; what the board computes will be compared with nothing"
            warnings.warn(f"{file.name} gives no points here: {why}", NoReference, stacklevel=2)
    return points


def _files(cases: list[Case]) -> list[Path]:
    files = list(dict.fromkeys(Path(case.file) for case in cases))
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise EdgefkpError(f"two files are called {name}", "rename one: a bundle has one folder of files")
    return files
