"""Everything that the study's report is made from, read from disk: nothing is measured here."""

import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench import result as bench_result
from edgefkp.bench.result import Result
from edgefkp.bench.stats import bootstrap_medians
from edgefkp.bench.verdict import INVALID, VALID
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.networks.costs import cost_of
from edgefkp.study.cell import CellResult, read_result
from edgefkp.study.comparison import converged, rmse_of
from edgefkp.study.grid import SECOND_SEEDS, grid

DATA = "data.json"  # in the study's folder: what `edgefkp data info --json` said of the data
STARTS = "random-start.json"  # there: validation RMSE of cells that were trained from a random last layer
ZOO, ZOO_KERAS = "zoo.json", "zoo-keras.json"  # in bench/results: what bench/zoo.py and `edgefkp bench` measured
ZOO_SCHEMA = "edgefkp.zoo/1"
UNTRAINED = "-untrained"  # ends the models' names there
HOWS = {"keras": "Keras predict", "float32": "TFLite float32", "int8": "TFLite int8"}
Results = dict[str, CellResult]


@dataclass(frozen=True)
class Timing:
    """Seconds per 100 images, with a 95 % interval. processes: nanoseconds of single measurements in each process."""

    name: str
    seconds: float
    interval: tuple[float, float]
    processes: list[np.ndarray] = field(repr=False)
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
    """results: by cell. info: of the data, None where it is not known. zoo: network -> sizes and Keras' times.

    bench: of the zoo's .tflite files; None where they were not timed. timings: by model and one of HOWS.
    starts: cell -> how it learned from a random last layer.
    """

    results: Results
    info: dict[str, Any] | None = None
    zoo: dict[str, Any] = field(default_factory=dict)
    bench: Result | None = None
    timings: dict[tuple[str, str], Timing] = field(default_factory=dict)
    starts: dict[str, Any] = field(default_factory=dict)

    def missing(self) -> list[str]:
        return [cell.name for cell in grid() if cell.name not in self.results]

    def size(self, network: str, kind: str) -> int | None:
        """Bytes as "h5", "keras", "float32" or "int8" file: of the untrained network, else of a trained cell."""
        if size := self._entry(network).get(f"{kind}_bytes"):
            return int(size)
        cells = [cell for cell in self.results.values() if cell.identity["network"].removesuffix("_frozen") == network]
        return next((cell.file[f"{kind}_bytes"] for cell in cells if f"{kind}_bytes" in cell.file), None)

    def timing(self, network: str, how: str) -> Timing | None:
        """how: of HOWS. A frozen network takes the time of the same one fine-tuned; None where it was not timed."""
        return self.timings.get((f"{network.removesuffix('_frozen')}{UNTRAINED}", how))

    @property
    def doubts(self) -> list[str]:
        """Of the timed files: those whose measurement is not to be believed."""
        return [row.file for row in (self.bench.rows if self.bench else []) if row.verdict == INVALID]

    def _entry(self, network: str) -> dict[str, Any]:
        return self.zoo.get("networks", {}).get(network.removesuffix("_frozen"), {})


def read_study(folder: Path) -> Results:
    """The results of the grid's cells that stand in `folder`, by name."""
    files = {cell.name: folder / f"{cell.name}.json" for cell in grid()}
    return {name: read_result(file) for name, file in files.items() if file.exists()}


def read_evidence(study: Path, bench: Path | None = None) -> Evidence:
    """bench: the folder of the zoo's times; by default bench/results beside the folder that holds `study`.

    Raises EdgefkpError for a file that is there and is not what its name says.
    """
    bench = bench or study.parent.parent / "bench" / "results"
    info = _of_schema(study / DATA, "edgefkp.data.info") if (study / DATA).exists() else None
    starts = _of_schema(study / STARTS, "edgefkp.starts/1")["cells"] if (study / STARTS).exists() else {}
    zoo = _of_schema(bench / ZOO_KERAS, ZOO_SCHEMA) if (bench / ZOO_KERAS).exists() else {}
    times = bench_result.read(bench / ZOO) if (bench / ZOO).exists() else None
    timings = {**_keras_timings(zoo), **(_file_timings(times) if times else {})}
    return Evidence(read_study(study), info, zoo, times, timings, starts)


def _keras_timings(zoo: dict[str, Any]) -> dict[tuple[str, str], Timing]:
    timings = {}
    for network, entry in zoo.get("networks", {}).items():
        if "seconds_per_100" in entry:
            passes = [np.array(seconds) * 1e9 for seconds in entry["all_seconds"]]
            low, high = entry["interval"]
            key = f"{network}{UNTRAINED}", "keras"
            timings[key] = Timing(".".join(key), entry["seconds_per_100"], (low, high), passes)
    return timings


def _file_timings(result: Result) -> dict[tuple[str, str], Timing]:
    timings = {}
    for row in (row for row in result.rows if row.mode == "invoke"):
        low, high = (edge / 10 for edge in row.ms.interval)  # ms of one image -> s of 100
        passes = [process.values.nanoseconds() for process in row.processes]
        timings[row.model, row.scheme] = Timing(row.file, row.ms.p50 / 10, (low, high), passes, row.verdict)
    return timings


def _of_schema(path: Path, schema: str) -> dict[str, Any]:
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != schema:
        raise EdgefkpError(f"{path} is not of schema {schema}", "move it elsewhere and make it again")
    return stored


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
