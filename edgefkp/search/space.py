"""The spaces that `edgefkp tune` searches: the authors' own, and a wider one of plain networks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """A candidate. space: of networks.registry.SPACES, whose function takes `options`."""

    space: str
    options: dict[str, tuple[int, ...]]
    learning_rate: float


@dataclass(frozen=True)
class Space:
    """point: draws a candidate from keras-tuner's HyperParameters. oracle: what proposes the next one.

    trials: how many are tried where the user does not say.
    """

    name: str
    point: Callable[[Any], Point]
    oracle: str
    trials: int


def _authors(hp: Any) -> Point:
    """Appendix of the paper's notebooks: four kernels of 3 or 5, and filters of which the first two vary."""
    filters = (hp.Int("filters1", 64, 96, step=16), hp.Int("filters2", 32, 48, step=16), 48, 48)
    kernels = tuple(hp.Choice(f"kernel{index}", [3, 5]) for index in range(1, 5))
    rate = hp.Choice("learning_rate", [1e-2, 1e-3])
    return Point("tuned", {"kernels": kernels, "filters": filters}, rate)


def _wide(hp: Any) -> Point:
    """Plain 3x3 convolutions at half, quarter, eighth and sixteenth of the picture, one to three of each, any width.

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


SPACES = {
    space.name: space
    for space in (
        Space("authors", _authors, "random", 5),  # RandomSearch with 5 trials, as they had it
        Space("wide", _wide, "bayesian", 20),
    )
}
