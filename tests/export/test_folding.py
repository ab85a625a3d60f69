"""A folded network is the same function with fewer layers."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.export.folding import folded
from edgefkp.layout import ModelSpec
from edgefkp.networks.deviation import deviation_layers, feature_network, with_deviation
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


def behind_a_relu(norm, after):
    inputs = keras.Input((96, 96, 1))
    x = norm(layers.Conv2D(8, 3, activation="relu")(inputs))
    return lived_in(keras.Model(inputs, layers.Dense(30)(layers.GlobalAveragePooling2D()(after(x)))))


def test_a_shift_goes_into_a_convolution_in_groups():
    model = behind_a_relu(layers.BatchNormalization(), layers.Conv2D(16, 3, groups=2))
    result = folded(model)
    assert "BatchNormalization" not in kinds(result)
    np.testing.assert_allclose(outputs(result), outputs(model), atol=1e-3)


def test_a_batchnorm_over_another_axis_stays():
    model = behind_a_relu(layers.BatchNormalization(axis=1), layers.Conv2D(8, 3))
    assert folded(model) is model


def test_bytes_stay_bytes():
    inputs = keras.Input((96, 96, 1), dtype="uint8")
    x = layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 255)(inputs))
    x = layers.Conv2D(8, 3)(layers.BatchNormalization()(x))
    model = lived_in(keras.Model(inputs, layers.Dense(30)(layers.GlobalAveragePooling2D()(x))))
    result = folded(model)
    assert "BatchNormalization" not in kinds(result)
    assert result.inputs[0].dtype == "uint8"
    images = np.random.default_rng(1).integers(0, 256, (3, 96, 96, 1), np.uint8)
    np.testing.assert_allclose(np.array(result(images)), np.array(model(images)), atol=1e-3)


def test_a_network_within_a_network_is_folded_too():
    inner = lived_in(tuned(ModelSpec(), (3, 3, 3, 3), (8, 8, 8, 8)))
    inputs = keras.Input((96, 96, 1))
    model = keras.Model(inputs, inner(layers.Rescaling(1.0, 0.0)(inputs)))
    result = folded(model)
    assert "BatchNormalization" not in kinds(result)
    np.testing.assert_allclose(outputs(result), outputs(model), atol=1e-3)


def test_what_folding_does_not_fit_is_left_as_it_is_with_a_note(monkeypatch):
    from edgefkp.export import folding

    def fails(model, steps, branch):
        raise ValueError("no such layer")

    monkeypatch.setattr(folding, "_rebuilt", fails)
    model, told = behind_a_relu(layers.BatchNormalization(), layers.Conv2D(8, 3)), []
    assert folded(model, told.append) is model
    assert told == ["its BatchNorms are not folded into the layers before them: no such layer"]


def test_points_in_pixels_are_what_the_last_dense_layer_returns():
    inputs = keras.Input((96, 96, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(inputs))
    model = keras.Model(inputs, layers.Rescaling(48.0, 47.5)(layers.Dense(30, use_bias=False)(x)))
    result = folded(model)
    assert kinds(result)[-1] == "Dense"
    np.testing.assert_allclose(outputs(result), outputs(model), rtol=1e-4)


def with_deviations(model):
    """The network with deviations of random weights."""
    seen = feature_network(model)
    new = deviation_layers(15)
    shapes = [(None, sum(tensor.shape[-1] for tensor in seen.outputs[1:])), (None, new[0].units)]
    rng = np.random.default_rng(2)
    for layer, shape in zip(new, shapes, strict=True):
        layer.build(shape)
        layer.set_weights([rng.normal(0, 0.1, weights.shape) for weights in layer.get_weights()])
    return with_deviation(seen, new)


@pytest.mark.parametrize(
    "make",
    [
        lambda: blocks(ModelSpec(), **SMALL_BLOCKS),
        # The last shift goes into the dense layer of the points, and of the deviations beside it.
        lambda: tuned(ModelSpec(), (3, 3, 3, 3), (8, 8, 8, 8)),
    ],
    ids=["blocks", "tuned"],
)
def test_a_network_with_deviations_is_folded_like_its_twin_without(make):
    twin = lived_in(make())
    model = with_deviations(twin)
    result = folded(model)
    left = ["BatchNormalization", "Rescaling"]
    assert [kinds(result).count(kind) for kind in left] == [kinds(folded(twin)).count(kind) for kind in left]
    assert set(result.output_names) == {"keypoints", "deviation"}
    pixels = np.random.default_rng(1).random((3, 96, 96, 1), np.float32)
    for before, after in zip(model(pixels, training=False), result(pixels, training=False), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-3)


def test_a_network_of_heat_maps_with_deviations_is_left_as_it_is():
    model = with_deviations(lived_in(plain(ModelSpec(), (8, 8), (4, 4), head="argmax", maps=6)))
    assert folded(model) is model
