"""A folded network is the same function with fewer layers."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.export.folding import folded
from edgefkp.layout import ModelSpec
from edgefkp.networks.ours import plain
from edgefkp.networks.paper import blocks, tuned

SMALL_BLOCKS = {"filters": ((8, 8), (12,)), "dense": 16, "dense_activation": "relu"}


def lived_in(model):
    """The network with BatchNorms as training leaves them: every number of its own."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = (np.array(w) for w in layer.get_weights())
            layer.set_weights(
                [
                    rng.uniform(0.5, 2, gamma.shape),
                    rng.normal(0, 1, beta.shape),
                    rng.normal(0, 1, mean.shape),
                    rng.uniform(0.2, 3, variance.shape),
                ]
            )
    return model


def kinds(model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def outputs(model) -> np.ndarray:
    pixels = np.random.default_rng(1).random((3, 96, 96, 1), np.float32)
    return np.array(model(pixels, training=False))


def test_after_leaky_relu_only_additions_before_padded_convolutions_stay():
    model = lived_in(blocks(ModelSpec(), **SMALL_BLOCKS))
    result = folded(model)
    assert "BatchNormalization" not in kinds(result)
    assert kinds(result).count("Rescaling") == 2  # none before the dense layer
    np.testing.assert_allclose(outputs(result), outputs(model), atol=1e-3)


def test_with_valid_padding_nothing_stays():
    model = lived_in(tuned(ModelSpec(), (3, 3, 3, 3), (8, 8, 8, 8)))
    result = folded(model)
    assert not {"BatchNormalization", "Rescaling"} & set(kinds(result))
    np.testing.assert_allclose(outputs(result), outputs(model), atol=1e-3)


def test_what_the_converter_folds_is_left_to_it():
    model = lived_in(plain(ModelSpec(), (8, 8), (4, 4)))
    assert folded(model) is model


def test_a_negative_factor_does_not_pass_an_activation():
    model = lived_in(blocks(ModelSpec(), **SMALL_BLOCKS))
    first = next(layer for layer in model.layers if type(layer).__name__ == "BatchNormalization")
    weights = first.get_weights()
    weights[0][3] = -0.7
    first.set_weights(weights)
    result = folded(model)
    assert kinds(result).count("BatchNormalization") == 1
    np.testing.assert_allclose(outputs(result), outputs(model), atol=1e-3)


def test_networks_that_are_no_chain_are_left_alone():
    import keras

    inputs = keras.Input((96, 96, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Add()([x, keras.layers.Conv2D(4, 3, padding="same")(inputs)])
    model = keras.Model(inputs, keras.layers.Dense(30)(keras.layers.Flatten()(x)))
    assert folded(model) is model
    last = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.BatchNormalization()]
    )
    assert folded(last) is last
