"""From the outcomes of a cell's processes to its row in the result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench import monitor, stats
from edgefkp.bench.plan import Cell
from edgefkp.bench.result import Clocks, Process, Raw, Row
from edgefkp.bench.timed_images import Pictures
from edgefkp.bench.worker import STAGES
from edgefkp.evaluation.metrics import rmse
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import replacing, sha256_file

GOLDEN = 1.0  # pixels; kernels of other machines round differently, by up to an int8 step or two


@dataclass(frozen=True)
class Outcome:
    """What one worker process wrote. facts: see worker.run; arrays: warm, steady and, for faces, outputs."""

    round: int
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @staticmethod
    def read(path: Path, round_number: int) -> "Outcome":
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Outcome(round_number, json.loads(str(arrays.pop("facts"))), arrays)

    def write(self, path: Path) -> None:
        with replacing(path) as temporary, open(temporary, "wb") as out:
            np.savez(out, facts=np.array(json.dumps(self.facts)), **self.arrays)  # type: ignore[arg-type]

    @property
    def steady(self) -> np.ndarray:
        """(n,) nanoseconds of each steady inference; end to end: the sum of its stages."""
        return _summed(self.arrays["steady"])


@dataclass(frozen=True)
class Surroundings:
    """What the rows of a run have in common. load: cores that others kept busy before it; origin: its first process.

    golden: file name -> points that its first pictures must give.
    """

    cores: int | None
    load: float | None
    trace: list[monitor.Sample]
    origin: float
    golden: Mapping[str, np.ndarray]


def row_of(
    cell: Cell, scheme: str, version: str, outcomes: list[Outcome], pictures: Pictures, around: Surroundings
) -> Row:
    """Summarise the outcomes (at least one) of `cell`. version: of its runtime."""
    processes = [_process(outcome, around.origin) for outcome in outcomes]
    windows = [(outcome.facts["steady_from"], outcome.facts["steady_to"]) for outcome in outcomes]
    joules = monitor.joules_in(around.trace, windows)
    events = monitor.checks(around.trace, windows)
    points = outcomes[0].arrays.get("outputs")
    golden = _golden(points, around.golden.get(Path(cell.file).name))
    if golden is not None and golden > GOLDEN:
        events.append((stats.INVALID, f"its points are up to {golden:.1f} px from those of the machine it came from"))
    verdict, reasons = stats.verdict(processes, cell.threads, around.cores, around.load, events)
    ms = stats.times([outcome.steady for outcome in outcomes])
    scored = points is not None and len(points) == len(pictures.keypoints) and pictures.labelled
    there = ~np.isnan(pictures.keypoints) if scored else np.zeros((1, 1, 1), bool)
    return Row(
        file=Path(cell.file).name,
        sha256=sha256_file(cell.file),
        bytes=Path(cell.file).stat().st_size,
        model=parse_tflite(cell.file).model,
        scheme=scheme,
        runtime=cell.runtime,
        version=version,
        threads=cell.threads,
        xnnpack=cell.xnnpack,
        delegate=cell.delegate,
        python=cell.python,
        mode=cell.mode,
        seconds_per_100=_seconds_per_100(outcomes),
        ms=ms,
        stages=_stages(outcomes) if cell.mode == "e2e" else {},
        clocks=Clocks(*(_median(process.clocks.__dict__[clock] for process in processes) for clock in CLOCKS)),
        memory_kib=_memory(processes),
        millijoules=None if joules is None else 1000 * joules / ms.count,
        rmse=rmse(points, pictures.keypoints) if scored else None,  # type: ignore[arg-type]
        faces=int(there.any((1, 2)).sum()),
        coordinates=int(there.sum()),
        golden=golden,
        verdict=verdict,
        reasons=reasons,
        processes=processes,
    )


CLOCKS = ("imported", "loaded", "allocated", "first", "steady")


def _process(outcome: Outcome, origin: float) -> Process:
    facts, stages = outcome.facts, outcome.arrays["steady"]
    return Process(
        round=outcome.round,
        **{name: facts[name] - origin for name in ("started", "steady_from", "steady_to")},
        kernel=tuple(facts["kernel"]),
        load=facts["load"],
        clocks=Clocks(**facts["clocks"], first=facts["first_seconds"], steady=facts["steady_seconds"]),
        cpu_seconds=facts["cpu_seconds"],
        wall_seconds=facts["wall_seconds"],
        voluntary_switches=facts["voluntary_switches"],
        involuntary_switches=facts["involuntary_switches"],
        others_cores=facts["others_cores"],
        stolen_cores=facts["stolen_cores"],
        memory=facts["memory"],
        warm=Raw.of(_summed(outcome.arrays["warm"])),
        steady=Raw.of(outcome.steady),
        stages={stage: Raw.of(stages[:, k]) for k, stage in enumerate(STAGES)} if stages.ndim == 2 else {},
    )


def _golden(points: np.ndarray | None, expected: np.ndarray | None) -> float | None:
    """Largest difference in pixels; None where nothing is expected."""
    if points is None or expected is None:
        return None
    return float(np.abs(points[: len(expected)] - expected).max())


def _summed(times: np.ndarray) -> np.ndarray:
    return times.sum(1) if times.ndim == 2 else times


def _seconds_per_100(outcomes: list[Outcome]) -> float:
    """The median pass over all the different pictures, scaled to 100 of them."""
    passes = []
    for outcome in outcomes:
        pictures = outcome.facts["pictures"]
        passes.append(outcome.steady.reshape(-1, pictures).sum(1) * (100 / pictures))
    return float(np.median(np.concatenate(passes))) / 1e9


def _stages(outcomes: list[Outcome]) -> dict[str, float]:
    together = np.concatenate([outcome.arrays["steady"] for outcome in outcomes])
    return {stage: float(np.median(together[:, k])) / 1e6 for k, stage in enumerate(STAGES)}


def _memory(processes: list[Process]) -> int | None:
    added = [
        after - before
        for process in processes
        if (after := process.memory["steady"]) is not None and (before := process.memory["start"]) is not None
    ]
    return int(np.median(added)) if added else None


def _median(values: Any) -> float:
    return float(np.median(list(values)))
