"""What the first layers of a Keras network show of its input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.runtime import own_layers
from edgefkp.runtime.keras_contract import contract_of_network
from edgefkp.runtime.keras_model import KerasModel, load_keras

FIRST = {
    "rescaling": (lambda x: layers.Rescaling(1 / 255)(x), "0..255"),
    "to -1..1": (lambda x: layers.Rescaling(1 / 127.5, -1)(x), "0..255"),
    "division": (lambda x: x / 255.0, "0..255"),
    "from 0..1": (lambda x: layers.Rescaling(2.0, -1.0)(x), "0..1"),
    "from -1..1": (lambda x: layers.Rescaling(0.5, 0.5)(x), "-1..1"),
    "normalization": (lambda x: layers.Normalization(mean=120.0, variance=3000.0)(x), "0..255"),
    "augmentation": (lambda x: layers.Rescaling(1 / 255)(layers.RandomBrightness(0.1)(x)), "0..255"),
    "within": (lambda x: keras.Sequential([keras.Input((32, 32, 1)), layers.Rescaling(1 / 255)])(x), "0..255"),
    "nothing": (lambda x: x, None),
    "a convolution": (lambda x: layers.Rescaling(1 / 255)(layers.Conv2D(1, 1)(x)), None),
}


def network(first: Any, dtype: str = "float32", batch: int | None = None) -> Any:
    inputs = keras.Input(batch_shape=(batch, 32, 32, 1), dtype=dtype)
    return keras.Model(inputs, layers.Dense(30)(layers.Flatten()(first(inputs))))


@pytest.mark.parametrize("name", FIRST)
def test_first_layers_show_the_range(name: str) -> None:
    first, scaling = FIRST[name]
    found = contract_of_network(network(first))
    assert found is not None
    assert found.spec.input.scaling == scaling or (scaling is None and not found.shown)


def test_an_input_of_bytes_takes_bytes() -> None:
    found = contract_of_network(network(lambda x: layers.Rescaling(1.0)(x), "uint8"))
    assert found is not None
    assert found.spec.input.scaling == "0..255"


@pytest.mark.parametrize("batch", [None, 4])
def test_a_network_of_a_fixed_batch_predicts_any_number_of_images(tmp_path: Path, batch: int | None) -> None:
    keras.utils.set_random_seed(0)
    made = network(lambda x: layers.Rescaling(1 / 255)(x), "uint8", batch)
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32), np.uint8)
    points = KerasModel(tmp_path / "none.keras", "3", made).predict(images)
    twin = network(lambda x: x)
    twin.set_weights(made.get_weights())
    np.testing.assert_allclose(points.reshape(6, 30), np.array(twin(images[..., None] / 255)) * 16 + 15.5, atol=1e-3)


OWN = """
import keras
@keras.saving.register_keras_serializable("mine")
class Halved(keras.layers.Layer):
    def call(self, x):
        return x / 2
"""


def test_layers_of_ones_own_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(own_layers.VARIABLE, raising=False)
    monkeypatch.setenv(own_layers.VARIABLE, "")  # and restored after the test
    (tmp_path / "mine.py").write_text(OWN)
    scope: dict[str, Any] = {}
    exec(OWN, scope)
    path = tmp_path / "halved.keras"
    network(lambda x: scope["Halved"]()(x)).save(path)
    keras.saving.get_custom_objects().clear()
    with pytest.raises(EdgefkpError) as caught:
        load_keras(path)
    assert "--import FILE.py" in caught.value.hint
    own_layers.use([str(tmp_path / "mine.py")])
    assert load_keras(path).model.layers[1].__class__.__name__ == "Halved"
    with pytest.raises(UsageError, match="no Python module or file 'nothing_of_that_name'"):
        own_layers.use(["nothing_of_that_name"])
    (tmp_path / "broken.py").write_text("raise RuntimeError('no')")
    own_layers.use([str(tmp_path / "broken.py")])
    with pytest.raises(EdgefkpError, match=r"broken\.py fails: RuntimeError: no"):
        own_layers.imported()
