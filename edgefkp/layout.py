"""Which points a face has, and what a network takes and returns: the values that a model's card and file carry.

Everywhere in the package keypoints are float32 arrays of shape (N, K, 2), x before y, in pixels of their image with
pixel centers at whole numbers, NaN where a point is missing. Left and right are the subject's. Only a network's edge
sees (N, 2 K) numbers, through `ModelSpec.encode` and `ModelSpec.decode`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from edgefkp.errors import UsageError
from edgefkp.layouts.base import LAYOUTS as LAYOUTS
from edgefkp.layouts.base import REFERENCE_SIDE as REFERENCE_SIDE
from edgefkp.layouts.base import SIDE_COLORS as SIDE_COLORS
from edgefkp.layouts.base import PointLayout as PointLayout
from edgefkp.layouts.base import PointMap as PointMap
from edgefkp.layouts.base import side_of as side_of
from edgefkp.layouts.kaggle15 import KAGGLE15 as KAGGLE15

SIDES = (32, 256)  # pixels, the smallest and largest side of an input
STEP = 8  # pixels; a side is a multiple of it

COLORS = {"gray": 1, "rgb": 3}  # channels of an input

ORDERS = ("rgb", "bgr")  # which channel of an input comes first
AXES = ("HWC", "CHW")  # of one image in an input: channels last, as Keras has them, or first, as PyTorch has them

# input = (pixel - mean) / deviation, for pixels in 0..255
SCALINGS = {"0..1": (0.0, 255.0), "0..255": (0.0, 1.0), "-1..1": (127.5, 127.5)}
STANDARDIZED = "standardized"  # by a mean and a deviation of its own

# Number of an output -> pixel = number * unit + zero; the unit in sides of the image.
# -1..1: the image's edges, half a pixel outside the outer pixel centers, at -1 and 1.
# 0..1: the coordinate divided by the side. pixels: the coordinate.
FORMS = ("-1..1", "0..1", "pixels")

# The likelihoods by which deviations are trained -> the share of errors, of x and y each, within one and two of them.
LIKELIHOODS = {
    "gaussian": (math.erf(1 / math.sqrt(2)), math.erf(2 / math.sqrt(2))),
    "laplace": (1 - math.exp(-math.sqrt(2)), 1 - math.exp(-2 * math.sqrt(2))),
}


@dataclass(frozen=True)
class InputSpec:
    """What a network is fed: a square image of one face.

    Raises UsageError for a side, colors or a scaling that is not supported.
    """

    side: int = REFERENCE_SIDE  # pixels
    colors: str = "gray"  # one of COLORS; images in memory are rgb, red first
    scaling: str = "0..1"  # one of SCALINGS, or "standardized": by `mean` and `deviation`
    mean: tuple[
        float, ...
    ] = ()  # gray levels 0..255, of each channel as the network has them; for "standardized" alone
    deviation: tuple[float, ...] = ()  # gray levels, of each channel
    order: str = "rgb"  # one of ORDERS: of the network's channels
    axes: str = "HWC"  # one of AXES

    def __post_init__(self) -> None:
        if self.colors not in COLORS:
            raise UsageError(f"unknown colors '{self.colors}'", f"choose one of: {', '.join(COLORS)}")
        if not SIDES[0] <= self.side <= SIDES[1] or self.side % STEP:
            raise UsageError(
                f"an input of {self.side} pixels is not possible",
                f"choose a multiple of {STEP} from {SIDES[0]} to {SIDES[1]}",
            )
        for value, known in ((self.order, ORDERS), (self.axes, AXES)):
            if value not in known:
                raise UsageError(f"an input cannot be '{value}'", f"choose one of: {', '.join(known)}")
        if self.scaling == STANDARDIZED:
            if not len(self.mean) == len(self.deviation) == self.channels or 0 in self.deviation:
                raise UsageError("a standardized input needs a mean and a deviation for each channel")
        elif self.scaling not in SCALINGS:
            raise UsageError(
                f"unknown scaling '{self.scaling}'", f"choose one of: {', '.join(SCALINGS)}, {STANDARDIZED}"
            )

    @property
    def channels(self) -> int:
        return COLORS[self.colors]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image in the network's input: (side, side, channels), or with the channels first."""
        last = self.side, self.side, self.channels
        return last if self.axes == "HWC" else (self.channels, self.side, self.side)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image in memory: (side, side) for gray, (side, side, 3) for rgb."""
        return (self.side, self.side) if self.channels == 1 else (self.side, self.side, self.channels)

    @property
    def center(self) -> float:
        """Pixels, x and y of the image's middle."""
        return (self.side - 1) / 2

    def to_network(self, images: np.ndarray) -> np.ndarray:
        """(N, *image_shape) uint8 -> (N, *shape) float32, scaled as the network expects."""
        pixels = images.reshape(len(images), self.side, self.side, self.channels).astype(np.float32)
        mean, deviation = (numbers.astype(np.float32) for numbers in self.mean_and_deviation)
        return self.arranged((pixels - mean) / deviation)

    def arranged(self, pixels: Any) -> Any:
        """(N, side, side, channels), red first -> (N, *shape) in the network's order; a view of numpy arrays."""
        if self.order == "bgr" and self.channels > 1:
            pixels = pixels[..., ::-1]
        return pixels if self.axes == "HWC" else np.moveaxis(pixels, -1, 1)

    def image_in(self, tensor: np.ndarray) -> np.ndarray:
        """The view of an input tensor (1, *shape) as one image, (*image_shape), which writes into `tensor`."""
        tensor = tensor.reshape(self.shape)
        view = tensor if self.axes == "HWC" else np.moveaxis(tensor, 0, -1)
        if self.channels == 1:
            return view[..., 0]
        return view[..., ::-1] if self.order == "bgr" else view

    @property
    def mean_and_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """((C,), (C,)) float64 of each channel, red first: input = (pixel - mean) / deviation, for pixels in 0..255."""
        if self.scaling == STANDARDIZED:
            step = -1 if self.order == "bgr" else 1
            return np.array(self.mean)[::step], np.array(self.deviation)[::step]
        mean, deviation = SCALINGS[self.scaling]
        return np.full(self.channels, mean), np.full(self.channels, deviation)

    def __str__(self) -> str:
        return f"{self.side}x{self.side} {self.colors}"

    def to_json(self) -> dict[str, Any]:
        """Without the fields that came later where they have their defaults."""
        return _without_defaults(self, "order", "axes")


