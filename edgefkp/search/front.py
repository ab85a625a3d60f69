"""What a search found: its candidates, and the front of those that no other one beats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgefkp.bench.device import CPU
from edgefkp.bench.result import VERDICTS, printable_json
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.schemes import FLOAT
from edgefkp.files import read_json
from edgefkp.networks.registry import NETWORKS
from edgefkp.records import read_record
from edgefkp.search.space import SPACES

SCHEMA = "edgefkp.tuned/1"
RMSE, TIME, SIZE = "rmse", "ms", "kb"
OBJECTIVES = (RMSE, TIME, SIZE)
TRAINED, STOPPED, SLOW, FAILED = "trained", "stopped early", "over the budget", "failed"
OUTCOMES = (TRAINED, STOPPED, SLOW, FAILED)


@dataclass(frozen=True)
class Tuning:
    """What is searched, and how a candidate is judged."""

    name: str  # of the network that is found
    space: str  # one of SPACES
    trials: int
    images: int  # that each candidate is trained on
    imputation: str = field(default="masked", metadata={"json": "treatment"})
    augment: str = "online"
    budget: float | None = None  # milliseconds for an image on the device, one thread; slower ones are not trained
    scheme: str = FLOAT  # of the .tflite that is timed, and whose size counts
    seed: int = 0
    objectives: tuple[str, ...] = OBJECTIVES  # what the front is about
    device: str = CPU  # where candidates are timed, as in --device

    def __post_init__(self) -> None:
        space = SPACES[self.space]
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", self.name) or self.name in NETWORKS:
            raise UsageError(
                f"'{self.name}' cannot name the network that is found",
                "use small letters, digits and _, and no name that edgefkp models lists",
            )
        if self.budget is not None and self.budget <= 0:
            raise UsageError(f"a budget of {self.budget} ms leaves no network", "for example: --budget-ms 0.3")
        if self.trials > space.size:
            raise UsageError(
                f"{self.trials} trials, and the space '{self.space}' has {space.size:g} networks", "give fewer --trials"
            )
        unknown = [name for name in self.objectives if name not in OBJECTIVES]
        if unknown or RMSE not in self.objectives:
            raise UsageError(
                f"objectives {', '.join(self.objectives)}: {RMSE} is one of them, and {TIME} and {SIZE} can be",
                f"for example: --objective {RMSE} --objective {TIME}",
            )
        object.__setattr__(self, "objectives", tuple(name for name in OBJECTIVES if name in self.objectives))

    @property
    def timed(self) -> bool:
        return TIME in self.objectives or self.budget is not None


@dataclass(frozen=True)
class Timing:
    """What the benchmark measured of a candidate's file."""

    ms: float  # median of an image
    ms_high: float  # the upper end of its 95 % interval
    p95: float | None
    runtime: str
    version: str  # of the runtime
    verdict: str
    reasons: list[str]
    delegate: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.ms <= self.ms_high or self.verdict not in VERDICTS:
            raise EdgefkpError(f"a time of {self.ms} to {self.ms_high} ms with the verdict {self.verdict}")


