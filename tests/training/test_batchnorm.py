"""The fused BatchNorm is Keras' own: outputs, gradients and running statistics."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import keras

from edgefkp.training.batchnorm import fuse


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(6, 3)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.8)(x)
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(keras.layers.ReLU()(x))))


def step(model, pixels):
    with tf.GradientTape() as tape:
        outputs = model(pixels, training=True)
        loss = tf.reduce_sum(outputs**2)
    return outputs, tape.gradient(loss, model.trainable_variables)


def test_it_computes_what_keras_computes():
    pixels = np.random.default_rng(0).normal(1, 2, (5, 12, 12, 3)).astype(np.float32)
    plain, fused = network(), network()
    fuse(fused, 0.8)
    assert type(fused.layers[2]).__name__ == "FusedBatchNormalization"
    (outputs, gradients), (outputs2, gradients2) = step(plain, pixels), step(fused, pixels)
    np.testing.assert_allclose(outputs2, outputs, atol=1e-4)
    for one, other in zip(gradients, gradients2, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-2, rtol=1e-3)
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)
    np.testing.assert_allclose(fused(pixels, training=False), plain(pixels, training=False), atol=1e-4)


def test_a_layer_that_is_not_trained_keeps_its_statistics():
    model = network()
    model.layers[2].trainable = False
    fuse(model, 0.5)
    before = model.layers[2].get_weights()
    step(model, np.ones((2, 12, 12, 3), np.float32))
    for one, other in zip(before, model.layers[2].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_mixed_precision_trains():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network()
    finally:
        keras.config.set_dtype_policy("float32")
    fuse(model, 0.9)
    _, gradients = step(model, np.random.default_rng(0).random((4, 12, 12, 3)).astype(np.float32))
    assert all(gradient is not None and np.isfinite(gradient.numpy()).all() for gradient in gradients)