def _without_defaults(record: Any, *later: str) -> dict[str, Any]:
    return {
        one.name: getattr(record, one.name)
        for one in fields(record)
        if one.name not in later or getattr(record, one.name) != one.default
    }


def input_of(images: np.ndarray) -> InputSpec:
    """The input that (N, side, side[, 3]) images are made for, in the default scaling."""
    return InputSpec(images.shape[1], "gray" if images.ndim == 3 else "rgb")


@dataclass(frozen=True)
class OutputSpec:
    """Which output of a network is which, by name, and in what numbers. Raises UsageError for an unknown form."""

    points: str = ""  # name of the output that holds the points; "" where the network has one output
    form: str = "-1..1"  # of the points: one of FORMS
    offset: float = 0.0  # pixels to add to every coordinate: 0.5 after training on (x - side / 2) / (side / 2)
    numbers_a_point: int = 2  # x and y; what comes after them (depth, visibility) is left out
    # Name of the output with the natural logarithm of a standard deviation for each point, that of x and of y, in units
    # of the points' numbers; "" for a network without it.
    deviation: str = ""
    likelihood: str = "gaussian"  # one of LIKELIHOODS: of the errors, by these deviations

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UsageError(f"unknown form of points '{self.form}'", f"choose one of: {', '.join(FORMS)}")
        if self.likelihood not in LIKELIHOODS:
            raise UsageError(f"unknown likelihood '{self.likelihood}'", f"choose one of: {', '.join(LIKELIHOODS)}")
        if not 2 <= self.numbers_a_point <= 8 or not math.isfinite(self.offset):
            raise UsageError(
                f"{self.numbers_a_point} numbers a point and an offset of {self.offset} px are not possible"
            )

    @property
    def points_only(self) -> OutputSpec:
        """Of the same network without its deviations."""
        return replace(self, points="", deviation="", likelihood="gaussian") if self.deviation else self

    def to_json(self) -> dict[str, Any]:
        """Without the fields that came later where they have their defaults."""
        return _without_defaults(self, "offset", "numbers_a_point", "deviation", "likelihood")


@dataclass(frozen=True)
class ModelSpec:
    """Points, input and output of one model, as its card and its file carry them."""

    layout: PointLayout = KAGGLE15
    input: InputSpec = InputSpec()
    output: OutputSpec = OutputSpec()

    @property
    def numbers(self) -> int:
        """How many the points' output has."""
        return self.output.numbers_a_point * self.layout.count

    @property
    def unit(self) -> float:
        """Pixels of the image that the number 1 of an output is worth."""
        return {"-1..1": self.input.side / 2, "0..1": float(self.input.side), "pixels": 1.0}[self.output.form]

    @property
    def zero(self) -> float:
        """The pixel, x or y, that the number 0 of an output stands for."""
        return (self.input.center if self.output.form == "-1..1" else 0.0) + self.output.offset

    def encode(self, keypoints: np.ndarray) -> np.ndarray:
        """(..., K, 2) pixels -> (..., 2 K) float32, from -1 to 1 by default; NaN stays NaN. A mirrored face has then
        negated x."""
        points = np.asarray(keypoints, np.float32)
        return ((points - self.zero) / self.unit).reshape(*points.shape[:-2], 2 * self.layout.count)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(..., numbers), from -1 to 1 by default -> (..., K, 2) float32 pixels: the inverse of `encode`."""
        flat = np.asarray(outputs, np.float32)
        pixels = flat * self.unit + self.zero
        return pixels.reshape(*flat.shape[:-1], self.layout.count, self.output.numbers_a_point)[..., :2]

    def decode_deviation(self, outputs: np.ndarray) -> np.ndarray:
        """(..., K) numbers of the deviations' output -> (..., K) float32 pixels."""
        return np.exp(np.asarray(outputs, np.float32)) * np.float32(self.unit)

    def fits(self, takes: tuple[int, ...], gives: int) -> bool:
        """Whether a network with inputs of shape `takes` (no batch) and `gives` numbers is one of this kind."""
        plain = self.input.image_shape if self.input.channels == 1 else self.input.shape
        return takes in (self.input.shape, plain) and gives == self.numbers

    def __str__(self) -> str:
        return f"{self.input} in, {self.layout.count} points ({self.layout.name}) out"
