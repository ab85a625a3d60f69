"""One way to predict the keypoints of images with any model file: .keras through Keras, .tflite and .onnx through an
interpreter."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from edgefkp.runtime.contract import Stated
from edgefkp.runtime.engine import RuntimeChoice
from edgefkp.runtime.keras_files import is_keras
from edgefkp.runtime.onnx_file import is_onnx


class Predictor(Protocol):
    """A loaded model file."""

    runtime: str  # what runs the model
    version: str  # of the runtime

    @property
    def accelerator(self) -> str:
        """ "gpu", or the file name of a delegate; "" for the runtime's own CPU kernels."""

    @property
    def spec(self) -> ModelSpec: ...

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, K, 2) float32 pixels."""

    def predict_with_deviation(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The points, and the standard deviation of each, (N, K) float32 pixels; None for a file without it."""


def open_predictor(
    path: Path | str,
    runtime: RuntimeChoice = None,
    threads: int = 1,
    stated: Stated | None = None,
    spec: ModelSpec | None = None,
) -> Predictor:
    """Load a .keras, .tflite or .onnx file; one that is not known by its hash is tried in a child process first.

    runtime: its name, or an Engine with an accelerator or a delegate, for .tflite files.
    stated: of its input and output, where no card or another one describes them; spec: all of that.

    A file that came with the package is compared with its reference vectors, once on a machine.
    Raises EdgefkpError if the file is missing, damaged or no keypoint network, EnvironmentProblem if the runtime is
    not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise EdgefkpError(
            f"no model file at {path}", "give a .keras, .tflite or .onnx file; edgefkp models lists them"
        )
    if path.suffix == ".tflite" or is_onnx(path):
        from edgefkp.runtime import interpreters, reference_vectors, safety

        safety.check(path, runtime)
        model = interpreters.load(path, runtime, threads)
        model = replace(model, known_spec=_known(model.spec, stated, spec)) if stated or spec else model
        reference_vectors.check_reference_vectors(path, model)
        return model
    if is_keras(path):
        from edgefkp.runtime.keras_model import load_keras
        from edgefkp.runtime.keras_safety import check_keras

        check_keras(path)
        network = load_keras(path)
        return replace(network, known_spec=_known(network.spec, stated, spec)) if stated or spec else network
    raise EdgefkpError(
        f"{path} is neither a .keras nor a .tflite or .onnx file", "edgefkp import makes a .tflite of other forms"
    )


def _known(own: ModelSpec, stated: Stated | None, spec: ModelSpec | None) -> ModelSpec:
    spec = spec or own
    return stated.over(spec) if stated else spec
