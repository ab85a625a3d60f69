"""The candidates of a search in its journal: Optuna proposes them, and what became of each is kept beside them.

A candidate runs if a process holds the lock in its folder. One that runs in the journal without such a process was cut
off, and is handed out again before a new one. What Optuna draws depends on the seed, the candidate's number and what
came of the others: a search that was killed goes on as it would have gone.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EnvironmentProblem, reading
from edgefkp.files import locked, plain
from edgefkp.records import read_record
from edgefkp.search.front import TRAINED, Trial, Tuning
from edgefkp.search.journal import HINT, Journal
from edgefkp.search.space import EVENLY, SPACES, Choice, Point, Space, Steps

JOURNAL = "journal.log"
_STUDY = "edgefkp"


@dataclass(frozen=True)
class Taken:
    """A candidate that this process works on."""

    number: int
    point: Point
    facts: dict[str, Any]  # fields of its Trial that are known from before it was cut off
    folder: Path  # its own
    trial: Any  # Optuna's


class Trials:
    """Raises EnvironmentProblem without Optuna, EdgefkpError for a journal that is damaged or of another search."""

    def __init__(self, folder: Path, tuning: Tuning) -> None:
        optuna = _optuna()
        self.folder, self.tuning = folder, tuning
        self.space: Space = SPACES[tuning.space]
        self._journal = Journal(folder / JOURNAL)
        directions = ["minimize"] * len(tuning.objectives)
        with self._reading():
            storage = optuna.storages.JournalStorage(self._journal)  # type: ignore[arg-type]
            self._study = optuna.create_study(
                storage=storage, study_name=_STUDY, directions=directions, load_if_exists=True
            )
            if len(self._study.directions) != len(directions):
                raise ValueError(f"it minimizes {len(self._study.directions)} numbers, expected {len(directions)}")
        self.all()

    @contextlib.contextmanager
    def taken(self) -> Iterator[Taken | None]:
        """A candidate for the block, one that was cut off or a new one; None if there are as many as are wanted."""
        with contextlib.ExitStack() as held:
            with self._journal.batch(), self._reading():
                found = self._cut_off(held)
                if found is None and len(self._study.get_trials(deepcopy=False)) < self.tuning.trials:
                    found = self._new(held)
            yield found

    def _cut_off(self, held: contextlib.ExitStack) -> Taken | None:
        optuna = _optuna()
        running = (optuna.trial.TrialState.RUNNING,)
        for one in self._study.get_trials(deepcopy=False, states=running):
            if held.enter_context(self._claim(one.number)):
                self._study.sampler = self._sampler(one.number)
                return self._opened(optuna.trial.Trial(self._study, one._trial_id))
        return None

    def _new(self, held: contextlib.ExitStack) -> Taken:
        number = len(self._study.get_trials(deepcopy=False))
        held.enter_context(self._claim(number))
        self._study.sampler = self._sampler(number)
        return self._opened(self._study.ask())

    def _opened(self, trial: Any) -> Taken:
        values: dict[str, Any] = {}
        for name, axis in self.space.axes.items():
            if isinstance(axis, Steps):
                values[name] = trial.suggest_int(name, axis.low, axis.high, step=axis.step)
            elif isinstance(axis, Choice):
                values[name] = trial.suggest_categorical(name, axis.values)
            else:
                values[name] = trial.suggest_float(name, axis.low, axis.high, log=True)
        folder = self._folder(trial.number)
        return Taken(trial.number, self.space.at(values), _known(trial.user_attrs), folder, trial)

    def _folder(self, number: int) -> Path:
        return self.folder / "trials" / str(number)

    def _claim(self, number: int) -> contextlib.AbstractContextManager[bool]:
        return locked(self._folder(number) / "claim")

    def _sampler(self, number: int) -> Any:
        """For the candidate of this number: it draws the same in a process that was started again."""
        samplers = _optuna().samplers
        seed = int(np.random.SeedSequence([self.tuning.seed, number]).generate_state(1)[0])
        if self.space.sampler != EVENLY:
            return samplers.TPESampler(seed=seed)

        class Evenly(samplers.BruteForceSampler):  # type: ignore[misc, name-defined]
            def after_trial(self, *arguments: Any) -> None:
                """It would end the study when every candidate was tried; here they are counted."""

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls it experimental
            return Evenly(seed=seed)

    def note(self, taken: Taken, **facts: Any) -> None:
        """Keep fields of the Trial as soon as they are known."""
        with self._journal.batch(), self._reading():
            for name, value in facts.items():
                taken.trial.set_user_attr(name, plain(value))

    def finish(self, taken: Taken, trial: Trial) -> None:
        """What came of it: Optuna learns the objectives, or that it was not trained to its end."""
        states = _optuna().trial.TrialState
        facts = {one.name: getattr(trial, one.name) for one in fields(Trial) if one.name in _FACTS}
        with self._journal.batch(), self._reading():
            for name, value in facts.items():
                taken.trial.set_user_attr(name, plain(value))
            if self.tuning.budget is not None and trial.ms is not None:
                taken.trial.set_constraint("ms", trial.ms - self.tuning.budget)
            if trial.done == TRAINED and trial.validation_rmse is not None:
                values = [trial.validation_rmse, *trial.costs(self.tuning.objectives[1:])]
                self._study.tell(taken.trial, [float(value) for value in values], state=states.COMPLETE)
            else:
                self._study.tell(taken.trial, state=states.PRUNED)

    def all(self) -> list[Trial]:
        """Those that are finished, in the order in which they began."""
        found = []
        with self._reading():
            for one in self._study.get_trials(deepcopy=False):
                if one.state.is_finished():
                    found.append(self._record(one.number, one.params, one.user_attrs))
        return found

    def running(self) -> int:
        """How many are handed out, to this process or another, or were cut off."""
        return sum(not one.state.is_finished() for one in self._study.get_trials(deepcopy=False))

    def _record(self, number: int, values: dict[str, Any], facts: dict[str, Any]) -> Trial:
        record = record_of(number, self.space.at(values), facts, f"candidate {number} in {self._journal.path}")
        if not record.outcome:
            raise ValueError(f"candidate {number} has no outcome")
        return record

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with reading(self._journal.path, "the journal of this search", HINT):
            yield


# Fields of a Trial that the journal keeps beside what Optuna drew.
_FACTS = ("parameters", "macs", "ms", "bytes", "timing", "validation_rmse", "outcome", "reason", "curve")


def record_of(number: int, point: Point, facts: dict[str, Any], where: str = "the candidate") -> Trial:
    """Raises EdgefkpError for facts that are not of a Trial."""
    about = {"trial": str(number), "space": point.space, "options": point.options}
    whole = {"ms": None, "validation_rmse": None, **about, "learning_rate": point.learning_rate, **_known(facts)}
    return read_record(Trial, plain(whole), where, HINT)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in _FACTS if name in facts}


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise EnvironmentProblem("tuning needs Optuna, which is not installed", "pip install 'edgefkp[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
