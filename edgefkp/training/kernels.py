"""Faster kernels for a training step on a CPU: BatchNorm in one kernel, and filters' gradients as matrix products.

Keras 3 computes a BatchNorm in a dozen kernels, which take half of a step. And with AVX2, oneDNN's own kernel for the
gradient of a filter reaches half of the speed of its others, and takes half of the convolutions' time in a step of a
network with large feature maps.

Only the training copy of a network is changed. It is never saved: the file has Keras' own layers, with the same
weights and, at inference, the same numbers.
"""

from functools import cache
from typing import Any

from edgefkp.networks.complexity import leaves

CHANNELS, PIXELS = 16, 20 * 20  # the least that a feature map has: below, the products are too small to gain


def fuse_batchnorm(model: Any, momentum: float) -> None:
    """Let every BatchNorm of `model` over the channels of images use TensorFlow's fused kernel.

    momentum: of the running statistics, in place of the layers' own.
    """
    for layer in leaves(model):
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = momentum
            if layer.scale and layer.center and layer.axis in (-1, 3) and len(layer.input.shape) == 4:
                layer.__class__ = _fused_class()


@cache  # made on first use, since its base class needs Keras
def _fused_class() -> type:
    import keras
    import tensorflow as tf

    class FusedBatchNormalization(keras.layers.BatchNormalization):
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not (training and self.trainable):
                return super().call(inputs, training=training, mask=mask)
            # The raw variables: under mixed precision Keras would hand out rounded copies.
            scale, offset = self.gamma._value, self.beta._value
            none = tf.zeros([0])
            outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=inputs, scale=scale, offset=offset, mean=none, variance=none, epsilon=self.epsilon
            )
            count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
            self._remember(self.moving_mean, mean)
            self._remember(self.moving_variance, variance * (count - 1) / count)  # Keras keeps the biased one
            return outputs

        def _remember(self, running: Any, value: Any) -> None:
            running._value.assign(running._value * self.momentum + value * (1 - self.momentum))

    return FusedBatchNormalization


def use_matmul_filter_gradients(model: Any) -> None:
    """Let every convolution of `model` that gains by it compute the gradient of its filter by matrix products."""
    for layer in leaves(model):
        if type(layer).__name__ == "Conv2D" and _gains(layer):
            layer.__class__ = _matmul_class()


def _gains(layer: Any) -> bool:
    if layer.data_format != "channels_last" or None in layer.input.shape[1:]:
        return False
    _, height, width, channels = layer.input.shape
    plain = layer.strides == layer.dilation_rate == (1, 1) and layer.groups == 1
    # Of an even kernel, "same" pads one side more than the other.
    odd = layer.kernel_size != (1, 1) and all(side % 2 for side in layer.kernel_size)
    return plain and odd and channels >= CHANNELS and height * width >= PIXELS


def filter_gradient(x: Any, g: Any, height: int, width: int) -> Any:
    """(B, H, W, I) inputs, padded as the convolution saw them, and (B, H - height + 1, W - width + 1, O) gradients of
    its outputs -> (height, width, I, O).

    With g laid on the grid of x, zeros at the right and below, position p of tap (y, x) meets position p + y W + x of
    the inputs, whatever the row: each tap is one product of two runs of the same flat arrays, and nothing is copied.
    One image at a time, so that both stay in the cache for all taps.
    """
    import tensorflow as tf

    images, rows, grid = tf.shape(x)[0], tf.shape(x)[1], tf.shape(x)[2]
    shifts = [row * grid + column for row in range(height) for column in range(width)]
    count = rows * grid
    inputs = tf.reshape(x, [-1, x.shape[3]])
    outputs = tf.reshape(tf.pad(g, [[0, 0], [0, height - 1], [0, width - 1], [0, 0]]), [-1, g.shape[3]])

    def add(index: Any, total: Any) -> tuple[Any, Any]:
        start, end = index * count, (index + 1) * count
        taps = [
            tf.matmul(inputs[start + shift : end], outputs[start : end - shift], transpose_a=True) for shift in shifts
        ]
        return index + 1, total + tf.cast(tf.stack(taps), total.dtype)

    zero = tf.zeros([len(shifts), x.shape[3], g.shape[3]])
    _, total = tf.while_loop(lambda index, _: index < images, add, (0, zero), parallel_iterations=1)
    return tf.cast(tf.reshape(total, [height, width, x.shape[3], g.shape[3]]), g.dtype)


@cache  # made on first use, since its base class needs Keras
def _matmul_class() -> type:
    import keras
    import tensorflow as tf

    class MatmulConv2D(keras.layers.Conv2D):
        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            height, width = self.kernel_size
            padding = self.padding.upper()

            @tf.custom_gradient
            def convolve(x: Any, w: Any) -> Any:
                def gradient(g: Any) -> tuple[Any, Any]:
                    edge = [(side // 2, side // 2) if padding == "SAME" else (0, 0) for side in (height, width)]
                    padded = tf.pad(x, [(0, 0), *edge, (0, 0)])
                    back = tf.nn.conv2d_transpose(g, w, tf.shape(x), 1, padding)
                    return back, filter_gradient(padded, g, height, width)

                return tf.nn.conv2d(x, w, 1, padding), gradient

            return convolve(tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel))

    return MatmulConv2D
