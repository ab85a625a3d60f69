"""BatchNorm after an activation, folded into its neighbors: the same numbers with fewer roundings.

The converter folds a BatchNorm that follows a convolution. The paper's own networks have it after the activation, where
it stays as a multiplication and an addition, each rounded to int8, behind a convolution whose channels have very
different ranges and share one int8 scale (`manual`: 0.33 px). But relu and LeakyReLU let a positive factor through,
so the scale belongs into the convolution before, which also evens out its channels; the shift passes a max-pool and
goes into the bias of what comes next. Only in front of a convolution with zero padding an addition stays.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

TOLERANCE = 1e-3  # of outputs in -1..1, 0.05 px at 96 pixels: the order of float32 sums changes


@dataclass
class _Step:
    """A layer of the chain, its configuration and its weights as they will be."""

    layer: Any
    weights: list[np.ndarray]
    bias_added: bool = False
    shift: np.ndarray | None = None  # added in front of this step

    @property
    def kind(self) -> str:
        return type(self.layer).__name__


def folded(model: Any) -> Any:
    """An equal network without the BatchNorms that can be folded; `model` itself if it has none.

    Only plain chains of layers are rewritten. A BatchNorm with a factor that is not positive stays as it is.
    """
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not _is_chain(layers):
        return model
    steps = [_Step(layer, [np.array(w) for w in layer.get_weights()]) for layer in layers]
    position, found = 0, False
    while position < len(steps):
        source = _convolution_before(steps, position) if _foldable(steps, position) else None
        if source is not None:
            scale, shift = _affine(steps[position])
            if (scale > 0).all():
                _scale_outputs(steps[source], scale)
                del steps[position]
                _push_shift(steps, position, shift)
                found = True
                continue
        position += 1
    return _rebuilt(model, steps) if found else model


def _foldable(steps: list[_Step], position: int) -> bool:
    """A BatchNorm over channels with something after it that takes the shift."""
    step = steps[position]
    rest = [later.kind for later in steps[position + 1 :]]
    ends = not rest or (rest[-1] in ("MaxPooling2D", "Flatten") and set(rest) <= {"MaxPooling2D", "Flatten"})
    return step.kind == "BatchNormalization" and not ends and step.shift is None


def _is_chain(layers: list[Any]) -> bool:
    return all(not hasattr(layer, "layers") and len(layer._inbound_nodes) == 1 for layer in layers) and all(
        [tensor._keras_history.operation for tensor in layer._inbound_nodes[0].input_tensors] == [before]
        for before, layer in pairwise(layers)
    )


def _affine(step: _Step) -> tuple[np.ndarray, np.ndarray]:
    layer = step.layer
    gamma = np.array(layer.gamma) if layer.scale else 1.0
    beta = np.array(layer.beta) if layer.center else 0.0
    scale = gamma / np.sqrt(np.array(layer.moving_variance) + layer.epsilon)
    return scale, beta - np.array(layer.moving_mean) * scale


def _convolution_before(steps: list[_Step], position: int) -> int | None:
    """The convolution whose outputs reach the BatchNorm through an activation that lets a positive factor through.

    None without such a convolution, or if the BatchNorm follows it directly: the converter folds that.
    """
    before = position - 1
    if before >= 1 and _passes_factor(steps[before]):
        before -= 1
        if steps[before].kind == "Conv2D" and _activation(steps[before]) == "linear":
            return before
    elif before >= 0 and steps[before].kind == "Conv2D" and _activation(steps[before]) == "relu":
        return before
    return None


def _passes_factor(step: _Step) -> bool:
    """f(s x) = s f(x) for s > 0."""
    if step.kind == "ReLU":
        return step.layer.max_value is None and not step.layer.threshold
    return step.kind == "LeakyReLU" or (step.kind == "Activation" and _activation(step) == "relu")


def _activation(step: _Step) -> str:
    return step.layer.get_config()["activation"]


def _scale_outputs(step: _Step, scale: np.ndarray) -> None:
    step.weights[0] = step.weights[0] * scale
    if step.layer.use_bias or step.bias_added:
        step.weights[1] = step.weights[1] * scale


def _push_shift(steps: list[_Step], position: int, shift: np.ndarray) -> None:
    """Let what now stands at `position` see its input plus `shift`."""
    while steps[position].kind == "MaxPooling2D":
        position += 1
    step = steps[position]
    if step.kind == "Flatten" and steps[position + 1].kind == "Dense":
        dense = steps[position + 1]
        _add_bias(dense, np.tile(shift, len(dense.weights[0]) // len(shift)) @ dense.weights[0])
    elif step.kind == "Conv2D" and step.layer.padding == "valid":
        _add_bias(step, np.einsum("i,hwio->o", shift, step.weights[0]))
    else:
        step.shift = shift


def _add_bias(step: _Step, bias: np.ndarray) -> None:
    if step.layer.use_bias or step.bias_added:
        step.weights[1] = step.weights[1] + bias
    else:
        step.weights.append(bias)
        step.bias_added = True


def _rebuilt(model: Any, steps: list[_Step]) -> Any:
    import keras

    inputs = x = keras.Input(model.input_shape[1:], name=model.layers[0].name)
    for step in steps:
        if step.shift is not None:
            shift = keras.layers.Rescaling(1.0, offset=step.shift.tolist(), name=f"{step.layer.name}_shift")
            x = shift(x)
        config = step.layer.get_config() | ({"use_bias": True} if step.bias_added else {})
        layer = type(step.layer).from_config(config)
        x = layer(x)
        layer.set_weights(step.weights)
    rebuilt = keras.Model(inputs, x)
    _require_equal(model, rebuilt)
    return rebuilt


def _require_equal(model: Any, rebuilt: Any) -> None:
    pixels = np.random.default_rng(0).random((4, *model.input_shape[1:]), np.float32)
    difference = np.abs(np.array(model(pixels, training=False)) - np.array(rebuilt(pixels, training=False))).max()
    if not difference < TOLERANCE:
        raise AssertionError(f"folding changed the network's outputs by {difference:.2g}")