@dataclass(frozen=True)
class Trial:
    """A candidate and what came of it. What is None or "" was not known to edgefkp when the file was written."""

    trial: str  # its number
    space: str  # of networks.registry.SPACES
    options: dict[str, Any]
    learning_rate: float
    parameters: int
    macs: int
    ms: float | None  # of an image; None if it was not timed
    validation_rmse: float | None  # pixels; None if the candidate was not trained to its end
    score: float | None = None  # of searches that minimized one number
    bytes: int | None = None  # of the .tflite
    timing: Timing | None = None
    outcome: str = ""  # one of OUTCOMES
    reason: str = ""  # why it was not trained to its end
    # Training images and the lowest validation RMSE until then, in pixels, at the end of each epoch.
    curve: tuple[tuple[int, float], ...] = ()
    pareto: bool = False  # no other candidate beats it

    def __post_init__(self) -> None:
        numbers = (self.ms, self.bytes, self.validation_rmse, *(value for pair in self.curve for value in pair))
        if any(value is not None and value <= 0 for value in numbers) or self.outcome not in ("", *OUTCOMES):
            raise EdgefkpError(f"a time, size or error that is not above 0, or the outcome '{self.outcome}'")
        if (self.done == TRAINED) != (self.validation_rmse is not None):
            raise EdgefkpError(f"{self.done}, with the error {self.validation_rmse}")

    @property
    def done(self) -> str:
        return self.outcome or (FAILED if self.validation_rmse is None else TRAINED)

    def costs(self, objectives: Sequence[str]) -> tuple[float, ...]:
        """What it takes, without the error: milliseconds and bytes, as far as they are objectives."""
        taken = {TIME: self.ms, SIZE: self.bytes}
        return tuple(value for name in objectives if (value := taken.get(name)) is not None)


@dataclass(frozen=True)
class Tuned:
    """The network with the lowest RMSE of a search, which `edgefkp train FILE` takes, and all that was tried."""

    name: str
    space: str
    options: dict[str, Any]
    learning_rate: float
    tuning: Tuning
    data: dict[str, str]  # name and hashes of what it was searched on
    mean_shape_rmse: float  # pixels, on the same faces
    trials: list[Trial]  # the lowest RMSE first, then what was not trained to its end
    faces: int = 0  # validation faces that the RMSE counts
    machine: str = ""  # that timed the candidates, if it was the searching one
    model: str = ""  # what the network is called when it is trained
    # Command -> options of the search's command line that it has, too: to train and to export the networks.
    options_given: dict[str, list[str]] = field(default_factory=dict)
    schema: str = SCHEMA

    @property
    def front(self) -> list[Trial]:
        """The fastest first."""
        found = [trial for trial in self.trials if trial.pareto]
        return sorted(found, key=lambda trial: (*trial.costs((TIME, SIZE)), trial.validation_rmse))

    def count(self, outcome: str) -> int:
        return sum(trial.done == outcome for trial in self.trials)


def with_front(trials: Sequence[Trial], objectives: Sequence[str], mean_shape: float) -> list[Trial]:
    """The trials in the order of `Tuned`, those of the front marked.

    A network that does not beat the mean shape, which takes no time at all, is on no front.
    """
    good = [trial for trial in trials if trial.validation_rmse is not None and trial.validation_rmse < mean_shape]
    marked = [replace(trial, pareto=trial in good and not _beaten(trial, good, objectives)) for trial in trials]
    return sorted(marked, key=lambda one: (one.validation_rmse is None, one.validation_rmse or one.ms or 0.0))


def _beaten(trial: Trial, others: Sequence[Trial], objectives: Sequence[str]) -> bool:
    own = _values(trial, objectives)
    return any(
        all(mine >= theirs for mine, theirs in zip(own, found, strict=False)) and own != found
        for found in (_values(other, objectives) for other in others)
    )


def _values(trial: Trial, objectives: Sequence[str]) -> tuple[float, ...]:
    assert trial.validation_rmse is not None
    return trial.validation_rmse, *trial.costs(objectives)


def is_tuned(content: Any) -> bool:
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def read_tuned(path: Path | str) -> Tuned:
    """What a search wrote. Raises EdgefkpError for a file that is not of this form."""
    hint = "give the OUT/NAME.json that edgefkp tune wrote"
    content = read_json(path, hint)
    if not is_tuned(content):
        raise EdgefkpError(f"{path} is not what edgefkp tune writes", hint)
    tuned = read_record(Tuned, printable_json(content), str(path), hint)
    if any(trial.pareto for trial in tuned.trials):
        return tuned
    return replace(tuned, trials=with_front(tuned.trials, tuned.tuning.objectives, tuned.mean_shape_rmse))
