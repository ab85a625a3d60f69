"""Run a keypoint network from a .keras file."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.runtime.keras_files import keras_version
from edgefkp.runtime.metadata import spec_of
from edgefkp.runtime.tflite_model import expected, require_finite, require_images

BATCH = 128  # images that run at once


@dataclass
class KerasModel:
    """A loaded .keras file. Any network can be loaded; `predict` needs a keypoint network."""

    path: Path
    version: str  # of Keras
    model: Any = field(repr=False)
    runtime: str = "keras"

    @cached_property
    def spec(self) -> ModelSpec:
        """By the card beside the file or inside it, else the default."""
        return spec_of(self.path) or ModelSpec()

    @property
    def is_keypoint_model(self) -> bool:
        takes, gives = self.model.input_shape, self.model.output_shape
        if isinstance(takes, list) or isinstance(gives, list):  # several inputs or outputs
            return False
        return tuple(takes[1:]) == self.spec.input.shape and tuple(gives[1:]) == (self.spec.numbers,)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, K, 2) float32 pixels.

        Raises EdgefkpError if the file is no keypoint network, takes other images, or gives NaN for one of these.
        """
        if not self.is_keypoint_model:
            takes, gives = self.model.input_shape, self.model.output_shape
            raise EdgefkpError(
                f"{self.path} takes {takes} and gives {gives}; {expected(self.spec)}",
                "give a network made by edgefkp train (any .keras can be exported and timed)",
            )
        require_images(self.path, self.spec, images)
        outputs = [
            self.model(self.spec.input.to_network(images[i : i + BATCH]), training=False)
            for i in range(0, len(images), BATCH)
        ]
        points = self.spec.decode(np.concatenate([output.numpy() for output in outputs]))
        require_finite(self.path, points)
        return points


def load_keras(path: Path) -> KerasModel:
    """Raises EdgefkpError if the file is not a Keras network, EnvironmentProblem without TensorFlow."""
    require_tensorflow(path.name)
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged file or one with foreign layers
        if (version := keras_version(path)).startswith("2."):
            raise EdgefkpError(
                f"{path} was made by Keras {version}, whose .keras files Keras {keras.__version__} does not read",
                f"where it was made, save it as {path.stem}.h5 with model.save; pip install tf-keras loads it",
            ) from error
        raise EdgefkpError(
            f"{path} cannot be loaded as a Keras network: {str(error).strip().splitlines()[0][:80]}",
            "train or copy it again; layers of your own must be registered with Keras",
        ) from error
    return KerasModel(path, keras.__version__, model)
