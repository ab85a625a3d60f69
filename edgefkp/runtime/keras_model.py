"""Run a keypoint network from a .keras file."""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.runtime.keras_contract import contract_of_network
from edgefkp.runtime.keras_files import keras_version
from edgefkp.runtime.metadata import spec_of
from edgefkp.runtime.own_layers import imported
from edgefkp.runtime.tflite_model import expected, require_finite, require_images

BATCH = 128  # images that run at once


@dataclass
class KerasModel:
    """A loaded .keras file. Any network can be loaded; `predict` needs a keypoint network."""

    path: Path
    version: str  # of Keras
    model: Any = field(repr=False)
    runtime: str = "keras"
    accelerator: str = ""  # TensorFlow's own choice
    known_spec: ModelSpec | None = None  # given by the caller; otherwise `spec` looks it up

    @cached_property
    def spec(self) -> ModelSpec:
        """By the card beside the file or inside it, else as its shapes and first layers show, else the default."""
        shown = contract_of_network(self.model) if self.known_spec is None else None
        return self.known_spec or spec_of(self.path) or (shown.spec if shown else ModelSpec())

    @property
    def is_keypoint_model(self) -> bool:
        takes, which = self.model.inputs, self._output(self.spec.output.points)
        if len(takes) != 1 or which is None or None in (gives := self.model.outputs[which].shape[1:]):
            return False
        return self.spec.fits(tuple(takes[0].shape[1:]), prod(gives))

    def _output(self, name: str) -> int | None:
        """Index of the output of that name, or the only one; None if there is no such output."""
        names = [tensor._keras_history.operation.name for tensor in self.model.outputs]
        return names.index(name) if name in names else 0 if len(names) == 1 else None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, *spec.input.image_shape) uint8 -> (N, K, 2) float32 pixels.

        Raises EdgefkpError if the file is no keypoint network, takes other images, or gives NaN for one of these.
        """
        return self.predict_with_deviation(images)[0]

    def predict_with_deviation(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """As `predict`, and the standard deviation of each point, (N, K) float32 pixels; None for a network without."""
        if not self.is_keypoint_model:
            takes, gives = _shapes(self.model.inputs), _shapes(self.model.outputs)
            raise EdgefkpError(
                f"{self.path} takes {takes} and gives {gives}; {expected(self.spec)}",
                "give a network made by edgefkp train (any .keras can be exported and timed)",
            )
        require_images(self.path, self.spec, images)
        takes = self.model.inputs[0]
        batch = takes.shape[0] or BATCH
        outputs, deviations = [], []
        which = self._output(self.spec.output.points) or 0
        other = self._output(self.spec.output.deviation) if len(self.model.outputs) > 1 else None
        for start in range(0, len(images), batch):
            part = self.spec.input.to_network(images[start : start + batch]).astype(takes.dtype)
            part = part.reshape(len(part), *takes.shape[1:])
            whole = np.pad(part, [(0, (takes.shape[0] or len(part)) - len(part))] + [(0, 0)] * (part.ndim - 1))
            found = flat(self.model(whole, training=False))
            outputs.append(found[which].numpy()[: len(part)].reshape(len(part), self.spec.numbers))
            if other is not None:
                deviations.append(found[other].numpy()[: len(part)])
        points = self.spec.decode(np.concatenate(outputs))
        require_finite(self.path, points)
        if not deviations:
            return points, None
        doubts = self.spec.decode_deviation(np.concatenate(deviations))
        require_finite(self.path, doubts)
        return points, doubts


def flat(outputs: Any) -> list[Any]:
    """The tensors of a network's outputs, which may stand in lists or dicts, in the order of `model.outputs`."""
    import keras

    return list(keras.tree.flatten(outputs))


def _shapes(tensors: list[Any]) -> str:
    return " and ".join(str(tuple(tensor.shape)) for tensor in tensors)


def load_keras(path: Path) -> KerasModel:
    """Raises EdgefkpError if the file is not a Keras network, EnvironmentProblem without TensorFlow."""
    require_tensorflow(path.name)
    import keras

    imported()
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged file or one with foreign layers
        if (version := keras_version(path)).startswith("2."):
            raise EdgefkpError(
                f"{path} was made by Keras {version}, whose .keras files Keras {keras.__version__} does not read",
                f"where it was made, save it as {path.stem}.h5 with model.save; pip install tf-keras loads it",
            ) from error
        if "`Lambda` layer" in str(error):
            raise EdgefkpError(
                f"{path} holds a Lambda layer: Python code, which is not run out of a file",
                "save the network with keras.ops or a layer of your own in its place (--import FILE.py), or as a "
                "SavedModel: edgefkp import",
            ) from error
        raise EdgefkpError(
            f"{path} cannot be loaded as a Keras network: {str(error).strip().splitlines()[0][:80]}",
            "train or copy it again; layers of your own: --import FILE.py, which registers them with Keras",
        ) from error
    return KerasModel(path, keras.__version__, model)
