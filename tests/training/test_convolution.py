"""A convolution whose filter's gradient is made of matrix products computes what Keras' own computes."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import keras

from edgefkp.training.convolution import by_products


def network(padding, size=(24, 21), kernel=3, **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((*size, 16))
    x = keras.layers.Conv2D(32, kernel, padding=padding, activation="relu", **options)(inputs)
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x)))


def step(model, pixels):
    pixels = tf.constant(pixels)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        loss = tf.reduce_sum(model(pixels, training=True) ** 2)
    return tape.gradient(loss, [pixels, *model.trainable_variables])


def kind(model):
    return type(model.layers[1]).__name__


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [3, 5, (3, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_those_of_keras(padding, kernel, bias):
    pixels = np.random.default_rng(0).normal(size=(3, 24, 21, 16)).astype(np.float32)
    plain, products = (network(padding, kernel=kernel, use_bias=bias) for _ in range(2))
    by_products(products)
    assert kind(products) == "ProductConv2D"
    for one, other in zip(step(plain, pixels), step(products, pixels), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 2},
        {"dilation_rate": 2},
        {"groups": 4},
        {"kernel": 1},
        {"kernel": 2},
        {"kernel": (3, 2)},
        {"size": (12, 12)},
    ],
    ids=str,
)
def test_others_are_left_alone(options):
    model = network("valid", **options)
    by_products(model)
    assert kind(model) == "Conv2D"


def test_mixed_precision_trains():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        plain, products = (network("same") for _ in range(2))
    finally:
        keras.config.set_dtype_policy("float32")
    by_products(products)
    pixels = np.random.default_rng(0).normal(size=(3, 24, 21, 16)).astype(np.float32)
    for one, other in zip(step(plain, pixels), step(products, pixels), strict=True):
        assert np.abs(other - one).max() < 0.03 * np.abs(one).max()
