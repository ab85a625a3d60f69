"""Which points a face has, and what a network takes and returns: the values that a model's card and file carry.

Everywhere in the package keypoints are float32 arrays of shape (N, K, 2), x before y, in pixels of their image with
pixel centers at whole numbers, NaN where a point is missing. Left and right are the subject's. Only a network's edge
sees (N, 2 K) numbers, through `ModelSpec.encode` and `ModelSpec.decode`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgefkp.errors import UsageError
from edgefkp.layouts.base import LAYOUTS as LAYOUTS
from edgefkp.layouts.base import REFERENCE_SIDE as REFERENCE_SIDE
from edgefkp.layouts.base import PointLayout as PointLayout
from edgefkp.layouts.base import PointMap as PointMap
from edgefkp.layouts.base import side_of as side_of
from edgefkp.layouts.kaggle15 import KAGGLE15 as KAGGLE15

SIDES = (32, 256)  # pixels, the smallest and largest side of an input
STEP = 8  # pixels; a side is a multiple of it

COLORS = {"gray": 1, "rgb": 3}  # channels of an input

# input = (pixel - mean) / deviation, for pixels in 0..255
SCALINGS = {"0..1": (0.0, 255.0), "0..255": (0.0, 1.0), "-1..1": (127.5, 127.5)}


@dataclass(frozen=True)
class InputSpec:
    """What a network is fed: a square image of one face.

    Raises UsageError for a side, colors or a scaling that is not supported.
    """

    side: int = REFERENCE_SIDE  # pixels
    colors: str = "gray"  # one of COLORS; rgb: red first
    scaling: str = "0..1"  # one of SCALINGS, or "standardized": by `mean` and `deviation`
    mean: tuple[float, ...] = ()  # gray levels 0..255, of each channel; for "standardized" alone
    deviation: tuple[float, ...] = ()  # gray levels, of each channel

    def __post_init__(self) -> None:
        if self.colors not in COLORS:
            raise UsageError(f"unknown colors '{self.colors}'", f"choose one of: {', '.join(COLORS)}")
        if not SIDES[0] <= self.side <= SIDES[1] or self.side % STEP:
            raise UsageError(
                f"an input of {self.side} pixels is not possible",
                f"choose a multiple of {STEP} from {SIDES[0]} to {SIDES[1]}",
            )
        if self.scaling == "standardized":
            if not len(self.mean) == len(self.deviation) == self.channels or 0 in self.deviation:
                raise UsageError("a standardized input needs a mean and a deviation for each channel")
        elif self.scaling not in SCALINGS:
            raise UsageError(f"unknown scaling '{self.scaling}'", f"choose one of: {', '.join(SCALINGS)}, standardized")

    @property
    def channels(self) -> int:
        return COLORS[self.colors]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image in the network's input: (side, side, channels)."""
        return self.side, self.side, self.channels

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image in memory: (side, side) for gray, (side, side, 3) for rgb."""
        return (self.side, self.side) if self.channels == 1 else self.shape

    @property
    def center(self) -> float:
        """Pixels, x and y of the image's middle."""
        return (self.side - 1) / 2

    def to_network(self, images: np.ndarray) -> np.ndarray:
        """(N, *image_shape) uint8 -> (N, side, side, channels) float32, scaled as the network expects."""
        pixels = images.reshape(len(images), *self.shape).astype(np.float32)
        mean, deviation = (numbers.astype(np.float32) for numbers in self.mean_and_deviation)
        return (pixels - mean) / deviation

    @property
    def mean_and_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """((C,), (C,)) float64 of each channel: input = (pixel - mean) / deviation, for pixels in 0..255."""
        if self.scaling == "standardized":
            return np.array(self.mean), np.array(self.deviation)
        mean, deviation = SCALINGS[self.scaling]
        return np.full(self.channels, mean), np.full(self.channels, deviation)

    def __str__(self) -> str:
        return f"{self.side}x{self.side} {self.colors}"


def input_of(images: np.ndarray) -> InputSpec:
    """The input that (N, side, side[, 3]) images are made for, in the default scaling."""
    return InputSpec(images.shape[1], "gray" if images.ndim == 3 else "rgb")


@dataclass(frozen=True)
class OutputSpec:
    """Which output of a network is which, by name, and in what numbers. Raises UsageError for an unknown form."""

    points: str = ""  # name of the output that holds the points; "" where the network has one output
    form: str = "-1..1"  # of the points: the image's edges, half a pixel outside the outer pixel centers, at -1 and 1

    def __post_init__(self) -> None:
        if self.form != "-1..1":
            raise UsageError(f"unknown form of points '{self.form}'", "choose: -1..1")


@dataclass(frozen=True)
class ModelSpec:
    """Points, input and output of one model, as its card and its file carry them."""

    layout: PointLayout = KAGGLE15
    input: InputSpec = InputSpec()
    output: OutputSpec = OutputSpec()

    @property
    def numbers(self) -> int:
        """How many the points' output has: x and y of each point."""
        return 2 * self.layout.count

    def encode(self, keypoints: np.ndarray) -> np.ndarray:
        """(..., K, 2) pixels -> (..., 2 K) float32 in [-1, 1]; NaN stays NaN. A mirrored face has negated x."""
        points = np.asarray(keypoints, np.float32)
        return ((points - self.input.center) / (self.input.side / 2)).reshape(*points.shape[:-2], self.numbers)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(..., 2 K) in [-1, 1] -> (..., K, 2) float32 pixels: the inverse of `encode`."""
        flat = np.asarray(outputs, np.float32)
        pixels = flat * (self.input.side / 2) + self.input.center
        return pixels.reshape(*flat.shape[:-1], self.layout.count, 2)

    def fits(self, takes: tuple[int, ...], gives: int) -> bool:
        """Whether a network with inputs of shape `takes` (no batch) and `gives` numbers is one of this kind."""
        return takes in (self.input.shape, self.input.image_shape) and gives == self.numbers

    def __str__(self) -> str:
        return f"{self.input} in, {self.layout.count} points ({self.layout.name}) out"
