"""Our own networks: plain convolutions that shrink the image by stride, no pooling.

On the boards' runtimes plain convolutions beat depthwise ones of the same count of multiplications, and ReLU6
keeps the ranges that int8 must cover small.
"""

from typing import Any

import numpy as np

from edgefkp.errors import UsageError
from edgefkp.layout import ModelSpec
from edgefkp.networks.registry import NETWORKS, SPACES, Network

# A first try of every size: six 3x3 convolutions, about 16 million multiplications.
CHANNELS = (16, 32, 64, 64, 96, 96)
STRIDES = (2, 2, 2, 1, 2, 1)
# Of a soft argmax: layers that must not be rounded to 256 steps, and the one that mixes centers into points. Centers of
# faces that lie elsewhere than those of calibration would be clipped.
FLOAT_LAYERS = ("softmax", "places", "keypoints")


def plain(
    spec: ModelSpec,
    channels: tuple[int, ...] = CHANNELS,
    strides: tuple[int, ...] = STRIDES,
    kernels: tuple[int, ...] = (),
    head: str = "flatten",
    maps: int = 0,
    scales: int = 2,
    residual: int = 0,
    separable: int = 0,
    activation: str = "relu6",
) -> Any:
    """[convolution, BatchNorm, activation] for each channel count, then a head that gives the points.

    kernels: side of each convolution's kernel; () stands for 3 everywhere.
    head: one of HEADS.
    maps: channels of a 1x1 convolution in front of the head; for "argmax" and "pyramid" the number of maps.
    scales: how many resolutions, from the smallest, "pyramid" makes maps of.
    residual: 1 adds to each convolution's result its input, where shapes agree.
    separable: 1 makes every convolution but the first a depthwise and a 1x1 one.
    activation: one of ACTIVATIONS.
    Raises UsageError for an unknown head or activation.
    """
    import keras
    from keras import layers

    if head not in HEADS or activation not in ACTIVATIONS:
        known = f"heads: {', '.join(HEADS)}; activations: {', '.join(ACTIVATIONS)}"
        raise UsageError(f"unknown head '{head}' or activation '{activation}'", known)

    def block(x: Any, count: int, kernel: int, stride: int, first: bool) -> Any:
        before = x
        if separable and not first:
            x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x)
            x = ACTIVATIONS[activation]()(layers.BatchNormalization(momentum=0.9)(x))
            kernel = stride = 1
        x = layers.Conv2D(count, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = ACTIVATIONS[activation]()(x)
        return layers.Add()([before, x]) if residual and before.shape == x.shape else x

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    levels: list[Any] = []  # what each stride made smaller
    sides = kernels or (3,) * len(channels)
    for number, (count, kernel, stride) in enumerate(zip(channels, sides, strides, strict=True)):
        levels += [x] if stride > 1 else []
        x = block(x, count, kernel, stride, number == 0)
    return keras.Model(inputs, HEADS[head](spec, [*levels, x][-scales:], maps))


def _relu6() -> Any:
    import keras

    return keras.layers.ReLU(6.0)


def _relu() -> Any:
    import keras

    return keras.layers.ReLU()


def _hard_swish() -> Any:
    import keras

    return keras.layers.Activation("hard_swish")


ACTIVATIONS = {"relu6": _relu6, "relu": _relu, "hard_swish": _hard_swish}


def _outputs(spec: ModelSpec, x: Any) -> Any:
    import keras

    return keras.layers.Dense(spec.numbers, dtype="float32", name="keypoints")(x)


def _narrowed(x: Any, maps: int) -> Any:
    from keras import layers

    if not maps:
        return x
    x = layers.Conv2D(maps, 1, use_bias=False)(x)
    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))


def _flatten(spec: ModelSpec, levels: list[Any], maps: int) -> Any:
    """Every position of every channel has its own weight for every output: the most parameters."""
    from keras import layers

    return _outputs(spec, layers.Flatten()(_narrowed(levels[-1], maps)))


