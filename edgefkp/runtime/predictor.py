"""One way to ask any model file for keypoints: .keras through Keras, .tflite through an interpreter."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import COUNT, SIZE, ModelSpec, denormalise
from edgefkp.networks.tensorflow import require_tensorflow

BATCH = 128


class Predictor(Protocol):
    """runtime, version: what runs the model. predict: (N, 96, 96) uint8 -> (N, 15, 2) float32 pixels."""

    runtime: str
    version: str

    @property
    def spec(self) -> ModelSpec: ...

    def predict(self, images: np.ndarray) -> np.ndarray: ...


def open_predictor(path: Path | str, runtime: str | None = None, threads: int = 1) -> Predictor:
    """Load a .keras or .tflite file; a .tflite that is not known by its hash is tried in a child process first.

    A file that came with the package is compared with its golden vectors, once on a machine.
    Raises EdgefkpError for a file that is missing, damaged or no keypoint network, EnvironmentProblem where what
    runs it is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise EdgefkpError(f"no model file at {path}", "give a .keras or .tflite file; edgefkp models lists them")
    if path.suffix == ".tflite":
        from edgefkp.runtime import interpreters as runtimes
        from edgefkp.runtime import reference_vectors, safety

        safety.check(path, runtime)
        model = runtimes.load(path, runtime, threads)
        reference_vectors.check_reference_vectors(path, model)
        return model
    if path.suffix == ".keras":
        return load_keras(path)
    raise EdgefkpError(f"{path} is neither a .keras nor a .tflite file", "edgefkp export converts .keras to .tflite")


@dataclass
class KerasPredictor:
    path: Path
    version: str
    model: Any = field(repr=False)
    runtime: str = "keras"
    spec: ModelSpec = ModelSpec()  # noqa: RUF009

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, 96, 96) uint8 -> (N, 15, 2) float32 pixels.

        Raises EdgefkpError where the network is not one for 96x96 gray faces.
        """
        takes, gives = tuple(self.model.input_shape[1:]), tuple(self.model.output_shape[1:])
        if (takes, gives) != ((SIZE, SIZE, 1), (2 * COUNT,)):
            raise EdgefkpError(
                f"{self.path} takes {takes} and gives {gives}; a keypoint network takes {(SIZE, SIZE, 1)} and gives "
                f"{(2 * COUNT,)}",
                "give a network made by edgefkp train (any .keras can be exported and timed)",
            )
        outputs = [
            self.model(images[i : i + BATCH, ..., None].astype(np.float32) / 255, training=False)
            for i in range(0, len(images), BATCH)
        ]
        return denormalise(np.concatenate([output.numpy() for output in outputs]))


def load_keras(path: Path) -> KerasPredictor:
    """Raises EdgefkpError where the file is not a Keras network, EnvironmentProblem without TensorFlow."""
    require_tensorflow(path.name)
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged file or one with foreign layers
        raise EdgefkpError(
            f"{path} cannot be loaded as a Keras network: {str(error).strip().splitlines()[0][:80]}",
            "train or copy it again; layers of your own must be registered with Keras",
        ) from error
    return KerasPredictor(path, keras.__version__, model)
