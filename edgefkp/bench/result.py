"""A measurement as stored: frozen dataclasses, one JSON file, every raw value in it."""

import base64
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_json
from edgefkp.records import built

SCHEMA = "edgefkp.bench/1"
KEPT = 20_000  # raw values stored of one process, at most
MICROSECOND = 1000  # the unit of values that do not fit uint32 nanoseconds (over 4.29 s)


@dataclass(frozen=True)
class Raw:
    """Times of one process in the order taken. count: taken; kept: stored, evenly spaced among them.

    data: base64 of gzip of little-endian uint32 in units of `unit_ns` nanoseconds.
    """

    count: int
    kept: int
    unit_ns: int
    data: str

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
    """Seconds. imported: numpy and the interpreter package; then making it, allocating, first and steady invoke."""

    imported: float
    loaded: float
    allocated: float
    first: float
    steady: float


@dataclass(frozen=True)
class Process:
    """One worker process of a cell. load: 1-minute load average before it.

    started, steady_from, steady_to: seconds on the clock of the board's trace, which begins with the first process.
    kernel: seconds of the same fixed arithmetic before and after the steady part.
    cpu, wall, switches, others_cores, stolen_cores: of the steady part. memory: VmHWM in KiB at start, loaded, steady.
    stages: raw times of each stage for mode e2e, where `steady` and `warm` hold their sums.
    """

    round: int
    started: float
    steady_from: float
    steady_to: float
    kernel: tuple[float, float]
    load: float | None
    clocks: Clocks
    cpu_seconds: float
    wall_seconds: float
    voluntary_switches: int
    involuntary_switches: int
    others_cores: float | None
    stolen_cores: float | None
    memory: dict[str, int | None]
    warm: Raw
    steady: Raw
    stages: dict[str, Raw]


@dataclass(frozen=True)
class Times:
    """Milliseconds an inference, over all processes; a percentile is None with fewer than ten values beyond it.

    interval: of p50, 95 %, bootstrap over processes and the values within. mad: median absolute deviation.
    """

    p50: float
    interval: tuple[float, float]
    p90: float | None
    p95: float | None
    p99: float | None
    mad: float
    mean: float
    minimum: float
    count: int


@dataclass(frozen=True)
class Row:
    """One cell. seconds_per_100: median pass over the different pictures, per 100 of them.

    rmse: pixels, of the outputs of the timed inferences; None without labels. golden: largest difference in pixels
    from the outputs that came with a bundle; None without. stages: median milliseconds of each, mode e2e.
    memory_kib: what loading and running added to VmHWM. millijoules: of the whole machine for one inference, None
    where it has no readable energy counter.
    """

    file: str
    sha256: str
    bytes: int
    model: str
    scheme: str
    runtime: str
    version: str
    threads: int
    xnnpack: bool
    delegate: str
    python: str
    mode: str
    seconds_per_100: float
    ms: Times
    stages: dict[str, float]
    clocks: Clocks
    memory_kib: int | None
    millijoules: float | None
    rmse: float | None
    faces: int
    coordinates: int
    golden: float | None
    verdict: str
    reasons: list[str]
    processes: list[Process]


@dataclass(frozen=True)
class Failure:
    """A cell that could not be measured, and why."""

    cell: str
    message: str
    hint: str


@dataclass(frozen=True)
class Result:
    """created: UTC. load: cores that others kept busy just before the run. data: the pictures. board: a trace of it.

    verdict: the worst of the rows'. seconds: the whole run took.
    """

    name: str
    created: str
    edgefkp: str
    device: str
    plan: dict[str, Any]
    machine: dict[str, Any]
    load: float | None
    data: dict[str, Any]
    board: dict[str, Any]
    rows: list[Row]
    failed: list[Failure]
    verdict: str
    notes: list[str]
    seconds: float
    schema: str = SCHEMA


def save(result: Result, path: Path | str) -> Path:
    return write_json(path, result)


def read(path: Path | str) -> Result:
    """A stored result; raises EdgefkpError where the file is not one."""
    return parse(read_json(path), str(path))


def parse(content: Any, where: str) -> Result:
    """Raises EdgefkpError that names the first member that is missing or of another type."""
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise EdgefkpError(f"{where} has schema {found!r}, expected {SCHEMA!r}", "give a file that edgefkp bench wrote")
    try:
        return built(Result, content)
    except ValueError as error:
        raise EdgefkpError(f"{where} is not a whole benchmark result: {error}", "measure again") from error
