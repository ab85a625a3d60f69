"""The faster kernels compute what Keras' own compute: outputs, gradients and running statistics."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import keras

from edgefkp.training.kernels import fuse_batchnorm, use_matmul_filter_gradients


def with_batchnorm():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(6, 3)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.8)(x)
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(keras.layers.ReLU()(x))))


def batchnorm_step(model, pixels):
    with tf.GradientTape() as tape:
        outputs = model(pixels, training=True)
        loss = tf.reduce_sum(outputs**2)
    return outputs, tape.gradient(loss, model.trainable_variables)


def test_a_fused_batchnorm_computes_what_keras_computes():
    pixels = np.random.default_rng(0).normal(1, 2, (5, 12, 12, 3)).astype(np.float32)
    plain, fused = with_batchnorm(), with_batchnorm()
    fuse_batchnorm(fused, 0.8)
    assert type(fused.layers[2]).__name__ == "FusedBatchNormalization"
    (outputs, gradients), (outputs2, gradients2) = batchnorm_step(plain, pixels), batchnorm_step(fused, pixels)
    np.testing.assert_allclose(outputs2, outputs, atol=1e-4)
    for one, other in zip(gradients, gradients2, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-2, rtol=1e-3)
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)
    np.testing.assert_allclose(fused(pixels, training=False), plain(pixels, training=False), atol=1e-4)


def test_a_layer_that_is_not_trained_keeps_its_statistics():
    model = with_batchnorm()
    model.layers[2].trainable = False
    fuse_batchnorm(model, 0.5)
    before = model.layers[2].get_weights()
    batchnorm_step(model, np.ones((2, 12, 12, 3), np.float32))
    for one, other in zip(before, model.layers[2].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fused_batchnorm_trains_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = with_batchnorm()
    finally:
        keras.config.set_dtype_policy("float32")
    fuse_batchnorm(model, 0.9)
    _, gradients = batchnorm_step(model, np.random.default_rng(0).random((4, 12, 12, 3)).astype(np.float32))
    assert all(gradient is not None and np.isfinite(gradient.numpy()).all() for gradient in gradients)


def with_convolution(padding, size=(24, 21), kernel=3, **options):
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
def test_matmul_gradients_are_those_of_keras(padding, kernel, bias):
    pixels = np.random.default_rng(0).normal(size=(3, 24, 21, 16)).astype(np.float32)
    plain, matmul = (with_convolution(padding, kernel=kernel, use_bias=bias) for _ in range(2))
    use_matmul_filter_gradients(matmul)
    assert kind(matmul) == "MatmulConv2D"
    for one, other in zip(step(plain, pixels), step(matmul, pixels), strict=True):
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
def test_other_convolutions_are_left_alone(options):
    model = with_convolution("valid", **options)
    use_matmul_filter_gradients(model)
    assert kind(model) == "Conv2D"


def test_matmul_gradients_train_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        plain, matmul = (with_convolution("same") for _ in range(2))
    finally:
        keras.config.set_dtype_policy("float32")
    use_matmul_filter_gradients(matmul)
    pixels = np.random.default_rng(0).normal(size=(3, 24, 21, 16)).astype(np.float32)
    for one, other in zip(step(plain, pixels), step(matmul, pixels), strict=True):
        assert np.abs(other - one).max() < 0.03 * np.abs(one).max()
