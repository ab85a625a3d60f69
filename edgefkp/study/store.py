"""The study on disk: where its cells' results, models and claims are, and what its state is.

A cell is done if its result stands in `out`, and running if a process holds the lock on its claim. The system drops
that lock when the process ends, however it ends, so no claim is ever stale.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from edgefkp.data.faces import Dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import locked, read_json
from edgefkp.records import read_record
from edgefkp.study.cell import CellResult, StudyCell, read_result
from edgefkp.study.grid import Forecast
from edgefkp.training.step_plan import cores

SCHEMA = "edgefkp.study/1"
DONE, RUNNING, MISSING = "done", "running", "missing"


@dataclass(frozen=True)
class Study:
    """Where a study's data are and where it stands on disk."""

    data: str
    labels: str
    weights: str | None  # "imagenet", a .weights.h5, or None for random backbones
    out: Path  # the results
    work: Path  # models, checkpoints and logs, a folder for each cell

    def result_file(self, cell: StudyCell) -> Path:
        return self.out / f"{cell.name}.json"

    def folder(self, cell: StudyCell) -> Path:
        return self.work / cell.name

    def log_file(self, cell: StudyCell) -> Path:
        return self.folder(cell) / "log.txt"

    def progress_file(self, cell: StudyCell) -> Path:
        return self.folder(cell) / "progress.json"

    @property
    def test_log(self) -> Path:
        """Every scoring on the test split: a line of JSON each."""
        return self.out / "test-scores.jsonl"

    def result(self, cell: StudyCell) -> CellResult | None:
        path = self.result_file(cell)
        return read_result(path) if path.exists() else None

    def finished(self, cells: Sequence[StudyCell]) -> list[CellResult]:
        return [result for cell in cells if (result := self.result(cell))]

    @contextlib.contextmanager
    def claim(self, cell: StudyCell, timeout: float = 0.0) -> Iterator[bool]:
        """Hold the cell for the block; yields False if another process still has it after `timeout` seconds."""
        with locked(self.folder(cell) / "claim", timeout) as held:
            yield held

    def is_claimed(self, cell: StudyCell) -> bool:
        if not (self.folder(cell) / "claim").exists():
            return False
        with self.claim(cell) as free:
            return not free

    def require_same(self, cells: Sequence[StudyCell], source: Dataset) -> None:
        """Raise EdgefkpError if a result in `out` is of other data, weights or another recipe."""
        parts = split(source)
        for cell in cells:
            result = self.result(cell)
            if result and result.key != cell.experiment(self.weights).key(source, parts):
                raise EdgefkpError(
                    f"{self.result_file(cell)} was made from other data, weights or another recipe"
                    f" (data {result.data.name} {result.data.hash[:8]}, here {source.train.hash[:8]})",
                    "give the same --data and --weights, or another --out for another study",
                )

    def require_weights(self, cells: Sequence[StudyCell]) -> None:
        """Raise UsageError if a cell starts from weights that do not exist."""
        if self.weights in (None, "imagenet") or not any(cell.pretrained for cell in cells):
            return
        if not Path(str(self.weights)).is_file():
            raise UsageError(f"no weights file at {self.weights}", "--weights FILE.weights.h5, imagenet, or none")


@dataclass(frozen=True)
class CellState:
    """How far a cell is."""

    cell: str
    row: str
    column: str
    state: str  # DONE, RUNNING or MISSING
    share: float  # of the training images, 1 when done
    validation_rmse: float | None  # px, of the latest epoch or, when done, of the kept weights
    seconds: float  # spent so far
    left: float  # seconds to go on all cores


@dataclass(frozen=True)
class StudyState:
    """How far a study is."""

    cells: list[CellState]
    left: float  # seconds for all cells still to go, with every core of this machine at work
    schema: str = SCHEMA

    def names(self, state: str) -> list[str]:
        return [cell.cell for cell in self.cells if cell.state == state]


def state_of(study: Study, cells: Sequence[StudyCell]) -> StudyState:
    """The state on disk. Test scores are left to the report, so that nobody chooses by them."""
    forecast = Forecast(study.finished(cells))
    states = [_cell_state(study, cell, forecast) for cell in cells]
    return StudyState(states, sum(state.left for state in states))


def _cell_state(study: Study, cell: StudyCell, forecast: Forecast) -> CellState:
    about = (cell.name, cell.row, cell.column)
    if result := study.result(cell):
        return CellState(*about, DONE, 1.0, result.scores.validation_rmse, result.seconds, 0.0)
    progress = read_progress(study.progress_file(cell))
    share = min(1.0, progress.get("images", 0) / cell.images)
    left = forecast.core_seconds(cell) / cores() * (1 - share)
    state = RUNNING if study.is_claimed(cell) else MISSING
    return CellState(*about, state, share, progress.get("validation_rmse"), progress.get("seconds", 0.0), left)


class Written(TypedDict, total=False):
    """What a cell writes of its progress."""

    images: int  # shown so far
    validation_rmse: float  # px, of the latest epoch
    seconds: float


def read_progress(path: Path) -> Written:
    """{} if it cannot be read."""
    try:
        return read_record(Written, read_json(path), str(path))
    except EdgefkpError:
        return {}
