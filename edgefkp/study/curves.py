"""Training curves as numbers: the gap between training and validation faces, and the spread between epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgefkp.evaluation.table import Table
from edgefkp.study.cell import Epoch
from edgefkp.study.comparison import converged
from edgefkp.study.evidence import Results
from edgefkp.study.grid import grid
from edgefkp.study.verdict import CONFIRMED, INCONCLUSIVE, REFUTED, Judge, Part, not_converged

# What is no difference between two curves, each of one training: px of the gap, share of the spread.
GAP_MARGIN, SPREAD_MARGIN = 0.05, 0.25


@dataclass(frozen=True)
class Curve:
    """A training's curve in a few numbers."""

    best: int  # epoch with the lowest validation RMSE
    epochs: int
    training: float  # px, RMSE of the training faces at the best epoch
    validation: float  # px, RMSE of the validation faces at the best epoch
    # px: median change of the validation RMSE from one epoch to the next over the second half of training; None with a
    # single epoch there, and where not every epoch was scored, as of a head that is solved after 1, 2, 4 and so on.
    spread: float | None

    @property
    def gap(self) -> float:
        """px; positive where training faces are predicted better than those of other persons."""
        return self.validation - self.training


def curve_of(history: Sequence[Epoch]) -> Curve | None:
    """None for an empty history."""
    if not history:
        return None
    best = min(history, key=lambda row: row["validation_rmse"])
    epochs = int(history[-1]["epoch"])
    late = [row["validation_rmse"] for row in history[len(history) // 2 :]]
    spread = float(np.median(np.abs(np.diff(late)))) if len(late) > 1 and epochs == len(history) else None
    return Curve(int(best["epoch"]), epochs, best["train_rmse"], best["validation_rmse"], spread)


def curves(results: Results) -> Table:
    """Of every trained cell, in the order of the grid."""
    rows = []
    for cell in grid():
        result = results.get(cell.name)
        if result is None or not (curve := curve_of(result.history)):
            continue
        spread = "-" if curve.spread is None else f"{curve.spread:.3f}"
        numbers = [f"{value:.2f}" for value in (curve.training, curve.validation)]
        rows.append([cell.name, f"{curve.best} of {curve.epochs}", *numbers, f"{curve.gap:+.2f}", spread])
    return Table.of(["cell", "best epoch", "training px", "validation px", "gap px", "spread px"], rows)


def steadier(judge: Judge, first: str, second: str, column: str) -> Part:
    """Whether the first network's curve has the smaller gap or spread, and neither larger."""
    label = f"curves of {first} / {second}, {column}"
    mine, theirs = judge.cell(first, column), judge.cell(second, column)
    if mine is None or theirs is None:
        return Part(label, f"{first if mine is None else second}-{column} is missing", INCONCLUSIVE)
    one, other = curve_of(mine.history), curve_of(theirs.history)
    if one is None or other is None or one.spread is None or other.spread is None:
        return Part(label, "too few epochs", INCONCLUSIVE)
    found = f"gap {one.gap:+.2f} / {other.gap:+.2f} px, spread {one.spread:.3f} / {other.spread:.3f} px"
    if not (converged(mine) and converged(theirs)):
        return Part(label, f"{found}; {not_converged(mine, theirs)}", INCONCLUSIVE)
    signs = {
        _sign(one.gap - other.gap, GAP_MARGIN),
        _sign(np.log(max(one.spread, 1e-9) / max(other.spread, 1e-9)), np.log1p(SPREAD_MARGIN)),
    } - {0}
    verdict = {-1: CONFIRMED, 1: REFUTED}[signs.pop()] if len(signs) == 1 else INCONCLUSIVE
    return Part(label, found, verdict)


def _sign(difference: float, margin: float) -> int:
    return 0 if abs(difference) <= margin else int(np.sign(difference))
