"""The spaces that `edgefkp tune` searches: the authors' own, and a wider one of plain networks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgefkp.records import Registry


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
    point: Callable[[Any], Point]  # draws a candidate from keras-tuner's HyperParameters
    oracle: str  # what proposes the next candidate: random or bayesian
    trials: int  # unless the user gives another number


def _authors(hp: Any) -> Point:
    """Appendix of the paper's notebooks: four kernels of 3 or 5, and filters of which the first two vary."""
    filters = (hp.Int("filters1", 64, 96, step=16), hp.Int("filters2", 32, 48, step=16), 48, 48)
    kernels = tuple(hp.Choice(f"kernel{index}", [3, 5]) for index in range(1, 5))
    rate = hp.Choice("learning_rate", [1e-2, 1e-3])
    return Point("tuned", {"kernels": kernels, "filters": filters}, rate)


def _wide(hp: Any) -> Point:
    """Plain 3x3 convolutions at half, quarter, eighth and sixteenth of the image, one to three of each, any width.

    All between a tenth and twenty times the multiplications of `small`.
    """
    channels: list[int] = []
    strides: list[int] = []
    for stage, widths in enumerate(
        ([8, 16, 24, 32], [16, 24, 32, 48, 64], [32, 48, 64, 96], [48, 64, 96, 128]), start=1
    ):
        width = hp.Choice(f"width{stage}", widths)
        depth = hp.Int(f"depth{stage}", 1, 3)
        channels += [width] * depth
        strides += [2] + [1] * (depth - 1)
    rate = hp.Float("learning_rate", 5e-4, 8e-3, sampling="log")
    return Point("plain", {"channels": tuple(channels), "strides": tuple(strides)}, rate)


SPACES: Registry[Space] = Registry("search space")
SPACES.add(Space("authors", _authors, "random", 5))  # RandomSearch with 5 trials, as they had it
SPACES.add(Space("wide", _wide, "bayesian", 20))
