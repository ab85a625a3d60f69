"""The network of the own face finder: every face of an image at once, each with five points.

Three grids of cells of 8, 16 and 32 pixels lie over the input, finer ones for smaller faces. Each cell gives a score,
the square of the face whose middle lies in it, and that face's five points (as FCOS and YuNet do, without anchors). The
network has convolutions alone, so that the size of the input is a value: any multiple of the largest cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefkp.errors import UsageError
from edgefkp.layouts.five import FIVE

CELLS = (8, 16, 32)  # pixels of the input, sides of the cells
REACH = 4.0  # a cell's unit of length over its side: the numbers of boxes and points are then about 1
OUTPUTS = ("scores", "boxes", "points")
WIDTHS = (1, 3, 2 * FIVE.count)  # numbers that each output has of a cell

# Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's size, and of the maps that are added up over the sizes. On
# one core plain convolutions are the faster ones while the channels are few, depthwise ones where they are many.
CHANNELS = (8, 16, 32, 48, 64)
NECK = 32


def grid(height: int, width: int) -> np.ndarray:
    """(N, 3) float32 of all cells in the order of the outputs: x and y of the middle in pixels, unit of length."""
    parts = []
    for side in CELLS:
        y, x = np.mgrid[: height // side, : width // side]
        middle = (np.stack([x.ravel(), y.ravel()], 1) + 0.5) * side - 0.5
        parts.append(np.column_stack([middle, np.full(len(middle), REACH * side)]))
    return np.concatenate(parts).astype(np.float32)


def make_finder(
    height: int, width: int, channels: tuple[int, ...] = CHANNELS, neck: int = NECK, batch: int | None = None
) -> Any:
    """A new keras.Model for gray images of that size, 0 to 1: (B, height, width, 1) -> scores, boxes, points.

    scores (B, N, 1): 0 to 1. boxes (B, N, 3): x and y of the face's middle and the logarithm of its side. points
    (B, N, 10): x and y of each of FIVE. All lengths are from the cell's middle, in its unit: see `grid`.
    batch: fixes the number of images. Raises UsageError for a size that the largest cell does not divide.
    """
    import keras
    from keras import layers

    if height % CELLS[-1] or width % CELLS[-1] or min(height, width) <= 0:
        raise UsageError(
            f"the finder has no input of {width}x{height} pixels", f"choose multiples of {CELLS[-1]} for both"
        )

    def activated(x: Any) -> Any:
        return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))

    def plain(x: Any, count: int, stride: int = 1, kernel: int = 3) -> Any:
        return activated(layers.Conv2D(count, kernel, strides=stride, padding="same", use_bias=False)(x))

    def separable(x: Any, count: int, stride: int = 1) -> Any:
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        return plain(layers.BatchNormalization(momentum=0.9)(x), count, kernel=1)

    half, quarter, *deep = channels
    inputs = keras.Input(batch_shape=(batch, height, width, 1), name="pixels")
    x = plain(plain(inputs, half, 2), quarter, 2)
    x = plain(plain(x, deep[0], 2), deep[0])
    levels = [x]
    for count in deep[1:]:
        x = separable(separable(x, count, 2), count)
        levels.append(x)
    merged = [plain(levels[-1], neck, kernel=1)]
    for level in reversed(levels[:-1]):
        larger = layers.Resizing(*level.shape[1:3], interpolation="nearest")(merged[0])
        merged.insert(0, layers.Add()([plain(level, neck, kernel=1), larger]))
    heads = [separable(level, neck) for level in merged]
    outputs = {}
    for name, numbers in zip(OUTPUTS, WIDTHS, strict=True):
        start = keras.initializers.Constant(-4.0 if name == "scores" else 0.0)  # faces are rare
        maps = [layers.Conv2D(numbers, 1, bias_initializer=start)(head) for head in heads]
        rows = layers.Concatenate(axis=1)([layers.Reshape((-1, numbers))(part) for part in maps])
        activation = "sigmoid" if name == "scores" else "linear"
        outputs[name] = layers.Activation(activation, dtype="float32", name=name)(rows)
    return keras.Model(inputs, outputs)
