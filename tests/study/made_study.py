"""A study as it could come out, written by hand: nothing is trained or timed to test how it is shown."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench.device import Device
from edgefkp.bench.result import BenchRow, Clocks, Process, Raw, Result, Times, save
from edgefkp.bench.stats import times
from edgefkp.card import CardData
from edgefkp.evaluation.evaluate import SCHEMA as EVALUATION
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.evaluation.metrics import Score
from edgefkp.files import write_json
from edgefkp.layout import KAGGLE15
from edgefkp.networks.costs import Cost, cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.study.cell import CellResult, CellScores, KeptPoints
from edgefkp.study.evidence import DATA, ZOO, ZOO_KERAS, ZOO_SCHEMA
from edgefkp.study.grid import grid

CELLS = {cell.name: cell for cell in grid()}
PERSONS = np.random.default_rng(0).gamma(4, 1, 200)  # how hard each test person is
MEAN_SHAPE_RMSE = 4.0
# px under `drop`; what each treatment makes of it.
ROWS = {
    "baseline": 1.6, "manual": 1.75, "manual seed 1": 1.77, "tuned": 1.8, "mobilenetv2_frozen": 3.2,
    "mobilenetv2": 1.5, "nasnetmobile_frozen": 3.9, "nasnetmobile": 2.6, "small": 1.8, "naimishnet": 2.2,
    "inception": 2.4, "residual": 2.0, "shi": 2.5, "gao": 2.1, "resnet50": 2.3,
}  # fmt: skip
COLUMNS = {"drop": 1.0, "ffill": 1.12, "knn": 1.05, "augment": 0.85, "masked-online": 0.8}


def _cost(network: str) -> Cost:
    cost = cost_of(network)
    assert cost is not None
    return cost


def plausible(name: str) -> float:
    cell = CELLS[name]
    return ROWS[cell.row] * COLUMNS[cell.column] if not cell.head_only else ROWS[cell.row]


def made_cell(name: str, rmse: float | None = None, noise: float = 0.05, epochs: int = 12) -> CellResult:
    """A cell whose RMSE is `rmse`, hard on the same persons as every other, but for the noise.

    Over Kaggle's coordinates it is `rmse`, over all of them a twentieth more.
    """
    rmse = plausible(name) if rmse is None else rmse
    own = np.random.default_rng(sum(map(ord, name))).normal(1, noise, len(PERSONS))
    squares = PERSONS * own
    squares *= rmse**2 * 30 * len(PERSONS) / squares.sum()
    cell = CELLS[name]
    score = Score(
        rmse=1.05 * rmse, interval=(rmse - 0.1, rmse + 0.1), rmse_complete=1.06 * rmse, nme=3.2 * rmse,
        percentiles={"p50": rmse}, rmse_per_point=dict.fromkeys(KAGGLE15.points, rmse), faces=400,
        complete_faces=390, coordinates=12_000,
    )  # fmt: skip
    test = Evaluation(
        EVALUATION, f"{name}.keras", "f", "made", "1", {"name": "t", "part": "test", "hash": "t"}, score, rmse, 6000
    )
    return CellResult(
        cell=name,
        column=cell.column,
        identity=cell,
        key="k",
        weights=None,
        data=CardData("made-up", "d", "s", {}, {}, "Faces <of> nobody & co"),
        counts={"faces": 1900, "coordinates": 57_000, "imputed": 0},
        parameters=_cost(cell.network).parameters,
        macs=_cost(cell.network).macs,
        training={"best_epoch": epochs, "plan": {"precision": "float32", "lanes": 2}}
        | ({"head": {"strength": 0.215}} if cell.solved else {}),
        history=made_history(rmse, epochs, cell.images),
        scores=CellScores(
            test,
            {"rmse": 1.02 * MEAN_SHAPE_RMSE, "kaggle_rmse": MEAN_SHAPE_RMSE},
            KeptPoints([0, 1], (KAGGLE15.mean_points()[None] + np.ones((2, 1, 1))).tolist()),
            0.97 * rmse,
        ),
        persons={
            "squares": (2 * 1.05**2 * squares).tolist(),
            "coordinates": [60] * len(PERSONS),
            "kaggle_squares": squares.tolist(),
            "kaggle_coordinates": [30] * len(PERSONS),
        },
        seconds=60.0 * 20,
        cores=2,
        file={"name": f"{name}.keras", "sha256": "f", "keras_bytes": 1_000_000, "h5_bytes": 1_230_000},
        versions={"edgefkp": "0.1.0", "keras": "3.15"},
    )


def still_falling(cell: CellResult, share: float = 0.1) -> CellResult:
    """The cell with a curve that falls by about `share` of its last value over the last quarter."""
    steep = [{**row, "validation_rmse": row["validation_rmse"] * (1 + share * (len(cell.history) - row["epoch"]) / 3)}
             for row in cell.history]  # fmt: skip
    return replace(cell, history=steep)


def made_history(rmse: float, epochs: int, images: int, gap: float = 0.2, spread: float = 0.02) -> list[dict[str, Any]]:
    """Falls to `rmse`, validation `gap` above training, up and down by `spread` from epoch to epoch."""
    rows = []
    for epoch in range(1, epochs + 1):
        level = rmse + 3 * np.exp(-6 * epoch / epochs)
        validation = level + (spread / 2 if epoch % 2 else -spread / 2)
        shown = images * epoch // epochs
        rows.append({"epoch": epoch, "images": shown, "loss": 0.1, "train_rmse": level - gap,
                     "validation_rmse": validation, "seconds": 10.0 * epoch})  # fmt: skip
    return rows


def write_study(folder: Path, cells: Iterable[CellResult] | None = None, without: Iterable[str] = ()) -> Path:
    """models/study under `folder`: all 47 plausible cells or `cells`, but for those in `without`."""
    study = folder / "models" / "study"
    given = {cell.cell: cell for cell in cells} if cells is not None else {name: made_cell(name) for name in CELLS}
    for name, cell in given.items():
        if name not in set(without):
            write_json(study / f"{name}.json", cell)
    return study


def write_info(study: Path) -> None:
    part = {"faces": 7049, "persons": 3789, "complete": 2124, "labelled": 7040, "label_src": {}, "hash": "t",
            "missing": {name: 10 + 300 * number for number, name in enumerate(KAGGLE15.points)}}  # fmt: skip
    info = {"schema": "edgefkp.data.info", "version": 1, "name": "made-up", "licence": "", "persons_known": True}
    write_json(study / DATA, {**info, "train": part, "test": None})


# ms an image. Keras: as the multiplications go, but for a fixed part; TFLite: MobileNetV2 behind plain networks.
def made_ms(network: str, how: str) -> float:
    if how == "keras":
        return 4 + _cost(network).macs / 40e6
    slow = 4.0 if network.startswith(("mobilenet", "nasnet")) else 1.0
    return slow * _cost(network).macs / {"float32": 60e6, "int8": 200e6}[how]


def write_times(folder: Path, networks: Iterable[str] = tuple(NETWORKS), verdict: str = "VALID") -> Path:
    """bench/results under `folder`, as bench/zoo.py and `edgefkp bench` write it."""
    bench = folder / "bench" / "results"
    names = [name for name in networks if not name.endswith("_frozen")]
    zoo = {}
    for name in names:
        seconds = made_ms(name, "keras") / 10
        size = 4 * _cost(name).parameters
        zoo[name] = {
            "parameters": _cost(name).parameters, "macs": _cost(name).macs, "keras_bytes": size + 20_000,
            "h5_bytes": size + 30_000, "float32_bytes": size, "int8_bytes": size // 4,
            "seconds_per_100": seconds, "interval": [seconds * 0.97, seconds * 1.03],
            "all_seconds": [[seconds * factor for factor in (0.98, 1.0, 1.02)]] * 3,
        }  # fmt: skip
    write_json(bench / ZOO_KERAS, {"schema": ZOO_SCHEMA, "versions": {"keras": "3.15"}, "networks": zoo})
    files = [(f"{name}-untrained", scheme, made_ms(name, scheme)) for name in names for scheme in ("float32", "int8")]
    files += [("manual-masked-online", scheme, made_ms("manual", scheme)) for scheme in ("float32", "int8")]
    rows = [replace(made_row(*file), verdict=verdict) for file in files]
    result = Result(
        name="zoo", created="2026-11-22T12:00:00Z", edgefkp="0.1.0", device=Device("cpu"), load=0.1, trace={},
        plan={"processes": 3, "seconds": 0.1},
        machine={"processor": "A board", "cores": 4, "architecture": "aarch64"},
        data={"name": "drawn faces", "images": 8, "hash": "d"},
        rows=rows, failed=[], verdict=verdict, notes=[], seconds=1.0,
    )  # fmt: skip
    save(result, bench / ZOO)
    return bench


UNIT = np.random.default_rng(0).normal(1, 0.02, (3, 200))  # single times of three processes, around 1


@lru_cache
def _unit_times() -> Times:
    return times(list(1e6 * UNIT))


def made_times(ms: float) -> Times:
    """Times scale, so the bootstrap is done once."""
    unit = _unit_times()
    low, high = unit.interval
    return replace(unit, p50=ms * unit.p50, interval=(ms * low, ms * high))


def made_row(model: str, scheme: str, ms: float) -> BenchRow:
    """Three processes, a twentieth apart in their single times and alike in their medians."""
    nanoseconds = ms * 1e6 * UNIT
    clocks = Clocks(0.1, 0.01, 0.001, ms / 1000, ms / 1000)
    processes = [
        Process(
            round=number, started=0.0, steady_from=0.0, steady_to=1.0, reference_seconds=(0.01, 0.01), load=0.1,
            clocks=clocks, cpu_seconds=1.0, wall_seconds=1.0, voluntary_switches=0, involuntary_switches=0,
            others_cores=0.0, stolen_cores=0.0, memory={}, warmups=Raw.of(values[:2]), values=Raw.of(values), stages={},
        )
        for number, values in enumerate(nanoseconds)
    ]  # fmt: skip
    return BenchRow(
        file=f"{model}.{scheme}.tflite", sha256="0" * 64, bytes=1000, model=model, scheme=scheme, runtime="litert",
        version="2.3.0", threads=1, xnnpack=True, delegate="", python="", mode="invoke", seconds_per_100=ms / 10,
        ms=made_times(ms), stages={}, clocks=clocks, memory_kib=None, millijoules=None, rmse=None, faces=0,
        coordinates=0, reference_difference=None, verdict="VALID", reasons=[], processes=processes,
    )  # fmt: skip
