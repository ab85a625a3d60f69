"""Cells of the study against each other: in pairs, over the same test persons."""

from dataclasses import dataclass

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.metrics import BOOTSTRAP_ROUNDS
from edgefkp.training.cell import CellResult

NOT_CONVERGED = 0.9  # of the mean shape's RMSE


@dataclass(frozen=True)
class Comparison:
    """change: the first cell's RMSE over the second's, minus 1; interval: 95 %, bootstrap over persons.

    decides: both cells converged, and the interval leaves 0 out.
    """

    change: float
    interval: tuple[float, float]
    decides: bool


def converged(cell: CellResult) -> bool:
    """Whether the network is more than a tenth better than always answering the mean training face."""
    return rmse_of(cell) < NOT_CONVERGED * float(cell.scores["mean_shape"]["rmse"])


def rmse_of(cell: CellResult) -> float:
    return float(cell.scores["test"]["score"]["rmse"])


def compare(first: CellResult, second: CellResult, seed: int = 0) -> Comparison:
    """Persons are drawn again for both cells alike, so what is hard for both cancels out.

    Raises EdgefkpError where the cells were not scored on the same persons.
    """
    counts = np.array(first.persons["coordinates"], float)
    if first.persons["coordinates"] != second.persons["coordinates"]:
        raise EdgefkpError(f"{first.cell} and {second.cell} were scored on different persons", "use one study's cells")
    sums = np.array([first.persons["squares"], second.persons["squares"]])
    draws = np.random.default_rng(seed).integers(0, len(counts), (BOOTSTRAP_ROUNDS, len(counts)))
    drawn = np.sqrt(sums[:, draws].sum(-1) / counts[draws].sum(-1))
    low, high = np.percentile(drawn[0] / drawn[1] - 1, [2.5, 97.5])
    change = float(np.sqrt(sums[0].sum() / sums[1].sum()) - 1)
    decides = converged(first) and converged(second) and (low > 0 or high < 0)
    return Comparison(change, (float(low), float(high)), bool(decides))
