"""Everything that the study's report is made from, read from disk: nothing is measured here."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np

from edgefkp.bench import result as bench_result
from edgefkp.bench.result import Result
from edgefkp.bench.stats import bootstrap_medians
from edgefkp.bench.verdict import INVALID, VALID
from edgefkp.data.info import Info
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.networks.costs import cost_of
from edgefkp.records import read_record
from edgefkp.study.cell import CellResult, read_result
from edgefkp.study.comparison import converged, rmse_of
from edgefkp.study.grid import SECOND_SEEDS, grid

DATA = "data.json"  # in the study's folder: the output of `edgefkp data info --json`
FORMER = "former"  # there: results that others have replaced
STARTS = "random-start.json"  # there: validation RMSE of cells that were trained from a random last layer
ZOO, ZOO_KERAS = "zoo.json", "zoo-keras.json"  # in bench/results: what bench/zoo.py and `edgefkp bench` measured
ZOO_SCHEMA = "edgefkp.zoo/1"
UNTRAINED = "-untrained"  # ends the names of untrained models
HOWS = {"keras": "Keras predict", "float32": "TFLite float32", "int8": "TFLite int8"}
Results = dict[str, CellResult]
Record = TypeVar("Record")


@dataclass(frozen=True)
class ZooEntry:
    """Sizes of one untrained network, and what Keras takes for it."""

    parameters: int
    macs: int
    keras_bytes: int | None = None
    h5_bytes: int | None = None
    float32_bytes: int | None = None
    int8_bytes: int | None = None
    seconds_per_100: float | None = None
    interval: tuple[float, float] | None = None  # of the seconds, 95 %
    all_seconds: list[list[float]] = field(default_factory=list)  # of each process


@dataclass(frozen=True)
class Zoo:
    """What bench/zoo.py measured."""

    versions: dict[str, str]
    networks: dict[str, ZooEntry]
    images: int = 0
    batch: int = 0
    machine: dict[str, Any] = field(default_factory=dict)
    load: float | None = None
    schema: str = ZOO_SCHEMA


class StartEpoch(TypedDict):
    images: int  # shown until then
    validation_rmse: float  # px


@dataclass(frozen=True)
class RandomStart:
    """How a cell learned from a random last layer, where the study's cells start at the mean shape."""

    validation_rmse: float  # px
    images: int
    history: list[StartEpoch]

    def __post_init__(self) -> None:
        if not self.history:
            raise EdgefkpError("a training without an epoch")


@dataclass(frozen=True)
class Starts:
    cells: dict[str, RandomStart]
    schema: str = "edgefkp.starts/1"


@dataclass(frozen=True)
class Timing:
    """How long 100 images take."""

    name: str
    seconds: float
    interval: tuple[float, float]  # of the seconds, 95 %
    processes: list[np.ndarray] = field(repr=False)  # nanoseconds of single measurements in each process
    verdict: str = VALID

    def ratio(self, other: "Timing") -> tuple[float, tuple[float, float]]:
        """This time over the other's, with a 95 % interval."""
        low, high = np.percentile(self._drawn / other._drawn, [2.5, 97.5])
        return self.seconds / other.seconds, (float(low), float(high))

    @cached_property
    def _drawn(self) -> np.ndarray:
        return bootstrap_medians(self.processes, seed=zlib.crc32(self.name.encode()))


@dataclass(frozen=True)
class Evidence:
    """What is known; what is not known has its default."""

    results: Results  # by cell
    info: Info | None = None  # of the data
    zoo: Zoo | None = None  # sizes and Keras' times of untrained networks
    bench: Result | None = None  # times of the untrained networks' .tflite files
    timings: dict[tuple[str, str], Timing] = field(default_factory=dict)  # by model and one of HOWS
    starts: dict[str, RandomStart] = field(default_factory=dict)  # cell -> how it learned from a random last layer
    former: Results = field(default_factory=dict)  # cells that were made again in another way, as they were

    def missing(self) -> list[str]:
        return [cell.name for cell in grid() if cell.name not in self.results]

    def size(self, network: str, kind: str) -> int | None:
        """Bytes as "h5", "keras", "float32" or "int8" file: of the untrained network, else of a trained cell."""
        entry = self.zoo.networks.get(network.removesuffix("_frozen")) if self.zoo else None
        if entry and (size := getattr(entry, f"{kind}_bytes")):
            return int(size)
        cells = [cell for cell in self.results.values() if cell.identity.network.removesuffix("_frozen") == network]
        return next((cell.file[f"{kind}_bytes"] for cell in cells if f"{kind}_bytes" in cell.file), None)

    def timing(self, network: str, how: str) -> Timing | None:
        """how: of HOWS. A frozen network takes the time of the same one fine-tuned; None where it was not timed."""
        return self.timings.get((f"{network.removesuffix('_frozen')}{UNTRAINED}", how))

    @property
    def doubts(self) -> list[str]:
        """Of the timed files: those whose measurement is not to be believed."""
        return [row.file for row in (self.bench.rows if self.bench else []) if row.verdict == INVALID]


