"""What a network costs, counted from its layers: parameters and multiply-accumulates."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def parameters(model: Any) -> int:
    """Trainable and other parameters together, as Keras' summary and the paper's Table 1 count."""
    return int(model.count_params())


def macs(model: Any) -> int:
    """Multiply-accumulates of the convolutions and dense layers for one image."""
    return sum(_layer_macs(layer) for layer in leaves(model))


def leaves(model: Any) -> Iterator[Any]:
    """The layers of a network and of the networks within it, in order."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def _layer_macs(layer: Any) -> int:
    kind = type(layer).__name__
    if kind == "Dense":
        return int(np.prod(layer.kernel.shape))
    if kind not in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
        return 0
    positions = int(np.prod(layer.output.shape[1:3]))
    kernels = [w for w in layer.weights if len(w.shape) == 4]
    return positions * int(sum(np.prod(kernel.shape) for kernel in kernels))
