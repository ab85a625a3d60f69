"""The paper's own networks: the baseline, the manually optimized one, and the tuner's search space (Table 1)."""

from typing import Any

from edgefkp.layout import ModelSpec
from edgefkp.networks.registry import NETWORKS, SPACES, Network


def blocks(spec: ModelSpec, filters: tuple[tuple[int, ...], ...], dense: int, dense_activation: str) -> Any:
    """Blocks of [3x3 convolution without bias, LeakyReLU 0.1, BatchNorm], 2x2 max-pools between them.

    `baseline` is [32,32] [64,64] [128,128] [128,128] [64,64] and Dense 512; `manual` has one convolution a
    block, [64] [128] [48] [24] [24], and Dense 100. The layers of `manual` are a reconstruction: its count of
    parameters is the paper's.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    for index, block in enumerate(filters):
        if index:
            x = layers.MaxPooling2D()(x)
        for count in block:
            x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
            x = layers.LeakyReLU(negative_slope=0.1)(x)
            x = layers.BatchNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(dense, activation=dense_activation)(x)
    return keras.Model(inputs, layers.Dense(spec.numbers, dtype="float32", name="keypoints")(x))


def tuned(spec: ModelSpec, kernels: tuple[int, int, int, int], filters: tuple[int, int, int, int]) -> Any:
    """A point of the authors' keras-tuner space: four valid convolutions with relu and BatchNorm, Dense 48.

    The authors put relu on the output too, with targets in pixels; with targets in [-1, 1] it must be linear.
    """
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    for index, (kernel, count) in enumerate(zip(kernels, filters, strict=True)):
        x = layers.Conv2D(count, kernel, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if index:
            x = layers.MaxPooling2D()(x)
    x = layers.Dense(48, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(spec.numbers, dtype="float32", name="keypoints")(x))


BASELINE = ((32, 32), (64, 64), (128, 128), (128, 128), (64, 64))
MANUAL = ((64,), (128,), (48,), (24,), (24,))

NETWORKS.add(
    Network(
        "baseline",
        "Baseline CNN",
        blocks,
        {"filters": BASELINE, "dense": 512, "dense_activation": "linear"},
        1_890_366,
        7.6,
        order=1,
    )
)
NETWORKS.add(
    Network(
        "manual",
        "Manually optimized CNN",
        blocks,
        {"filters": MANUAL, "dense": 100, "dense_activation": "relu"},
        235_834,
        1.0,
        order=2,
    )
)
SPACES.add(tuned, "tuned")
for _order, (_name, _title, _kernels, _filters, _parameters, _megabytes) in enumerate(
    (
        ("tuned_drop", "Keras tuned, no imputation", (5, 5, 3, 5), (64, 48, 48, 48), 306_750, 1.27),
        ("tuned_ffill", "Keras tuned, forward fill", (5, 3, 3, 5), (80, 32, 48, 48), 246_478, 1.03),
        # The paper prints 246,062 for this row, the trainable count of the forward-fill network. This point of the
        # same space has 383,742 and is the one that fits the row's own size and time.
        ("tuned_knn", "Keras tuned, KNN imputed", (3, 5, 5, 3), (96, 48, 48, 48), 246_062, 1.58),
        ("tuned_augment", "Keras tuned, augmentation", (3, 5, 5, 3), (80, 48, 48, 48), 364_318, 1.50),
    ),
    start=3,
):
    NETWORKS.add(
        Network(_name, _title, tuned, {"kernels": _kernels, "filters": _filters}, _parameters, _megabytes, order=_order)
    )