def _average(spec: ModelSpec, levels: list[Any], maps: int) -> Any:
    """The mean over all positions, as in MobileNetV2: the fewest parameters."""
    from keras import layers

    return _outputs(spec, layers.GlobalAveragePooling2D()(_narrowed(levels[-1], maps)))


def _argmax(spec: ModelSpec, levels: list[Any], maps: int) -> Any:
    """Soft argmax: each map's center of mass, mixed linearly into points. Exact below a cell, with few parameters."""
    return _centers(spec, _map_layer(maps or spec.layout.count, "maps")(levels[-1]))


def _pyramid(spec: ModelSpec, levels: list[Any], maps: int) -> Any:
    """Soft argmax of the sum of maps at several scales: the coarse ones know the face, the finer ones the place."""
    from keras import layers

    *finer, coarsest = levels
    maps = maps or spec.layout.count
    total = _map_layer(maps, "maps")(coarsest)
    for number, level in enumerate(reversed(finer), start=1):
        # Resizing has a kernel in every runtime and integer type; UpSampling2D becomes TILE, which has not.
        larger = layers.Resizing(*level.shape[1:3], interpolation="nearest", dtype="float32")(total)
        total = layers.Add(dtype="float32")([larger, _map_layer(maps, f"maps_{number}", bias=False)(level)])
    return _centers(spec, total)


def _map_layer(maps: int, name: str, bias: bool = True) -> Any:
    from keras import layers

    return layers.Conv2D(maps, 1, use_bias=bias, dtype="float32", name=name)


def _centers(spec: ModelSpec, x: Any) -> Any:
    """(B, H, W, maps) -> the numbers of the points.

    The softmax and the sums stay in float32: a probability in 256 steps would place points badly.
    """
    import keras
    from keras import layers

    height, width, count = x.shape[1:]
    x = layers.Permute((2, 1), dtype="float32")(layers.Reshape((height * width, count), dtype="float32")(x))
    x = layers.Softmax(dtype="float32", name=FLOAT_LAYERS[0])(x)
    center = layers.Dense(2, use_bias=False, trainable=False, dtype="float32", name=FLOAT_LAYERS[1])
    x = layers.Flatten(dtype="float32")(center(x))
    outputs = _outputs(spec, x)
    center.set_weights([_places(height, width)])
    if count == spec.layout.count:  # a map for each point: its center of mass is the first guess
        first = [np.eye(spec.numbers), np.zeros(spec.numbers)]
        keras.Model(x, outputs).get_layer("keypoints").set_weights(first)
    return outputs


def _places(height: int, width: int) -> np.ndarray:
    """(height * width, 2): x and y of each cell's center in the network's units, the image's edges at -1 and 1."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(x.ravel() + 0.5) * 2 / width - 1, (y.ravel() + 0.5) * 2 / height - 1], 1).astype(np.float32)


HEADS = {"flatten": _flatten, "average": _average, "argmax": _argmax, "pyramid": _pyramid}

SPACES.add(plain, "plain")

# The largest structures within their size and time (docs/MODELS.md).
NANO = {"channels": (16, 32, 48, 48, 48, 56), "strides": (2, 2, 2, 1, 1, 1), "head": "argmax", "maps": 32}
SMALL = {
    "channels": (16, 48, 64, 64, 96, 96, 96),
    "strides": (2, 2, 2, 1, 2, 1, 1),
    "head": "pyramid",
    "maps": 64,
}
BEST = {
    "channels": (24, 48, 128, 128, 128, 256, 256, 256),
    "strides": (2, 2, 2, 1, 1, 2, 1, 1),
    "residual": 1,
    "head": "pyramid",
    "maps": 64,
}
NETWORKS.add(Network("nano", "Ours, up to 120 KB", plain, NANO, order=21))
NETWORKS.add(Network("small", "Ours, up to 350 KB", plain, SMALL, order=22))
NETWORKS.add(Network("best", "Ours, up to 3 MB", plain, BEST, order=23))
