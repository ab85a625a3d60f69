"""Run a keypoint .tflite or .onnx: images in, keypoints out, by the input scaling and quantization of the file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import STANDARDIZED, ModelSpec
from edgefkp.runtime.compiled import Accelerated
from edgefkp.runtime.engine import Engine


@dataclass(frozen=True)
class LoadClocks:
    """Seconds that loading a file took."""

    imported: float  # importing the interpreter package; 0 if it was imported before
    loaded: float  # making the interpreter
    allocated: float  # allocating the tensors


@dataclass
class TfliteModel:
    """A loaded .tflite or .onnx file with its tensors allocated. Any file can be set, invoked and read; `predict` needs
    a keypoint network."""

    path: Path
    runtime: str  # one of interpreters.RUNTIMES
    version: str  # of the runtime
    threads: int
    inputs: list[dict[str, Any]]  # the interpreter's details of each tensor: name, shape, dtype, quantization
    outputs: list[dict[str, Any]]
    clocks: LoadClocks
    interpreter: Any = field(repr=False)
    delegates: list[Any] = field(default_factory=list, repr=False)  # interpreters do not keep them alive
    known_spec: ModelSpec | None = None  # given by the caller; otherwise `spec` looks it up
    engine: Engine = Engine()  # noqa: RUF009  (frozen) that was asked for
    accelerated: Accelerated | None = None  # what it was compiled for; None for an interpreter

    @property
    def accelerator(self) -> str:
        """ "gpu", or the file name of a delegate; "" for the runtime's own CPU kernels."""
        return self.engine.on

    @cached_property
    def spec(self) -> ModelSpec:
        """By the file's metadata, else by its card, else as its shapes and quantization show, else the default."""
        if self.known_spec:
            return self.known_spec
        # Here: the benchmark's worker imports as little as possible.
        from edgefkp.runtime.contract import known_spec

        return known_spec(self.path) or ModelSpec()

    @property
    def is_keypoint_model(self) -> bool:
        """The tensors have the shapes of `spec`: one input of its images, and the points' output of its size."""
        if len(self.inputs) != 1 or self.points_output is None:
            return False
        batch, *takes = (int(size) for size in self.inputs[0]["shape"])
        gives = int(np.prod(self.outputs[self.points_output]["shape"]))
        return batch == 1 and self.spec.fits(tuple(takes), gives)

    @property
    def points_output(self) -> int | None:
        """Index of the output that holds the points; None if the file has no such output."""
        names = [detail["name"] for detail in self.outputs]
        if self.spec.output.points in names:
            return names.index(self.spec.output.points)
        return 0 if len(names) == 1 else None

    @property
    def deviation_output(self) -> int | None:
        """Index of the output that holds the deviations of the points; None if the file has no such output."""
        names = [detail["name"] for detail in self.outputs]
        name = self.spec.output.deviation
        return names.index(name) if name in names and len(names) > 1 else None

    def set(self, tensor: np.ndarray, which: int = 0) -> None:
        self.interpreter.set_tensor(self.inputs[which]["index"], tensor)

    def view(self, which: int = 0) -> np.ndarray:
        """An input tensor itself, to be written to. Must be let go of before the tensors are used: `view()[:] = ...`"""
        return self.interpreter.tensor(self.inputs[which]["index"])()

    def set_all(self, tensors: Sequence[np.ndarray]) -> None:
        """One for each input."""
        for which, tensor in enumerate(tensors):
            self.set(tensor, which)

    def invoke(self) -> None:
        self.interpreter.invoke()

    def get(self, which: int = 0) -> np.ndarray:
        """A copy of an output tensor, in the file's own type."""
        return self.interpreter.get_tensor(self.outputs[which]["index"])

    def pixel_table(self) -> np.ndarray:
        """(256,): each pixel value in the input tensor's type; (256, 3) if the scaling differs between the channels.

        Red first. uint8: the pixel itself, unless the input is standardized. Floats: scaled by `spec.input`. Other
        integers: scaled, then quantized.
        """
        dtype = np.dtype(self.inputs[0]["dtype"])
        scale, zero = self.inputs[0]["quantization"]
        if dtype == np.uint8 and (self.spec.input.scaling != STANDARDIZED or not scale):
            return np.arange(256, dtype=np.uint8)
        mean, deviation = self.spec.input.mean_and_deviation
        scaled = (np.arange(256)[:, None] - mean) / deviation
        if dtype.kind != "f":
            scale = scale or 1.0  # integers that are no quantized numbers
            limits = np.iinfo(dtype)
            scaled = np.clip(np.rint(scaled / scale) + zero, limits.min, limits.max)
        table = scaled.astype(dtype)
        return table[:, 0].copy() if (table == table[:, :1]).all() else table

    def tensors(self, images: np.ndarray) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, *input shape) in the input's type: tensors[i] goes into `set`.

        Raises EdgefkpError if the file is no keypoint network, or takes other images.
        """
        self._require_keypoint_model()
        require_images(self.path, self.spec, images)
        table = self.pixel_table()
        numbers = table[images] if table.ndim == 1 else table[images, np.arange(table.shape[1])]
        spec = self.spec.input
        arranged = spec.arranged(numbers.reshape(len(images), spec.side, spec.side, spec.channels))
        return arranged.reshape(len(images), *self.inputs[0]["shape"])

    def keypoints(self, output: np.ndarray) -> np.ndarray:
        """(..., numbers) as `get` returns them -> (..., K, 2) float32 pixels."""
        return self.spec.decode(self._real(output, self.points_output or 0))

    def _real(self, output: np.ndarray, which: int) -> np.ndarray:
        """The numbers that an output's integers stand for; floats as they are."""
        detail = self.outputs[which]
        if np.dtype(detail["dtype"]).kind == "f":
            return output
        scale, zero = detail["quantization"]
        return (output.astype(np.float32) - zero) * (scale or 1.0)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, K, 2) float32 pixels.

        Raises EdgefkpError if the file is no keypoint network, takes other images, or gives NaN for one of these.
        """
        points = self.keypoints(self.run(images))
        require_finite(self.path, points)
        return points

    def predict_with_deviation(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """As `predict`, and the standard deviation of each point, (N, K) float32 pixels; None for a file without it."""
        which = self.deviation_output
        if which is None:
            return self.predict(images), None
        numbers = np.empty((len(images), self.spec.layout.count), self.outputs[which]["dtype"])
        points = self.keypoints(self.run(images, lambda row: numbers.__setitem__(row, self.get(which).reshape(-1))))
        deviations = self.spec.decode_deviation(self._real(numbers, which))
        for found in (points, deviations):
            require_finite(self.path, found)
        return points, deviations

    def run(self, images: np.ndarray, then: Callable[[int], None] | None = None) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, numbers), the points' output in the file's own type.

        then: called after each image with its number, to read other outputs.
        """
        tensors = self.tensors(images)
        which = self.points_output or 0
        outputs = np.empty((len(images), self.spec.numbers), self.outputs[which]["dtype"])
        for number, tensor in enumerate(tensors):
            self.set(tensor)
            self.invoke()
            outputs[number] = self.get(which).reshape(-1)
            if then:
                then(number)
        return outputs

    def _require_keypoint_model(self) -> None:
        if not self.is_keypoint_model:
            raise EdgefkpError(
                f"{self.path} takes {_shapes(self.inputs)} and gives {_shapes(self.outputs)}; {expected(self.spec)}",
                "give a .tflite file made by edgefkp export (any file can be timed with edgefkp bench)",
            )


