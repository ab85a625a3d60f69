"""A measurement as stored: frozen dataclasses, one JSON file, every raw value in it."""

import base64
import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench.acceleration import Acceleration
from edgefkp.bench.device import Device
from edgefkp.bench.operator_times import OperatorTimes
from edgefkp.bench.plan import MODES
from edgefkp.errors import EdgefkpError, printable
from edgefkp.files import read_json, write_json
from edgefkp.records import read_record

SCHEMA = "edgefkp.bench/1"
KEPT = 20_000  # raw values stored of one process, at most
VERDICTS = ("VALID", "SUSPECT", "INVALID")  # from good to bad
MICROSECOND = 1000  # the unit of values that do not fit uint32 nanoseconds (over 4.29 s)


@dataclass(frozen=True)
class Raw:
    """Times of one process in the order taken."""

    count: int  # times taken
    kept: int  # times stored, evenly spaced among those taken
    unit_ns: int  # nanoseconds of one unit of `data`
    data: str  # base64 of gzip of little-endian uint32

    def __post_init__(self) -> None:
        if not 0 < self.kept <= min(self.count, KEPT) or self.unit_ns not in (1, MICROSECOND):
            raise EdgefkpError(
                f"{self.kept} of {self.count} times in units of {self.unit_ns} ns; 1 to {KEPT} can be kept, in units "
                f"of 1 or {MICROSECOND}"
            )

    @staticmethod
    def of(nanoseconds: np.ndarray) -> "Raw":
        kept = nanoseconds
        if len(kept) > KEPT:
            kept = kept[np.linspace(0, len(kept) - 1, KEPT).round().astype(int)]
        unit = 1 if not len(kept) or kept.max() < 2**32 else MICROSECOND
        packed = gzip.compress((kept // unit).astype("<u4").tobytes(), mtime=0)
        return Raw(len(nanoseconds), len(kept), unit, base64.b64encode(packed).decode())

    def nanoseconds(self) -> np.ndarray:
        """(kept,) float64. Raises EdgefkpError if the data are damaged, or more or less than `kept`."""
        size = 4 * self.kept
        try:
            found = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(base64.b64decode(self.data), size + 1)
        except (ValueError, zlib.error) as error:
            raise EdgefkpError(f"the times of a process are damaged: {error}", "measure again") from error
        if len(found) != size:
            more = "more" if len(found) > size else "fewer"
            raise EdgefkpError(f"a process has {more} than the {self.kept} times that it should have", "measure again")
        return np.frombuffer(found, "<u4").astype(np.float64) * self.unit_ns


@dataclass(frozen=True)
class Clocks:
    """Seconds of the steps from nothing to a warm network."""

    imported: float  # numpy and the interpreter package
    loaded: float  # making the interpreter
    allocated: float  # allocating its tensors
    first: float  # the first invoke
    steady: float  # a warm invoke: the median


@dataclass(frozen=True)
class Process:
    """One worker process of a case."""

    round: int
    started: float  # seconds on the clock of the monitor's trace, which begins with the first process
    steady_from: float  # the same clock: the timed part begins
    steady_to: float
    # Seconds of the same arithmetic before and after the timed part.
    reference_seconds: tuple[float, float] = field(metadata={"json": "kernel"})
    load: float | None  # 1-minute load average before the process
    clocks: Clocks
    cpu_seconds: float  # this and the next five: of the timed part
    wall_seconds: float
    voluntary_switches: int
    involuntary_switches: int
    others_cores: float | None  # cores that other processes kept busy
    stolen_cores: float | None  # cores that a hypervisor took away
    memory: dict[str, int | None]  # VmHWM in KiB at "start", "loaded" and "steady"
    warmups: Raw = field(metadata={"json": "warm"})
    values: Raw = field(metadata={"json": "steady"})  # mode e2e: the sums of the stages
    stages: dict[str, Raw]  # mode e2e: the times of each stage
    core_wait: float | None = None  # seconds of the timed part in which it was ready to run and had no core


@dataclass(frozen=True)
class Times:
    """Milliseconds an inference, over all processes. A percentile is None with fewer than ten values beyond it."""

    p50: float
    interval: tuple[float, float]  # of p50, 95 %: bootstrap over processes and the values within
    p90: float | None
    p95: float | None
    p99: float | None
    mad: float  # median absolute deviation
    mean: float
    minimum: float
    count: int

    def __post_init__(self) -> None:
        numbers = [self.p50, *self.interval, self.mad, self.mean, self.minimum]
        if not np.isfinite(numbers).all() or self.p50 <= 0 or self.count < 1:
            raise EdgefkpError("times that are not numbers above 0")


@dataclass(frozen=True)
class BenchRow:
    """What was measured of one case. A new field needs a default: results stored before do not have it."""

    file: str
    sha256: str
    bytes: int
    model: str
    scheme: str
    runtime: str
    version: str  # of the runtime
    threads: int
    xnnpack: bool
    delegate: str
    python: str
    mode: str  # "invoke" or "e2e"
    seconds_per_100: float  # median pass over the different images, per 100 of them
    ms: Times
    stages: dict[str, float]  # mode e2e: median milliseconds of each stage
    clocks: Clocks
    memory_kib: int | None  # what loading and running added to VmHWM
    millijoules: float | None  # of the whole machine for one inference; None without a readable energy counter
    rmse: float | None  # pixels, of the outputs of the timed inferences; None without labels
    faces: int  # with a label
    coordinates: int  # with a label
    # Largest difference in pixels from the outputs that came with a bundle; None without.
    reference_difference: float | None = field(metadata={"json": "golden"})
    verdict: str
    reasons: list[str]
    processes: list[Process]
    # Mode e2e: what cut the face out of the frame. "cv2" is the product's crop, geometry.crop_face; "numpy" is a crop
    # of its own that the benchmark had before. "" in mode invoke.
    crop: str = "numpy"
    accelerator: str = ""  # "cpu", "gpu" or "npu" by LiteRT's CompiledModel; "" for the runtime's interpreter
    acceleration: Acceleration | None = None  # of an accelerator or a delegate
    operators: OperatorTimes | None = None  # of a run with --profile, in mode invoke

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS or self.mode not in MODES or not self.processes:
            raise EdgefkpError(
                f"verdict {self.verdict}, mode {self.mode} and {len(self.processes)} processes; expected one of "
                f"{', '.join(VERDICTS)}, one of {', '.join(MODES)} and at least one process"
            )


@dataclass(frozen=True)
class Failure:
    """A case that could not be measured, and why."""

    case: str = field(metadata={"json": "cell"})
    message: str
    hint: str
    environment: bool = False  # this machine lacks something, and nothing is wrong with the file


@dataclass(frozen=True)
class Result:
    """One run of the benchmark on one device."""

    name: str
    created: str  # UTC
    edgefkp: str  # version
    device: Device
    plan: dict[str, Any]  # the TimingSettings, and how many cases and processes
    machine: dict[str, Any]  # machine.describe
    load: float | None  # cores that others kept busy just before the run
    data: dict[str, Any]  # the timed images: name, licence, images, labeled, hash
    trace: dict[str, Any] = field(metadata={"json": "board"})  # monitor.describe: clock, temperature, throttling
    rows: list[BenchRow]
    failed: list[Failure]
    verdict: str  # the worst of the rows'
    notes: list[str]
    seconds: float  # that the whole run took
    schema: str = SCHEMA


def save(result: Result, path: Path | str) -> Path:
    return write_json(path, result)


def read(path: Path | str) -> Result:
    """A stored result; raises EdgefkpError where the file is not one."""
    return parse(read_json(path), str(path))


# What others read of the parts that are no records.
_NEEDED: dict[str, dict[str, Any]] = {
    "data": {"name": str, "images": int, "hash": str},
    "plan": {"processes": int, "seconds": (int, float)},
}


def parse(content: Any, where: str) -> Result:
    """A result that may come from anybody: text that a terminal would obey is escaped, counts are those of the data.

    Raises EdgefkpError that names the first field that is missing, of another type or not what is there.
    """
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise EdgefkpError(f"{where} has schema {found!r}, expected {SCHEMA!r}", "give a file that edgefkp bench wrote")
    read = read_record(Result, printable_json(content), where, "measure again")
    for part, needed in _NEEDED.items():
        for name, kind in needed.items():
            if not isinstance(getattr(read, part).get(name), kind):
                raise EdgefkpError(f"{where} is not a whole result: {part}.{name} is missing", "measure again")
    if not read.rows:
        raise EdgefkpError(f"{where} is a result without a row", "measure again")
    for row in read.rows:
        for number, process in enumerate(row.processes):
            try:
                for raw in (process.warmups, process.values, *process.stages.values()):
                    raw.nanoseconds()
            except EdgefkpError as error:
                message = f"{where} is not a whole result: {row.file}, {row.mode}, process {number}: {error.message}"
                raise EdgefkpError(message, "measure again") from error
    return read


def printable_json(value: Any, depth: int = 20) -> Any:
    """JSON from elsewhere with its text as `printable` gives it. Raises EdgefkpError for more than `depth` levels."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | dict) and not depth:
        raise EdgefkpError("JSON with more levels than any result has", "measure again")
    if isinstance(value, list):
        return [printable_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {printable(name): printable_json(item, depth - 1) for name, item in value.items()}
    return value
