"""Which points a face has, and what a network takes and returns: the values that a model's card and file carry.

Everywhere in the package keypoints are float32 arrays of shape (N, K, 2), x before y, in pixels of their image with
pixel centers at whole numbers, NaN where a point is missing. Left and right are the subject's. Only a network's edge
sees (N, 2 K) numbers, through `ModelSpec.encode` and `ModelSpec.decode`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.records import Registry, fields_from

REFERENCE_SIDE = 96  # pixels; lengths in recipes and in constants of the package are those of an image of this side
SIDES = (32, 256)  # pixels, the smallest and largest side of an input
STEP = 8  # pixels; a side is a multiple of it


@dataclass(frozen=True)
class PointLayout:
    """The points of a face: names, order, and what has to be known of them to train, score and draw.

    Raises EdgefkpError for a definition that contradicts itself.
    """

    # A word, as in --layout; it becomes part of the names of models, but for the first layout of all.
    name: str
    points: tuple[str, ...]
    # (x, y) of each point in units of the face's box, the box's edges at 0 and 1: where a face sits in a training crop.
    mean_shape: tuple[tuple[float, float], ...]
    # The points whose distance normalizes NME: two groups of names, each group standing for its mean.
    nme_pair: tuple[tuple[str, ...], tuple[str, ...]]
    # mirror[k]: the point that k becomes in a mirrored image. Where it is not given: left and right in the names swap.
    mirror: tuple[int, ...] = ()
    # Pairs of names between which a line is drawn.
    lines: tuple[tuple[str, str], ...] = ()
    # Two groups as in `nme_pair`, where they are not those that KAGGLE15 names: outer corners of the eyes, and pupils.
    eye_corners: tuple[tuple[str, ...], ...] = ()
    pupils: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        # 9 digits, as JSON files keep them: a layout that is read back equals the one that was written.
        shape = tuple(tuple(float(f"{number:.9g}") for number in place) for place in self.mean_shape)
        object.__setattr__(self, "mean_shape", shape)
        if not self.mirror:
            object.__setattr__(self, "mirror", tuple(self._index(_other_side(name)) for name in self.points))
        groups = (*self.nme_pair, *self.eye_corners, *self.pupils, *self.lines)
        used = [name for group in groups for name in group]
        problem = ""
        if not self.points or len(set(self.points)) < len(self.points):
            problem = "needs points whose names differ"
        elif [len(place) for place in self.mean_shape] != [2] * self.count:
            problem = f"has {len(self.mean_shape)} places in its mean shape for {len(self.points)} points"
        elif [self.mirror[k] if 0 <= k < len(self.mirror) else -1 for k in self.mirror] != list(range(self.count)):
            problem = "is another face after mirroring twice"
        elif unknown := [name for name in used if name not in self.points]:
            problem = f"has no point '{unknown[0]}'"
        if problem:
            raise EdgefkpError(f"the point layout {self.name} {problem}", "correct its definition")

    def _index(self, name: str) -> int:
        if name not in self.points:
            raise EdgefkpError(
                f"the point layout {self.name} has no point '{name}'", f"points: {', '.join(self.points[:8])}"
            )
        return self.points.index(name)

    @property
    def count(self) -> int:
        return len(self.points)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the 2 K columns of a table: x and y of each point, in order."""
        return tuple(f"{name}_{axis}" for name in self.points for axis in "xy")

    @cached_property
    def mirror_order(self) -> np.ndarray:
        """(K,) int: keypoints[..., mirror_order, :] are the points of the mirrored face in the usual order."""
        return np.array(self.mirror)

    def rows(self, *names: str) -> np.ndarray:
        """(n,) int: where these points stand. Raises EdgefkpError for a name that the layout does not have."""
        return np.array([self._index(name) for name in names])

    def has(self, *names: str) -> bool:
        return set(names) <= set(self.points)

    def mean_points(self, side: int = REFERENCE_SIDE) -> np.ndarray:
        """(K, 2) float32 pixels of a square crop of that side: the mean shape."""
        return (np.array(self.mean_shape, np.float64) * side - 0.5).astype(np.float32)

    def part(self, *names: str) -> PointLayout:
        """A layout of these points alone, in this order; NME is then over the first and the last of them."""
        others = [_other_side(name) for name in names]
        mirror = tuple(names.index(other) if other in names else k for k, other in enumerate(others))
        shape = tuple(self.mean_shape[self._index(name)] for name in names)
        return PointLayout(f"{self.name}-part", names, shape, ((names[0],), (names[-1],)), mirror)

    def nme_distance(self, keypoints: np.ndarray, pair: tuple[tuple[str, ...], ...] = ()) -> np.ndarray:
        """(N,) distance of the groups of `pair`, else `nme_pair`, in (N, K, 2) points; NaN where a point is missing."""
        one, other = (keypoints[:, self.rows(*group)].mean(1) for group in pair or self.nme_pair)
        distance: np.ndarray = np.linalg.norm(one - other, axis=-1)
        return distance

    def to_json(self) -> Any:
        """Its name if every edgefkp knows it, else the whole definition: what is read elsewhere knows no other ones."""
        if BUILT_IN.get(self.name) == self:
            return self.name
        return {name: value for name, value in asdict(self).items() if value or name == "lines"}

    @classmethod
    def from_json(cls, value: Any) -> PointLayout:
        """From a name or a whole definition. Raises ValueError for anything else."""
        if isinstance(value, str):
            if value not in LAYOUTS.names():
                raise ValueError(f"unknown point layout '{value}' (known: {', '.join(LAYOUTS.names())})")
            return LAYOUTS[value]
        if not isinstance(value, dict) or not {"name", "points", "mean_shape", "nme_pair"} <= value.keys():
            raise ValueError("a point layout is a name, or an object with name, points, mean_shape and nme_pair")
        return fields_from(cls, value)


