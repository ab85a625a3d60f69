"""A measurement as stored: frozen dataclasses, one JSON file, every raw value in it."""

import base64
import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench.device import Device
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_json
from edgefkp.records import read_record

SCHEMA = "edgefkp.bench/1"
KEPT = 20_000  # raw values stored of one process, at most
MICROSECOND = 1000  # the unit of values that do not fit uint32 nanoseconds (over 4.29 s)


@dataclass(frozen=True)
class Raw:
    """Times of one process in the order taken."""

    count: int  # times taken
    kept: int  # times stored, evenly spaced among those taken
    unit_ns: int  # nanoseconds of one unit of `data`
    data: str  # base64 of gzip of little-endian uint32

    @staticmethod
    def of(nanoseconds: np.ndarray) -> "Raw":
        kept = nanoseconds
        if len(kept) > KEPT:
            kept = kept[np.linspace(0, len(kept) - 1, KEPT).round().astype(int)]
        unit = 1 if not len(kept) or kept.max() < 2**32 else MICROSECOND
        packed = gzip.compress((kept // unit).astype("<u4").tobytes(), mtime=0)
        return Raw(len(nanoseconds), len(kept), unit, base64.b64encode(packed).decode())

    def nanoseconds(self) -> np.ndarray:
        """(kept,) float64."""
        return np.frombuffer(gzip.decompress(base64.b64decode(self.data)), "<u4").astype(np.float64) * self.unit_ns


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


@dataclass(frozen=True)
class Failure:
    """A case that could not be measured, and why."""

    case: str = field(metadata={"json": "cell"})
    message: str
    hint: str


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


def parse(content: Any, where: str) -> Result:
    """Raises EdgefkpError that names the first field that is missing or of another type."""
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise EdgefkpError(f"{where} has schema {found!r}, expected {SCHEMA!r}", "give a file that edgefkp bench wrote")
    return read_record(Result, content, where, "measure again")
