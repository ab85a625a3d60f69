"""The tables of a search: its front, and all of its candidates."""

from collections.abc import Sequence

from edgefkp.bench.verdict import SIGNS, SIGNS_EXPLAINED, mark_of_time, signed_time
from edgefkp.errors import counted
from edgefkp.evaluation.table import Column, Table
from edgefkp.search.front import OUTCOMES, SLOW, TRAINED, Trial, Tuned
from edgefkp.search.space import words_of

COLUMNS = (
    Column("candidate", "left"),
    Column("network", "left", narrowest=16),
    Column("learning\nrate", drop=2),
    Column("thousand\nparameters", drop=1),
    Column("million\nMACs", drop=1),
    Column("ms an\nimage", mark=mark_of_time),
    Column("KB"),
    Column("RMSE\npx"),
)


def table(tuned: Tuned) -> Table:
    """The front, the fastest first, and what became of the others in a line."""
    front = tuned.front
    beaten = tuned.count(TRAINED) - len(front)
    parts = [f"{len(front)} on the front", f"{beaten} beaten" if beaten else ""]
    parts += [f"{number} {outcome}" for outcome in OUTCOMES if outcome != TRAINED and (number := tuned.count(outcome))]
    notes = [f"{counted(len(tuned.trials), 'candidate')}: {', '.join(filter(None, parts))}"]
    faces = f" of {tuned.faces} validation faces" if tuned.faces else " of validation faces"
    notes.append(f"RMSE{faces}; the mean shape has {tuned.mean_shape_rmse:.2f} px")
    if not front:
        notes.append("no candidate beats the mean shape: give more --images, and another --name")
    if any(trial.ms is not None for trial in tuned.trials):
        where = tuned.machine or tuned.tuning.device
        doubts = f"; {SIGNS_EXPLAINED}" if any(_verdict(trial) and SIGNS[_verdict(trial)] for trial in front) else ""
        notes.append(f"times: {tuned.tuning.scheme}, one thread, on {where}{doubts}")
    return Table(COLUMNS, [_row(trial) for trial in front], notes)


def candidates(tuned: Tuned) -> Table:
    """Every candidate with what became of it."""
    columns = [*COLUMNS, Column("what became of it", "left")]
    return Table(columns, [[*_row(trial), _outcome(trial)] for trial in tuned.trials])


def _row(trial: Trial) -> Sequence[str]:
    return [
        trial.trial,
        words_of(trial.options),
        f"{trial.learning_rate:.1e}",
        f"{trial.parameters / 1e3:,.0f}",
        f"{trial.macs / 1e6:,.1f}",
        "-" if trial.ms is None else signed_time(trial.ms, _verdict(trial) or next(iter(SIGNS))),
        "-" if trial.bytes is None else f"{trial.bytes / 1000:,.0f}",
        "-" if trial.validation_rmse is None else f"{trial.validation_rmse:.3f}",
    ]


def _verdict(trial: Trial) -> str:
    return trial.timing.verdict if trial.timing else ""


def _outcome(trial: Trial) -> str:
    if trial.done == TRAINED:
        return "on the front" if trial.pareto else "beaten"
    return trial.reason if trial.done == SLOW else f"{trial.done}: {trial.reason}" if trial.reason else trial.done
