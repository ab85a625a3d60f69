"""NPUs off the board: what Arm's compiler (Vela, extra `npu`) makes of a file, and what it estimates. Nothing is run.

The estimate is the compiler's own, of a system that it is told: clock and memories stand in the card. On a board it may
be tens of per cent off.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from edgefkp.card import TFLITE, Card, read_card, versions, write_card
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.schemes import parse_tflite
from edgefkp.export.targets import Npu

INSTALL = "pip install 'edgefkp[npu]'"
_SECONDS = 600  # a large network takes some of them
_CONFIG = "Arm/vela.ini"  # of the package: the systems and memory modes


@dataclass(frozen=True)
class NpuEstimate:
    """What the compiler says of one file; an estimate, never a measurement."""

    # Name and version.
    compiler: str
    npu: Npu
    clock_mhz: float
    # Of the file.
    operators: int
    # Outputs of those that the NPU cannot compute: a processor must.
    on_cpu: tuple[str, ...]
    # Kilobytes (1,024) of working memory, and of memory for the weights.
    sram_kb: float
    weights_kb: float
    # Of the part on the NPU.
    cycles: int
    ms: float

    @property
    def whole(self) -> bool:
        return not self.on_cpu


def estimate(path: Path, npu: Npu) -> NpuEstimate:
    """Compile the .tflite at `path` for `npu` and read what the compiler reports.

    Raises EdgefkpError with its reason for a file that it cannot compile, EnvironmentProblem without it.
    """
    from edgefkp.runtime.graph import read_graph
    from edgefkp.runtime.scratch import scratch_folder

    if find_spec("ethosu") is None:
        raise EnvironmentProblem(f"--target {npu.accelerator} needs ethos-u-vela, which is not installed", INSTALL)
    with scratch_folder() as folder:
        command = [
            *(sys.executable, "-I", "-m", "ethosu.vela", str(path.absolute()), "--output-dir", str(folder)),
            *("--accelerator-config", npu.accelerator, "--config", _CONFIG, "--system-config", npu.system),
            *("--memory-mode", npu.memory, "--show-cpu-operations"),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, cwd=folder
            )
        except subprocess.TimeoutExpired:
            raise EdgefkpError(
                f"{path.name}: the compiler did not end in {_SECONDS} s", "give a smaller network"
            ) from None
        found = sorted(folder.glob("*_summary_*.csv"))
        if done.returncode or not found:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            cause = next(
                (line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "no reason given"
            )
            raise EdgefkpError(f"{path.name} cannot be compiled for {npu.accelerator}: {cause[:150]}", _INTEGERS)
        with open(found[0], newline="", encoding="utf-8") as stream:
            row = next(csv.DictReader(stream))
    return NpuEstimate(
        compiler=f"ethos-u-vela {versions('ethos-u-vela').get('ethos-u-vela', 'unknown')}",
        npu=npu,
        clock_mhz=float(row["core_clock"]) / 1e6,
        operators=len(read_graph(path).operators),
        on_cpu=tuple(dict.fromkeys(re.findall(r"^ *CPU: \w+ = (.*) \(outputs .*\)$", done.stdout, re.MULTILINE))),
        sram_kb=float(row["sram_memory_used"]),
        weights_kb=sum(float(row[f"{kind}_memory_used"]) for kind in ("dram", "on_chip_flash", "off_chip_flash")),
        cycles=int(float(row["cycles_total"])),
        ms=1000 * float(row["inference_time"]),
    )


_INTEGERS = "NPUs take full int8: --quant int8io"


def export_npu(path: Path, target: str, npu: Npu) -> NpuEstimate:
    """Estimate the .tflite at `path` and write the result in its card, under the target's name."""
    found = estimate(path, npu)
    card = read_card(path) or Card(TFLITE, parse_tflite(path).model)
    write_card(path, replace(card, npu={**(card.npu or {}), target: asdict(found)}))
    return found