def plain_name(name: str) -> str:
    """Of an input as users know it: "face" for "serving_default_face:0"."""
    return name.partition(":")[0].removeprefix("serving_default_")


def expected(spec: ModelSpec) -> str:
    """What a keypoint network takes and gives, for messages."""
    takes = "x".join(str(size) for size in (1, *spec.input.shape))
    return f"a keypoint network ({spec}) takes {takes} and gives 1x{spec.numbers}"


def require_images(path: Path, spec: ModelSpec, images: np.ndarray) -> None:
    """Raise EdgefkpError unless `images` are (N, *spec.input.image_shape)."""
    if images.shape[1:] != spec.input.image_shape:
        found = "x".join(str(size) for size in images.shape[1:])
        raise EdgefkpError(f"{path} takes {spec.input} images, and these are {found}", "resample them: Faces.at(spec)")


def require_finite(path: Path, outputs: np.ndarray) -> None:
    """Raise EdgefkpError where a network's outputs are not all numbers."""
    if not np.isfinite(outputs).all():
        raise EdgefkpError(f"{path} produces NaN or infinity", "export or copy it again; its weights may be damaged")


def _shapes(details: list[dict[str, Any]]) -> str:
    return " and ".join("x".join(str(side) for side in detail["shape"]) for detail in details) or "nothing"
