"""Networks with inputs and outputs of other kinds, in every scheme: the points of a trained network around which they
are made stay where they were."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.data.faces import Dataset
from edgefkp.export.exporter import export_network
from edgefkp.export.options import ExportOptions
from edgefkp.export.schemes import SCHEMES
from edgefkp.layout import ModelSpec
from edgefkp.runtime import interpreters, shipped

SPEC = ModelSpec()
LIMIT, FULL_INT8_LIMIT = 0.05, 0.10  # px of RMSE above the float network
MOVES = np.random.default_rng(0).normal(0, 0.1, (4, SPEC.numbers)).astype(np.float32)  # of each class


def inner() -> Any:
    return keras.models.load_model(shipped.models(".keras")[0], compile=False)


def takes_bytes() -> Any:
    face = keras.Input(SPEC.input.shape, dtype="uint8", name="face")
    return keras.Model(face, inner()(layers.Rescaling(1 / 255)(face)))


def returns_pixels() -> Any:
    face = keras.Input(SPEC.input.shape, name="face")
    return keras.Model(face, layers.Rescaling(SPEC.unit, SPEC.zero)(inner()(layers.Rescaling(1 / 255)(face))))


def takes_a_class_too() -> Any:
    face, kind = keras.Input(SPEC.input.shape, name="face"), keras.Input((len(MOVES),), name="class")
    moved = layers.Dense(SPEC.numbers, use_bias=False)
    network = keras.Model([kind, face], layers.Add()([inner()(face), moved(kind)]))
    moved.set_weights([MOVES])
    return network


def fed(name: str, images: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs by name, for (N, 96, 96) uint8 images."""
    pixels = images[..., None]
    if name == "takes_a_class_too":
        kinds = np.eye(len(MOVES), dtype=np.float32)[np.arange(len(images)) % len(MOVES)]
        return {"face": (pixels / 255).astype(np.float32), "class": kinds}
    return {"face": pixels if name == "takes_bytes" else pixels.astype(np.float32)}


def points(path: Path, name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(N, K, 2) pixels."""
    model = interpreters.load(path, "tensorflow", xnnpack=False)
    found = []
    for number in range(len(arrays["face"])):
        for which, detail in enumerate(model.inputs):
            value = next(array for key, array in arrays.items() if key in detail["name"])[number : number + 1]
            dtype, (scale, zero) = np.dtype(detail["dtype"]), detail["quantization"]
            if dtype == np.int8:
                value = np.clip(np.rint(value / scale) + zero, -128, 127)
            model.set(value.astype(dtype), which)
        model.invoke()
        scale, zero = model.outputs[0]["quantization"]
        output = model.get()[0].astype(np.float64)
        found.append((output - zero) * scale if scale else output)
    numbers = np.array(found)
    if name == "returns_pixels":
        return numbers.reshape(len(numbers), -1, 2)
    if name == "takes_a_class_too":
        numbers -= arrays["class"] @ MOVES
    return numbers.reshape(len(numbers), -1, 2) * SPEC.unit + SPEC.zero


@pytest.mark.slow
@pytest.mark.parametrize("make", [takes_bytes, returns_pixels, takes_a_class_too])
def test_every_scheme_is_near_the_float_network(make: Callable[[], Any], source: Dataset, tmp_path: Path) -> None:
    name = make.__name__
    path, samples = tmp_path / f"{name}.keras", tmp_path / "samples.npz"
    make().save(path)
    np.savez(samples, **fed(name, source.train.images))  # type: ignore[arg-type]
    written = export_network(path, tmp_path, SCHEMES, source, ExportOptions(calibration=samples, parity=False))
    assert source.test is not None
    arrays, truth = fed(name, source.test.images), source.test.keypoints
    errors = {
        scheme: float(np.sqrt(np.nanmean((points(file, name, arrays) - truth) ** 2)))
        for scheme, file in zip(SCHEMES, written, strict=True)
    }
    limits = {scheme.name: FULL_INT8_LIMIT if scheme.integer_ends else LIMIT for scheme in SCHEMES.values()}
    assert {scheme: error - errors["float32"] < limits[scheme] for scheme, error in errors.items()} == dict.fromkeys(
        SCHEMES, True
    )
