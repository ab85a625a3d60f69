"""The paper's own networks: the baseline, the manually optimised one, and the tuner's search space (Table 1)."""

from typing import Any


def blocks(filters: tuple[tuple[int, ...], ...], dense: int, dense_activation: str) -> Any:
    """Blocks of [3x3 convolution without bias, LeakyReLU 0.1, BatchNorm], 2x2 max-pools between them.

    `baseline` is [32,32] [64,64] [128,128] [128,128] [64,64] and Dense 512; `manual` has one convolution a
    block, [64] [128] [48] [24] [24], and Dense 100. The layers of `manual` are a reconstruction: its count of
    parameters is the paper's.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input((96, 96, 1), name="pixels")
    for index, block in enumerate(filters):
        if index:
            x = layers.MaxPooling2D()(x)
        for count in block:
            x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
            x = layers.LeakyReLU(negative_slope=0.1)(x)
            x = layers.BatchNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(dense, activation=dense_activation)(x)
    return keras.Model(inputs, layers.Dense(30, dtype="float32", name="keypoints")(x))


def tuned(kernels: tuple[int, int, int, int], filters: tuple[int, int, int, int]) -> Any:
    """A point of the authors' keras-tuner space: four valid convolutions with relu and BatchNorm, Dense 48.

    The authors put relu on the output too, with targets in pixels; with targets in [-1, 1] it must be linear.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input((96, 96, 1), name="pixels")
    for index, (kernel, count) in enumerate(zip(kernels, filters, strict=True)):
        x = layers.Conv2D(count, kernel, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if index:
            x = layers.MaxPooling2D()(x)
    x = layers.Dense(48, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(30, dtype="float32", name="keypoints")(x))