def side_of(point: str) -> str:
    """ "left", "right" or "middle", by the point's name."""
    words = point.split("_")
    return next((side for side in ("left", "right") if side in words), "middle")


def _other_side(point: str) -> str:
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in point.split("_"))


LAYOUTS: Registry[PointLayout] = Registry("point layout")


def _in_units(*pixels: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Pixels of a 96x96 crop as shares of its box."""
    return tuple(((x + 0.5) / REFERENCE_SIDE, (y + 0.5) / REFERENCE_SIDE) for x, y in pixels)


# Kaggle's order (facial-keypoints-detection, IdLookupTable.csv). The mean shape is that of the complete rows of
# Kaggle-form crops.
KAGGLE15 = LAYOUTS.add(
    PointLayout(
        "kaggle15",
        (
            "left_eye_center",
            "right_eye_center",
            "left_eye_inner_corner",
            "left_eye_outer_corner",
            "right_eye_inner_corner",
            "right_eye_outer_corner",
            "left_eyebrow_inner_end",
            "left_eyebrow_outer_end",
            "right_eyebrow_inner_end",
            "right_eyebrow_outer_end",
            "nose_tip",
            "mouth_left_corner",
            "mouth_right_corner",
            "mouth_center_top_lip",
            "mouth_center_bottom_lip",
        ),
        _in_units(
            (65.5, 36.4), (29.9, 37.0), (57.7, 37.5), (73.9, 37.5), (37.8, 38.0),
            (21.7, 38.2), (54.4, 28.2), (80.6, 32.0), (40.6, 28.5), (14.5, 33.0),
            (47.9, 57.7), (63.4, 75.2), (33.2, 75.6), (48.3, 71.3), (48.3, 83.7),
        ),
        (("left_eye_center",), ("right_eye_center",)),
    )
)  # fmt: skip

BUILT_IN = dict(LAYOUTS.known)

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
