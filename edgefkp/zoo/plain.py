"""Our own networks: plain convolutions that shrink the picture by stride, no pooling, no branches.

On the boards' runtimes plain convolutions beat depthwise ones of the same count of multiplications, and ReLU6
keeps the ranges that int8 must cover small.
"""

from typing import Any

# What `small` has: six 3x3 convolutions, about 16 million multiplications.
CHANNELS = (16, 32, 64, 64, 96, 96)
STRIDES = (2, 2, 2, 1, 2, 1)


def plain(channels: tuple[int, ...] = CHANNELS, strides: tuple[int, ...] = STRIDES) -> Any:
    """[3x3 convolution, BatchNorm, ReLU6] for each channel count, flatten, Dense 30."""
    import keras
    from keras import layers

    inputs = x = keras.Input((96, 96, 1), name="pixels")
    for count, stride in zip(channels, strides, strict=True):
        x = layers.Conv2D(count, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU(6.0)(x)
    outputs = layers.Dense(30, dtype="float32", name="keypoints")(layers.Flatten()(x))
    return keras.Model(inputs, outputs)
