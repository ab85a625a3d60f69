"""A .tflite file in an interpreter: pixels in, keypoints out, whatever numbers the file itself takes and gives."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import COUNT, SIZE, ModelSpec, denormalise


@dataclass(frozen=True)
class LoadClocks:
    """Seconds: importing the interpreter package (0 when it was imported before), making it, allocating tensors."""

    imported: float
    loaded: float
    allocated: float


@dataclass
class TfliteModel:
    """A loaded .tflite file with its tensors allocated.

    inputs, outputs: the interpreter's own details of each tensor (name, shape, dtype, quantization).
    Any file can be set, invoked and read; `predict` is for 96x96 gray in, 15 points out.
    """

    path: Path
    runtime: str
    version: str
    threads: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    clocks: LoadClocks
    interpreter: Any = field(repr=False)
    # Interpreters do not keep their delegates alive.
    delegates: list[Any] = field(default_factory=list, repr=False)

    @property
    def takes_faces(self) -> bool:
        """The file has one 96x96 gray input and one output of 30 numbers."""
        return (
            len(self.inputs) == len(self.outputs) == 1
            and tuple(self.inputs[0]["shape"]) in ((1, SIZE, SIZE, 1), (1, SIZE, SIZE))
            and int(np.prod(self.outputs[0]["shape"])) == 2 * COUNT
        )

    @property
    def spec(self) -> ModelSpec:
        self._require_faces()
        return ModelSpec()

    def set(self, tensor: np.ndarray, which: int = 0) -> None:
        self.interpreter.set_tensor(self.inputs[which]["index"], tensor)

    def invoke(self) -> None:
        self.interpreter.invoke()

    def get(self, which: int = 0) -> np.ndarray:
        """A copy of an output tensor, in the file's own type."""
        return self.interpreter.get_tensor(self.outputs[which]["index"])

    def pixel_table(self) -> np.ndarray:
        """(256,): what each pixel value is in the input tensor's type.

        float32: pixel / 255. uint8: the pixel itself. Other integers: pixel / 255 by the file's quantisation.
        """
        dtype = np.dtype(self.inputs[0]["dtype"])
        pixels = np.arange(256)
        if dtype == np.uint8:
            return pixels.astype(np.uint8)
        if dtype.kind == "f":
            return (pixels / 255).astype(dtype)
        scale, zero = self.inputs[0]["quantization"]
        limits = np.iinfo(dtype)
        return np.clip(np.rint(pixels / 255 / scale) + zero, limits.min, limits.max).astype(dtype)

    def tensors(self, images: np.ndarray) -> np.ndarray:
        """(N, 96, 96) uint8 -> (N, *input shape) in the input's type: tensors[i] goes into `set`."""
        self._require_faces()
        return self.pixel_table()[images].reshape(len(images), *self.inputs[0]["shape"])

    def keypoints(self, output: np.ndarray) -> np.ndarray:
        """(..., 30) numbers as `get` gives them -> (..., 15, 2) float32 pixels."""
        dtype = np.dtype(self.outputs[0]["dtype"])
        if dtype.kind != "f":
            scale, zero = self.outputs[0]["quantization"]
            output = (output.astype(np.float32) - zero) * scale
        return denormalise(output)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, 96, 96) uint8 -> (N, 15, 2) float32 pixels.

        Raises EdgefkpError where the file is no network for 96x96 gray faces.
        """
        outputs = np.empty((len(images), 2 * COUNT), self.outputs[0]["dtype"])
        for number, tensor in enumerate(self.tensors(images)):
            self.set(tensor)
            self.invoke()
            outputs[number] = self.get().reshape(-1)
        return self.keypoints(outputs)

    def _require_faces(self) -> None:
        if not self.takes_faces:
            raise EdgefkpError(
                f"{self.path} takes {_shapes(self.inputs)} and gives {_shapes(self.outputs)}; "
                f"a keypoint network takes 1x{SIZE}x{SIZE}x1 and gives 1x{2 * COUNT}",
                "give a .tflite file made by edgefkp export (any file can be timed with edgefkp bench)",
            )


def _shapes(details: list[dict[str, Any]]) -> str:
    return " and ".join("x".join(str(side) for side in detail["shape"]) for detail in details) or "nothing"
