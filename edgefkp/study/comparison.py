"""Cells of the study against each other: in pairs, over the same test persons.

RMSE is Kaggle's, pooled over the coordinates of IdLookupTable, if the data have one; else over all labeled ones.
"""

from dataclasses import dataclass

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.bootstrap import Interval, drawn_rmse, interval
from edgefkp.study.cell import CellResult

# Of the images of a training: its end; a curve that falls by more than STILL_FALLING over it had not come to one.
LAST, STILL_FALLING = 0.25, 0.05


@dataclass(frozen=True)
class CellComparison:
    """Two cells on the same test persons."""

    change: float  # the first cell's RMSE over the second's, minus 1
    interval: Interval  # of the change, 95 %, bootstrap over persons
    decides: bool  # both cells converged, and the interval leaves 0 out


def converged(cell: CellResult) -> bool:
    """Whether the cell's head was solved, or its learning curve had come to an end: the lowest validation RMSE fell by
    no more than STILL_FALLING over the LAST quarter of the images.

    How low it is does not matter: a network that learned nothing but the mean face is a result, too.
    """
    if cell.identity.solved:
        return True
    images = max((row["images"] for row in cell.history), default=0)
    before = [row["validation_rmse"] for row in cell.history if row["images"] <= (1 - LAST) * images]
    if not before:
        return False  # an epoch is no curve
    return bool(min(row["validation_rmse"] for row in cell.history) >= (1 - STILL_FALLING) * min(before))


def rmse_of(cell: CellResult) -> float:
    test = cell.scores.test
    return float(test.kaggle_rmse) if test.kaggle_rmse is not None and _by_kaggle(cell) else test.score.rmse


def mean_shape_of(cell: CellResult) -> float:
    value = cell.scores.mean_shape["kaggle_rmse" if _by_kaggle(cell) else "rmse"]
    return float("nan") if value is None else value


def interval_of(cell: CellResult) -> Interval:
    """95 %, bootstrap over persons."""
    (drawn,) = _drawn(cell)
    return interval(drawn)


def compare(first: CellResult, second: CellResult) -> CellComparison:
    """Persons are drawn again for both cells alike, so what is hard for both cancels out.

    Raises EdgefkpError if the cells were not scored on the same persons.
    """
    drawn = _drawn(first, second)
    low, high = interval(drawn[0] / drawn[1] - 1)
    change = rmse_of(first) / rmse_of(second) - 1
    decides = converged(first) and converged(second) and (low > 0 or high < 0)
    return CellComparison(change, (low, high), decides)


def _by_kaggle(cell: CellResult) -> bool:
    return "kaggle_squares" in cell.persons


def _drawn(*cells: CellResult) -> np.ndarray:
    """(cells, ROUNDS) RMSE of each over the same drawn persons."""
    prefix = "kaggle_" if all(map(_by_kaggle, cells)) else ""
    counts = [np.array(cell.persons[f"{prefix}coordinates"], float) for cell in cells]
    if any(not np.array_equal(count, counts[0]) for count in counts):
        names = " and ".join(cell.cell for cell in cells)
        raise EdgefkpError(f"{names} were scored on different persons", "use one study's cells")
    return np.stack([drawn_rmse(np.array(cell.persons[f"{prefix}squares"]), counts[0]) for cell in cells])
