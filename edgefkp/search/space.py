"""The spaces that `edgefkp tune` searches: the authors' own, and a wider one of plain networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgefkp.records import Registry

EVENLY, TPE = "evenly", "tpe"  # how candidates are proposed


@dataclass(frozen=True)
class Steps:
    """Whole numbers from `low` to `high`."""

    low: int
    high: int
    step: int = 1

    @property
    def count(self) -> float:
        return len(range(self.low, self.high + 1, self.step))

    def holds(self, value: Any) -> bool:
        return type(value) is int and value in range(self.low, self.high + 1, self.step)


@dataclass(frozen=True)
class Choice:
    """One of these numbers."""

    values: tuple[float, ...]

    @property
    def count(self) -> float:
        return len(self.values)

    def holds(self, value: Any) -> bool:
        return type(value) is float and value in self.values


@dataclass(frozen=True)
class LogRange:
    """Any number from `low` to `high`, evenly by its logarithm."""

    low: float
    high: float
    count: float = math.inf

    def holds(self, value: Any) -> bool:
        return type(value) is float and self.low <= value <= self.high


Axis = Steps | Choice | LogRange
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """A candidate."""

    space: str  # of networks.registry.SPACES
    options: dict[str, tuple[int, ...]]  # of that space's function
    learning_rate: float


@dataclass(frozen=True)
class Space:
    """What is searched, and how."""

    name: str
    axes: Mapping[str, Axis]
    made: Callable[[Values], Point]  # from a value of each axis
    # EVENLY: at random, none twice. TPE: where those that no other one beats stand dense (multi-objective TPE); the
    # first ten at random.
    sampler: str
    trials: int  # unless the user gives another number

    @property
    def size(self) -> float:
        """How many candidates there are; infinite if an axis is."""
        return math.prod(axis.count for axis in self.axes.values())

    def at(self, values: Values) -> Point:
        """Raises ValueError for values that are not of this space."""
        for name, axis in self.axes.items():
            if not axis.holds(values.get(name)):
                raise ValueError(f"{name} is {values.get(name)!r}, which the space '{self.name}' does not have")
        return self.made(values)


def _authors(values: Values) -> Point:
    filters = (values["filters1"], values["filters2"], 48, 48)
    kernels = tuple(values[f"kernel{number}"] for number in range(1, 5))
    return Point("tuned", {"kernels": kernels, "filters": filters}, values["learning_rate"])


def _wide(values: Values) -> Point:
    channels: list[int] = []
    strides: list[int] = []
    for stage in range(1, 5):
        depth = values[f"depth{stage}"]
        channels += [values[f"width{stage}"]] * depth
        strides += [2] + [1] * (depth - 1)
    return Point("plain", {"channels": tuple(channels), "strides": tuple(strides)}, values["learning_rate"])


SPACES: Registry[Space] = Registry("search space")
# The paper's notebooks: RandomSearch with 5 trials over four kernels of 3 or 5, and filters of which two vary.
SPACES.add(
    Space(
        "authors",
        {
            "filters1": Steps(64, 96, 16),
            "filters2": Steps(32, 48, 16),
            **{f"kernel{number}": Steps(3, 5, 2) for number in range(1, 5)},
            "learning_rate": Choice((1e-2, 1e-3)),
        },
        _authors,
        EVENLY,
        5,
    )
)
# Plain 3x3 convolutions at half, quarter, eighth and sixteenth of the image, one to three of each, any width: between a
# tenth and twenty times the multiplications of `small`.
SPACES.add(
    Space(
        "wide",
        {
            "width1": Steps(8, 32, 8),
            "width2": Steps(16, 64, 8),
            "width3": Steps(32, 96, 16),
            "width4": Steps(48, 128, 16),
            **{f"depth{stage}": Steps(1, 3) for stage in range(1, 5)},
            "learning_rate": LogRange(5e-4, 8e-3),
        },
        _wide,
        TPE,
        20,
    )
)


def words_of(options: Mapping[str, Any]) -> str:
    """A network's options in words. Of plain convolutions their channels, a space where the image is halved:
    "16 32,32 64 96,96,96"."""
    try:
        if set(options) == {"channels", "strides"}:
            pairs = zip(options["channels"], options["strides"], strict=True)
            return "".join(f"{',' if stride == 1 else ' '}{count}" for count, stride in pairs).strip()
        return ", ".join(f"{name} {'-'.join(map(str, value))}" for name, value in options.items())
    except (TypeError, ValueError):  # of a file that somebody wrote
        return str(dict(options))
