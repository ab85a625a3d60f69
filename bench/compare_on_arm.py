"""The same files under a 64-bit Arm Python: does it load, and does it say the same as here?

    python -m bench.compare_on_arm PYTHON OUT.json FILE...     compares FILEs, and writes what was found

PYTHON runs an Arm userland, which may be emulated: numbers can be compared so, times not. Emulated, it computes as the
CPU of a Raspberry Pi 4 ($QEMU_CPU, default cortex-a72).
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.export.inspect import inspect
from edgefkp.files import write_json
from edgefkp.runtime.child import answers
from edgefkp.runtime.reference_vectors import FLOAT_LIMIT, INTEGER_LIMIT

SCHEMA = "edgefkp.arm/1"
CPU = "cortex-a72"
RUNTIMES = ("litert", "tflite-runtime")
_EXACT = ("int8", "int8io", "int16x8")  # schemes whose integers are the same on every processor
_LAST_BIT = 1e-4  # px; where the integers become floats at the end, a processor may round the product differently


@dataclass(frozen=True)
class ArmRow:
    """runtime, version: on Arm; here: the version of the same runtime on this machine.

    equal: of `outputs`, those that are bit by bit the same; pixels: the largest difference. step: of an integer output.
    """

    file: str
    sha256: str
    scheme: str
    runtime: str
    version: str
    here: str
    outputs: int
    equal: int
    pixels: float
    step: float

    @property
    def limit(self) -> float:
        """Pixels that this scheme may differ by between processors in the same runtime."""
        if self.scheme in _EXACT:
            return 0.0 if self.scheme == "int8io" else _LAST_BIT
        # Where float takes part, a last bit may tip the rounding of an integer output.
        return max(INTEGER_LIMIT, 1.01 * self.step) if self.scheme in ("dynamic", "mixed") else FLOAT_LIMIT


@dataclass(frozen=True)
class ArmResult:
    schema: str
    machine: str
    cpu: str
    faces: int
    rows: tuple[ArmRow, ...]


def compare(python: str, path: Path, images: np.ndarray, runtime: str) -> ArmRow:
    """Ask `path` about (N, 96, 96) uint8 images here and under `python`. Raises EdgefkpError where it does not run."""
    os.environ.setdefault("QEMU_CPU", CPU)
    here = answers(path, images, runtime)
    there = answers(path, images, runtime, python)
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
        step=inspection.outputs[0].step or 0.0,
    )


def arm_markdown(result: dict) -> str:  # type: ignore[type-arg]
    """The table of a stored result for the documents."""
    lines = ["| file | runtime on Arm | here | same bits | largest difference |", "| --- | --- | --- | --- | --- |"]
    for row in result["rows"]:
        lines.append(
            f"| `{row['file']}` | {row['runtime']} {row['version']} | {row['here']} | {row['equal']} of "
            f"{row['outputs']} | {row['pixels']:.5f} px |"
        )
    return "\n".join(lines)


def main(python: str, out: str, files: Sequence[str]) -> None:
    from edgefkp.runtime.reference_vectors import read_reference_vectors

    images = read_reference_vectors().images
    rows = []
    for file in files:
        for runtime in RUNTIMES:
            rows.append(compare(python, Path(file), images, runtime))
            print(rows[-1], file=sys.stderr, flush=True)
    write_json(out, ArmResult(SCHEMA, "aarch64", os.environ["QEMU_CPU"], len(images), tuple(rows)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
