"""BatchNorm in one kernel while training: Keras 3 computes it in a dozen, which takes half of a step on a CPU.

Only the training copy of a network is changed. It is never saved: the file has Keras' own layer, with the same
weights and, at inference, the same numbers.
"""

from functools import cache
from typing import Any

from edgefkp.networks.complexity import leaves


def fuse(model: Any, momentum: float) -> None:
    """Let every BatchNorm of `model` over the channels of pictures use TensorFlow's fused kernel.

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
