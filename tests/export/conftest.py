from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.synthetic import draw_all
from edgefkp.layout import ModelSpec

COUNT = 60


@pytest.fixture(scope="session")
def source() -> Dataset:
    """Drawn faces: 60 of 20 persons to train on, 12 of 4 others to test on."""
    images, keypoints = draw_all(COUNT + 12, seed=5)
    persons = np.arange(COUNT + 12) // 3
    train, test = slice(COUNT), slice(COUNT, None)
    return Dataset(
        "drawn",
        faces_of(images[train], keypoints[train], groups=persons[train].astype(str)),
        faces_of(images[test], keypoints[test], groups=persons[test].astype(str)),
        "drawn by a program",
    )


@dataclass(frozen=True)
class Exported:
    """network: the .keras file. files: scheme (with .u8 where so) -> .tflite."""

    network: Path
    folder: Path
    files: dict[str, Path]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, source: Dataset) -> Exported:
    """One tiny network with random weights in every scheme, for floats (with parity) and for bytes."""
    pytest.importorskip("tensorflow")
    from edgefkp.export.exporter import export_network
    from edgefkp.export.options import ExportOptions
    from edgefkp.export.schemes import SCHEMES

    folder = tmp_path_factory.mktemp("export")
    network = tiny_network(folder / "models" / "tiny-masked.keras")
    files = {}
    for u8 in (False, True):
        written = export_network(network, folder, SCHEMES, source, ExportOptions(u8=u8, parity=not u8))
        files |= {scheme + ".u8" * u8: path for scheme, path in zip(SCHEMES, written, strict=True)}
    return Exported(network, folder, files)


def tiny_network(path: Path, spec: ModelSpec = ModelSpec()) -> Path:  # noqa: B008
    from edgefkp.networks.tensorflow import require_tensorflow

    require_tensorflow("the test")
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = x = keras.Input(spec.input.shape, name="pixels")
    x = layers.Conv2D(8, 3, strides=4, activation="relu", name="first")(x)
    x = layers.Conv2D(16, 3, strides=4, activation="relu", name="second")(x)
    outputs = layers.Dense(spec.numbers, name="keypoints")(layers.Flatten()(x))
    path.parent.mkdir(parents=True, exist_ok=True)
    keras.Model(inputs, outputs).save(path)
    return path
