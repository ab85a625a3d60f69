"""Summarize the processes of a case as its row in the result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench import examination, monitor, stats, verdict
from edgefkp.bench.acceleration import Acceleration
from edgefkp.bench.operator_times import OperatorTimes
from edgefkp.bench.plan import Case
from edgefkp.bench.result import BenchRow, Clocks, Process, Raw
from edgefkp.bench.timed_images import TimedImages
from edgefkp.bench.worker import STAGES
from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import rmse
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import sha256_file
from edgefkp.layout import ModelSpec

REFERENCE_LIMIT = 1.0  # pixels; kernels of other machines round differently, by up to an int8 step or two
CROP = "cv2"  # BenchRow.crop of what is measured now


@dataclass(frozen=True)
class WorkerResult:
    """What one worker process wrote."""

    round: int
    metadata: dict[str, Any]  # see worker.run
    arrays: dict[str, np.ndarray]  # warmups, values and, for a keypoint network, outputs

    @staticmethod
    def kept(path: Path, round_number: int) -> "WorkerResult | None":
        """What an earlier run wrote; None where it is missing or damaged."""
        if not path.exists():
            return None
        try:
            arrays = read_arrays(path, "measure again")
            return WorkerResult(round_number, json.loads(str(arrays.pop("metadata"))), arrays)
        except (EdgefkpError, ValueError, KeyError):
            return None

    def write(self, path: Path) -> None:
        write_arrays(path, {"metadata": np.array(json.dumps(self.metadata)), **self.arrays})

    @property
    def values(self) -> np.ndarray:
        """(n,) nanoseconds of each timed inference; end to end: the sum of its stages."""
        return _summed(self.arrays["values"])


@dataclass(frozen=True)
class ProbeResult:
    """What a first inference showed of a case's file."""

    scheme: str  # how the file really stores numbers
    version: str  # of the runtime
    spec: ModelSpec | None  # None for a file that is no keypoint network
    invoke_seconds: float
    acceleration: Acceleration | None = None  # of an accelerator or a delegate


@dataclass(frozen=True)
class RunContext:
    """What the rows of a run have in common."""

    cores: int | None
    load: float | None  # cores that others kept busy before the run
    trace: list[monitor.Sample]
    origin: float  # time.monotonic() at which the first process started
    reference: Mapping[str, np.ndarray]  # file name -> points that its first images must give
    operators: Mapping[Case, OperatorTimes] = field(default_factory=dict)  # of cases that were profiled


def row_of(
    case: Case, probed: ProbeResult, results: list[WorkerResult], images: TimedImages, context: RunContext
) -> BenchRow:
    """Summarize the results (at least one) of `case`. images: as its network takes them."""
    processes = [_process(result, context.origin) for result in results]
    windows = [(result.metadata["steady_from"], result.metadata["steady_to"]) for result in results]
    joules = monitor.joules_in(context.trace, windows)
    events = monitor.checks(context.trace, windows)
    points = results[0].arrays.get("outputs")
    expected = context.reference.get(Path(case.file).name)
    difference = _difference(points, expected)
    if difference is not None and not difference <= REFERENCE_LIMIT:
        reason = f"its points are up to {difference:.1f} px from those of the machine it came from"
        events.append((verdict.INVALID, reason))
    elif expected is not None and difference is None:
        events.append((verdict.INVALID, "it gives other points than on the machine it came from"))
    acceleration = examination.of_scheme(probed.acceleration, probed.scheme) if probed.acceleration else None
    events += examination.checks(acceleration) if acceleration else []
    word, reasons = verdict.grade(processes, case.threads, context.cores, context.load, events)
    ms = stats.times([result.values for result in results])
    scored = points is not None and points.shape == images.keypoints.shape and images.labeled
    labeled = ~np.isnan(images.keypoints) if scored else np.zeros((1, 1, 1), bool)
    return BenchRow(
        file=Path(case.file).name,
        sha256=sha256_file(case.file),
        bytes=Path(case.file).stat().st_size,
        model=parse_tflite(case.file).model,
        scheme=probed.scheme,
        runtime=case.runtime,
        version=probed.version,
        threads=case.threads,
        xnnpack=case.xnnpack,
        delegate=case.delegate,
        python=case.python,
        mode=case.mode,
        seconds_per_100=_seconds_per_100(results),
        ms=ms,
        stages=_stages(results) if case.mode == "e2e" else {},
        clocks=Clocks(*(_median(process.clocks.__dict__[clock] for process in processes) for clock in CLOCKS)),
        memory_kib=_memory(processes),
        millijoules=None if joules is None else 1000 * joules / ms.count,
        rmse=rmse(points, images.keypoints) if scored else None,  # type: ignore[arg-type]
        faces=int(labeled.any((1, 2)).sum()),
        coordinates=int(labeled.sum()),
        reference_difference=difference,
        verdict=word,
        reasons=reasons,
        processes=processes,
        crop=CROP if case.mode == "e2e" else "",
        accelerator=case.accelerator,
        acceleration=acceleration,
        operators=context.operators.get(case),
    )


CLOCKS = ("imported", "loaded", "allocated", "first", "steady")


def _process(result: WorkerResult, origin: float) -> Process:
    metadata, stages = result.metadata, result.arrays["values"]
    same = ["load", "memory", "cpu_seconds", "wall_seconds", "voluntary_switches", "involuntary_switches"]
    same += ["others_cores", "stolen_cores"]
    clocks = Clocks(**metadata["clocks"], first=metadata["first_seconds"], steady=metadata["steady_seconds"])
    return Process(
        round=result.round,
        **{name: metadata[name] - origin for name in ("started", "steady_from", "steady_to")},
        **{name: metadata[name] for name in same},
        reference_seconds=tuple(metadata["reference_seconds"]),
        clocks=clocks,
        warmups=Raw.of(_summed(result.arrays["warmups"])),
        values=Raw.of(result.values),
        core_wait=metadata.get("core_wait"),
        stages={stage: Raw.of(stages[:, k]) for k, stage in enumerate(STAGES)} if stages.ndim == 2 else {},
    )


def _difference(points: np.ndarray | None, expected: np.ndarray | None) -> float | None:
    """The largest one in pixels; None if nothing is expected, or points of another number."""
    if points is None or expected is None or points[: len(expected)].shape != expected.shape:
        return None
    return float(np.abs(points[: len(expected)] - expected).max())


def _summed(times: np.ndarray) -> np.ndarray:
    return times.sum(1) if times.ndim == 2 else times


def _seconds_per_100(results: list[WorkerResult]) -> float:
    """The median pass over all the different images, scaled to 100 of them."""
    passes = []
    for result in results:
        images = result.metadata["images"]
        passes.append(result.values.reshape(-1, images).sum(1) * (100 / images))
    return float(np.median(np.concatenate(passes))) / 1e9


def _stages(results: list[WorkerResult]) -> dict[str, float]:
    together = np.concatenate([result.arrays["values"] for result in results])
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