def _read_study(folder: Path, damaged: list[str] | None) -> Results:
    """The results of the grid's cells that stand in `folder`, by name."""
    found = {cell.name: _read(read_result, folder / f"{cell.name}.json", damaged) for cell in grid()}
    return {name: result for name, result in found.items() if result}


def read_evidence(study: Path, bench: Path | None = None, damaged: list[str] | None = None) -> Evidence:
    """bench: the folder of the zoo's times; by default bench/results beside the folder that holds `study`.

    A file that has another content than its name promises counts as missing, and what is wrong is added to `damaged`;
    without that list it raises EdgefkpError.
    """
    bench = bench or study.parent.parent / "bench" / "results"
    info = _read(partial(_stored, Info), study / DATA, damaged)
    starts = _read(partial(_stored, Starts), study / STARTS, damaged)
    zoo = _read(partial(_stored, Zoo), bench / ZOO_KERAS, damaged)
    times = _read(bench_result.read, bench / ZOO, damaged)
    timings = {**(_keras_timings(zoo) if zoo else {}), **(_file_timings(times) if times else {})}
    results, former = (_read_study(folder, damaged) for folder in (study, study / FORMER))
    return Evidence(results, info, zoo, times, timings, starts.cells if starts else {}, former)


def _read(read: Callable[[Path], Record], path: Path, damaged: list[str] | None) -> Record | None:
    """None for a file that does not exist, or is damaged if `damaged` collects those."""
    if not path.exists():
        return None
    try:
        return read(path)
    except EdgefkpError as error:
        if damaged is None:
            raise
        damaged.append(error.message)
        return None


def _keras_timings(zoo: Zoo) -> dict[tuple[str, str], Timing]:
    timings = {}
    for network, entry in zoo.networks.items():
        if entry.seconds_per_100 is not None and entry.interval is not None:
            passes = [np.array(seconds) * 1e9 for seconds in entry.all_seconds]
            key = f"{network}{UNTRAINED}", "keras"
            timings[key] = Timing(".".join(key), entry.seconds_per_100, entry.interval, passes)
    return timings


def _file_timings(result: Result) -> dict[tuple[str, str], Timing]:
    timings = {}
    for row in (row for row in result.rows if row.mode == "invoke"):
        low, high = (edge / 10 for edge in row.ms.interval)  # ms of one image -> s of 100
        passes = [process.values.nanoseconds() for process in row.processes]
        timings[row.model, row.scheme] = Timing(row.file, row.ms.p50 / 10, (low, high), passes, row.verdict)
    return timings


def _stored(kind: type[Record], path: Path) -> Record:
    stored, schema = read_json(path), getattr(kind, "schema")  # noqa: B009 - the default of the record's field
    if not isinstance(stored, dict) or stored.get("schema") != schema:
        raise EdgefkpError(f"{path} is not of schema {schema}", "move it elsewhere and make it again")
    return read_record(kind, stored, str(path), "make it again")


def parameters_of(network: str) -> int:
    """Raises EdgefkpError for a network whose cost was not measured."""
    if (cost := cost_of(network)) is None:
        raise EdgefkpError(f"the cost of {network} was not measured", "python -m bench.measure_costs")
    return cost.parameters


def seed_noise(results: Results) -> float:
    """The largest share by which RMSE changed between two seeds of one cell; 0 where no cell was trained twice."""
    changes = []
    for name in SECOND_SEEDS:
        for cell in (cell for cell in grid() if cell.network == name and cell.seed):
            first, second = results.get(cell.name.removesuffix(f"-seed{cell.seed}")), results.get(cell.name)
            if first and second and converged(first) and converged(second):
                changes.append(abs(np.log(rmse_of(first) / rmse_of(second))))
    return float(np.expm1(max(changes, default=0.0)))
