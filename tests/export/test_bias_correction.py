from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.export import quantize
from edgefkp.export.bias_correction import (
    corrected,
    float_outputs,
    measured_with,
    missing_bias,
    output_biases,
    outputs_of,
)
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.schemes import SCHEMES
from edgefkp.runtime.graph import graph_of


@pytest.fixture(scope="module")
def network():
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(6)(x))


SAMPLES = (np.random.default_rng(0).random((64, 8, 8, 1), np.float32),)


@pytest.mark.parametrize("scheme", ["dynamic", "int8"])
def test_a_corrected_file_is_right_on_average(network, scheme: str) -> None:
    settings = ConversionSettings(scheme)
    truth = float_outputs(network, SAMPLES)
    missing = missing_bias(network, settings, SAMPLES, truth)
    with corrected(network, missing):
        after = truth - outputs_of(convert(network, settings, SAMPLES), SAMPLES)
    assert np.abs(after.mean(0)).mean() < np.abs(missing).mean() / 2


def test_the_network_is_as_before_afterwards(network) -> None:
    before = np.array(network(SAMPLES[0]))
    with corrected(network, np.full(6, 0.5)):
        np.testing.assert_allclose(np.array(network(SAMPLES[0])), before + 0.5, atol=1e-6)
    with corrected(network, None):
        pass
    np.testing.assert_array_equal(np.array(network(SAMPLES[0])), before)


def test_only_one_linear_dense_output_has_a_bias_to_correct(network) -> None:
    import keras
    from keras import layers

    assert output_biases(network) == [network.layers[-1].bias]
    inputs = keras.Input((5,))
    x = layers.Dense(4)(inputs)
    assert output_biases(keras.Model(inputs, [x, layers.Dense(2)(x)])) == []
    assert output_biases(keras.Model(inputs, layers.Dense(2, activation="softmax")(x))) == []
    assert output_biases(keras.Model(inputs, layers.Dense(2, use_bias=False)(x))) == []


def test_files_that_differ_at_their_ends_only_are_corrected_alike() -> None:
    assert measured_with(ConversionSettings("int8io", u8=True)) == measured_with(ConversionSettings("int8"))


@pytest.fixture(scope="module")
def ends():
    """Networks that end in a convolution: over all that it sees, so and flattened, so with an activation, at several
    places."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(32, 3, strides=3, activation="relu")(inputs)
    last = layers.Conv2D(6, 2)(x)
    return {
        "places": keras.Model(inputs, last),
        "flat": keras.Model(inputs, layers.Flatten()(last)),
        "relu": keras.Model(inputs, layers.Conv2D(6, 2, activation="relu")(x)),
        "map": keras.Model(inputs, layers.Conv2D(6, 1)(x)),
    }


def test_a_convolution_over_all_that_it_sees_has_a_bias_to_correct(ends) -> None:
    found = {name: len(output_biases(network)) for name, network in ends.items()}
    assert found == {"places": 1, "flat": 1, "relu": 0, "map": 0}
    for name, network in ends.items():
        graph = graph_of(convert(network, ConversionSettings("float32")))
        assert len(quantize.output_biases(graph)) == found[name]
    settings = ConversionSettings("int8")
    missing = missing_bias(ends["flat"], settings, SAMPLES)
    with corrected(ends["flat"], missing):
        made = outputs_of(convert(ends["flat"], settings, SAMPLES), SAMPLES)
    after = (float_outputs(ends["flat"], SAMPLES) - made).mean(0)
    assert np.abs(after).mean() < np.abs(missing).mean() / 2


@pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")
def test_a_tflite_that_ends_in_a_convolution_is_right_on_average(ends, tmp_path: Path) -> None:
    path = tmp_path / "places.float32.tflite"
    path.write_bytes(convert(ends["places"], ConversionSettings("float32")))
    made = quantize.quantize(path, SCHEMES["int8"], SAMPLES)
    assert made.missing is not None
    after = (float_outputs(ends["places"], SAMPLES) - outputs_of(made.content, SAMPLES)).mean(0)
    assert np.abs(after).mean() < np.abs(made.missing).mean() / 2
