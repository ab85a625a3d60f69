"""Run files under a 64-bit Arm Python: do they load, and do they produce the same keypoints as on this machine?

    python -m bench.compare_on_arm PYTHON OUT.json FILE...     compare FILEs and write the result

PYTHON is the Python of an Arm userland, which may be emulated. Emulation allows a comparison of results but not of
times. An emulated userland uses the CPU of a Raspberry Pi 4 ($QEMU_CPU, default cortex-a72).
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import run, words_of
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Table
from edgefkp.export.inspect import inspect
from edgefkp.export.schemes import SCHEMES
from edgefkp.files import read_json, write_json
from edgefkp.records import read_record
from edgefkp.runtime.reference_vectors import FLOAT_LIMIT, INTEGER_LIMIT
from edgefkp.runtime.safety import run_in_child

SCHEMA = "edgefkp.arm/1"
CPU = "cortex-a72"
RUNTIMES = ("litert", "tflite-runtime")
_LAST_BIT = 1e-4  # px; a processor may round differently when it converts the final integers to floats


@dataclass(frozen=True)
class ArmRow:
    """One file in one runtime, on Arm and on this machine."""

    file: str
    sha256: str
    scheme: str
    runtime: str
    version: str  # on Arm
    here: str  # version of the same runtime on this machine
    outputs: int
    equal: int  # number of bit-identical outputs
    pixels: float  # largest difference
    step: float  # of an integer output, pixels
    islands: bool = False  # some layers of an integer file compute in float

    @property
    def limit(self) -> float:
        """Largest difference in pixels allowed for this scheme between processors, in the same runtime."""
        scheme = SCHEMES.known.get(self.scheme) if self.scheme in SCHEMES else None  # else mixed
        if scheme and scheme.exact and not self.islands:
            return 0.0 if scheme.integer_ends else _LAST_BIT
        # With float operators in the graph, the last bit of a float can change the rounding of an integer output.
        return FLOAT_LIMIT if scheme and not scheme.integer else max(INTEGER_LIMIT, 1.01 * self.step)


@dataclass(frozen=True)
class ArmResult:
    schema: str
    machine: str
    cpu: str
    faces: int
    rows: tuple[ArmRow, ...]


def compare(python: str, path: Path, images: np.ndarray, runtime: str) -> ArmRow:
    """Run `path` on (N, *image_shape) uint8 images here and under `python`. Raises EdgefkpError if it fails."""
    os.environ.setdefault("QEMU_CPU", CPU)
    here = run_in_child(path, images, runtime)
    there = run_in_child(path, images, runtime, python)
    if there.machine != "aarch64":
        raise EdgefkpError(f"{python} runs on {there.machine}", "give the Python of a 64-bit Arm userland")
    inspection = inspect(path)
    return ArmRow(
        file=path.name,
        sha256=inspection.sha256,
        scheme=inspection.scheme,
        runtime=there.runtime,
        version=there.version,
        here=here.version,
        outputs=here.outputs.size,
        equal=int((here.outputs == there.outputs).sum()),
        pixels=float(np.abs(here.keypoints - there.keypoints).max()),
        step=inspection.points_port.step or 0.0,
        islands=bool(inspection.float_islands),
    )


def arm_table(path: Path) -> Table:
    """The table of a stored result."""
    rows = [
        [
            f"`{row.file}`",
            f"{row.runtime} {row.version}",
            row.here,
            f"{row.equal} of {row.outputs}",
            f"{row.pixels:.5f} px",
        ]
        for row in read_record(ArmResult, read_json(path), str(path)).rows
    ]
    return Table.of(
        ["file", "runtime on Arm", "version on the host", "identical outputs", "largest difference"], rows, words=5
    )


def main() -> None:
    from edgefkp.runtime.reference_vectors import read_reference_vectors

    words = words_of(__doc__, "python", "out", "files...")
    images = read_reference_vectors().images
    rows = []
    for file in words.files:
        for runtime in RUNTIMES:
            rows.append(compare(words.python, Path(file), images, runtime))
            print(rows[-1], file=sys.stderr, flush=True)
    write_json(words.out, ArmResult(SCHEMA, "aarch64", os.environ["QEMU_CPU"], len(images), tuple(rows)))


if __name__ == "__main__":
    run(main)
