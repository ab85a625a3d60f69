"""The study on disk: where its cells' results, models and claims are, and what its state is.

A cell is done where its result stands in `out`, and running where a living process holds the lock on its claim. The
system drops that lock when the process dies, however it dies, so no claim is ever stale.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.data.faces import Dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import locked, read_json
from edgefkp.study.cell import Cell, CellResult, read_result
from edgefkp.study.grid import Forecast
from edgefkp.training.step_plan import cores

SCHEMA = "edgefkp.study/1"
DONE, RUNNING, MISSING = "done", "running", "missing"


@dataclass(frozen=True)
class Study:
    """data, labels: of the source. weights: "imagenet", a .weights.h5, or None for random backbones.

    out: folder of the results. work: folder of models, checkpoints and logs, a folder for each cell.
    """

    data: str
    labels: str
    weights: str | None
    out: Path
    work: Path

    def result_file(self, cell: Cell) -> Path:
        return self.out / f"{cell.name}.json"

    def folder(self, cell: Cell) -> Path:
        return self.work / cell.name

    def log_file(self, cell: Cell) -> Path:
        return self.folder(cell) / "log.txt"

    def progress_file(self, cell: Cell) -> Path:
        return self.folder(cell) / "progress.json"

    @property
    def test_log(self) -> Path:
        """Every look at the test split: a line of JSON each."""
        return self.out / "test-scores.jsonl"

    def result(self, cell: Cell) -> CellResult | None:
        path = self.result_file(cell)
        return read_result(path) if path.exists() else None

    def finished(self, cells: Sequence[Cell]) -> list[CellResult]:
        return [result for cell in cells if (result := self.result(cell))]

    @contextlib.contextmanager
    def claim(self, cell: Cell, patience: float = 0.0) -> Iterator[bool]:
        """Hold the cell for the block; yields False where another process still has it after `patience` seconds."""
        path = self.folder(cell) / "claim"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise EdgefkpError(f"cannot write {path}: {error.strerror}", "choose another folder: --work") from error
        with locked(path, patience) as held:
            yield held

    def is_claimed(self, cell: Cell) -> bool:
        if not (self.folder(cell) / "claim").exists():
            return False
        with self.claim(cell) as free:
            return not free

    def require_same(self, cells: Sequence[Cell], source: Dataset) -> None:
        """Raise EdgefkpError where a result in `out` is of other data, weights or another recipe."""
        parts = split(source)
        for cell in cells:
            result = self.result(cell)
            if result and result.key != cell.experiment(self.weights).key(source, parts):
                raise EdgefkpError(
                    f"{self.result_file(cell)} was made from other data, weights or another recipe"
                    f" (data {result.data['name']} {result.data['hash'][:8]}, here {source.train.hash[:8]})",
                    "give the same --data and --weights, or another --out for another study",
                )

    def require_weights(self, cells: Sequence[Cell]) -> None:
        """Raise UsageError where a cell starts from weights that are not there."""
        if self.weights in (None, "imagenet") or not any(cell.pretrained for cell in cells):
            return
        if not Path(str(self.weights)).is_file():
            raise UsageError(f"no weights file at {self.weights}", "--weights FILE.weights.h5, imagenet, or none")


@dataclass(frozen=True)
class CellState:
    """share: of the training images, 1 when done. seconds: spent so far. left: seconds to go on all cores."""

    cell: str
    row: str
    column: str
    state: str
    share: float
    validation_rmse: float | None
    seconds: float
    left: float


@dataclass(frozen=True)
class StudyState:
    """left: seconds for all cells still to go with every core of this machine at work."""

    cells: list[CellState]
    left: float
    schema: str = SCHEMA

    def names(self, state: str) -> list[str]:
        return [cell.cell for cell in self.cells if cell.state == state]


def state_of(study: Study, cells: Sequence[Cell]) -> StudyState:
    """Looks only; the test scores of finished cells are left to the report, so that nothing is chosen by them."""
    forecast = Forecast(study.finished(cells))
    states = [_cell_state(study, cell, forecast) for cell in cells]
    return StudyState(states, sum(state.left for state in states))


def _cell_state(study: Study, cell: Cell, forecast: Forecast) -> CellState:
    about = (cell.name, cell.row, cell.column)
    if result := study.result(cell):
        return CellState(*about, DONE, 1.0, result.scores["validation_rmse"], result.seconds, 0.0)
    progress = read_progress(study.progress_file(cell))
    share = min(1.0, progress.get("images", 0) / cell.images)
    left = forecast.core_seconds(cell) / cores() * (1 - share)
    state = RUNNING if study.is_claimed(cell) else MISSING
    return CellState(*about, state, share, progress.get("validation_rmse"), progress.get("seconds", 0.0), left)


def read_progress(path: Path) -> dict[str, Any]:
    """What a cell wrote of itself: images, seconds, validation_rmse; {} where there is none that can be read."""
    try:
        stored = read_json(path)
    except EdgefkpError:
        return {}
    return stored if isinstance(stored, dict) else {}
