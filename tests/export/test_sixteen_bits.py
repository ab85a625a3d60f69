"""Graphs with 16-bit activations: hard swish as additions and multiplications, and additions of any scale."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.export.bias_correction import float_outputs, outputs_of
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.operator_kinds import OperatorKinds
from edgefkp.export.schemes import SCHEMES
from edgefkp.export.sixteen_bits import without_hard_swish
from edgefkp.runtime.graph import graph_of

SAMPLES = [np.random.default_rng(0).random((24, 8, 8, 1), np.float32)]
SAMPLES[0][0, 0, :2] = [[0], [1]]


def swishing() -> Any:
    """Pixels that become -1..1, and two hard swishes, one by name and one spelled out, of what reaches beyond both of
    its bends."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 1), name="pixels")
    x = layers.Rescaling(2.0, offset=-1.0)(inputs)
    x = layers.Conv2D(8, 3, kernel_initializer=keras.initializers.RandomNormal(0, 3), activation="hard_swish")(x)
    x = layers.Conv2D(8, 3)(x)
    x = layers.Multiply()([x, layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)])
    return keras.Model(inputs, layers.Dense(4, name="numbers")(layers.Flatten()(x)))


def kinds(content: bytes) -> Counter[str]:
    return Counter(operator.name for operator in graph_of(content).operators)


def test_the_same_numbers_come_out_without_the_operator() -> None:
    content = convert(swishing(), ConversionSettings("float32"))
    assert kinds(content)["HARD_SWISH"] == 2
    made = without_hard_swish(content)
    assert kinds(made) == kinds(content) - Counter(HARD_SWISH=2) + Counter(ADD=2, MUL=4)
    np.testing.assert_allclose(outputs_of(made, SAMPLES), outputs_of(content, SAMPLES), rtol=1e-5, atol=1e-5)
    assert without_hard_swish(made) is made


def test_int16x8_computes_it_in_integers() -> None:
    model = swishing()
    truth = float_outputs(model, SAMPLES)
    errors = {}
    for scheme in ("int16x8", "int8"):
        content = convert(model, ConversionSettings(scheme), SAMPLES)
        errors[scheme] = (outputs_of(content, SAMPLES) - truth).std()
        assert OperatorKinds(graph_of(content)).integer_share == 1
    assert kinds(content)["HARD_SWISH"] == 2  # 8 bits have a kernel of it
    assert errors["int16x8"] < 0.6 * errors["int8"]


@pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")
def test_a_tflite_has_it_in_integers_too(tmp_path: Path) -> None:
    from edgefkp.export.quantize import quantize

    path = tmp_path / "swishing.float32.tflite"
    path.write_bytes(convert(swishing(), ConversionSettings("float32")))
    content = quantize(path, SCHEMES["int16x8"], SAMPLES).content
    assert OperatorKinds(graph_of(content)).integer_share == 1
    moved = outputs_of(content, SAMPLES) - float_outputs(swishing(), SAMPLES)
    assert moved.std() < 0.02 * float_outputs(swishing(), SAMPLES).std()
