"""BatchNorm after an activation, folded into its neighbors: the same numbers with fewer roundings.

The converter folds a BatchNorm that follows a convolution. The paper's own networks have it after the activation, where
it stays as a multiplication and an addition, each rounded to int8, behind a convolution whose channels have very
different ranges and share one int8 scale (`manual`: 0.33 px). But relu and LeakyReLU let a positive factor through,
so the scale belongs into the convolution before, which also evens out its channels; the shift passes a max-pool and
goes into the bias of what comes next. Only in front of a convolution with zero padding an addition stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from edgefkp.layout import SCALINGS
from edgefkp.networks.deviation import deviation_branch, points_only
from edgefkp.runtime.keras_contract import layers_from_input, scaling_of_layers

TOLERANCE = 1e-3  # of the largest output, or of 1: 0.05 px at 96 pixels. The order of float32 sums changes
SIDE = 64  # pixels of an input of any size, for the comparison


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


def folded(model: Any, note: Callable[[str], None] = lambda text: None) -> Any:
    """An equal network without the BatchNorms that can be folded; `model` itself if it has none.

    So is a Rescaling behind the last dense layer. Only plain chains of layers are rewritten, with or without deviations
    beside their points. A BatchNorm with a factor that is not positive stays as it is. `note` is told of a network that
    folding does not fit; that network stays as it is, too.
    """
    try:
        return _folded(model)
    except (ValueError, TypeError, AssertionError, AttributeError, IndexError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        note(f"its BatchNorms are not folded into the layers before them: {reason}")
        return model


def _folded(model: Any) -> Any:
    layers, branch = _chain(points_only(model)), deviation_branch(model)
    if layers is None or (len(model.outputs) > 1 and not branch):
        return model
    steps = [_Step(layer, [np.array(weights) for weights in layer.get_weights()]) for layer in layers]
    if branch:  # it begins with a dense layer beside the points': one for both, until a shift has been put into it
        pairs = zip(steps[-1].weights, branch[0].get_weights(), strict=True)
        steps[-1].weights = [np.concatenate(pair, -1) for pair in pairs]
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
    found = _end_scaled(steps) or found
    return _rebuilt(model, steps, branch) if found else model


def _end_scaled(steps: list[_Step]) -> bool:
    """Let the last dense layer return what a Rescaling makes of it: int8 would round that twice more."""
    if len(steps) < 2 or steps[-1].kind != "Rescaling" or steps[-2].kind != "Dense":
        return False
    scale, offset = (np.asarray(number, np.float32) for number in (steps[-1].layer.scale, steps[-1].layer.offset))
    dense = steps[-2]
    if _activation(dense) != "linear" or dense.shift is not None or scale.ndim or offset.ndim:
        return False
    dense.weights[0] = dense.weights[0] * scale
    if dense.layer.use_bias or dense.bias_added:
        dense.weights[1] = dense.weights[1] * scale
    _add_bias(dense, np.full(dense.weights[0].shape[-1], offset))
    del steps[-1]
    return True


def _foldable(steps: list[_Step], position: int) -> bool:
    """A BatchNorm over the last axis, the channels, with something after it that takes the shift."""
    step = steps[position]
    if step.kind == "BatchNormalization" and step.layer.axis not in (-1, len(step.layer.output.shape) - 1):
        return False
    rest = [later.kind for later in steps[position + 1 :]]
    ends = not rest or (rest[-1] in ("MaxPooling2D", "Flatten") and set(rest) <= {"MaxPooling2D", "Flatten"})
    return step.kind == "BatchNormalization" and not ends and step.shift is None


def _chain(model: Any) -> list[Any] | None:
    """The layers of a plain chain, those of networks within it in their places; None for another network."""
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not _is_chain(layers):
        return None
    found: list[Any] = []
    for layer in layers:
        inner = _chain(layer) if hasattr(layer, "layers") else [layer]
        if inner is None:
            return None
        found += inner
    return found if len({layer.name for layer in found}) == len(found) else None


def _is_chain(layers: list[Any]) -> bool:
    return all(len(layer._inbound_nodes) == 1 for layer in layers) and all(
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
        height, width, taken, given = step.weights[0].shape  # a group of channels goes into a group of outputs
        groups = step.layer.groups
        kernel = step.weights[0].reshape(height, width, taken, groups, given // groups)
        _add_bias(step, np.einsum("gi,hwigo->go", shift.reshape(groups, taken), kernel).ravel())
    else:
        step.shift = shift


def _add_bias(step: _Step, bias: np.ndarray) -> None:
    if step.layer.use_bias or step.bias_added:
        step.weights[1] = step.weights[1] + bias
    else:
        step.weights.append(bias)
        step.bias_added = True


def _rebuilt(model: Any, steps: list[_Step], branch: list[Any]) -> Any:
    import keras

    given = model.inputs[0]
    inputs = x = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=model.layers[0].name)
    for step in steps:
        if step.shift is not None:
            shift = keras.layers.Rescaling(1.0, offset=step.shift.tolist(), name=f"{step.layer.name}_shift")
            x = shift(x)
        taken, own = x, step.weights
        if branch and step is steps[-1]:
            count = step.layer.units
            own, beside = [weights[..., :count] for weights in own], [weights[..., count:] for weights in own]
        config = step.layer.get_config() | ({"use_bias": True} if step.bias_added else {})
        x = _copied(step.layer, config, x, own)
    for layer in branch:
        taken = _copied(layer, layer.get_config(), taken, beside if layer is branch[0] else layer.get_weights())
    rebuilt = keras.Model(inputs, [x, taken] if branch else x)
    _require_equal(model, rebuilt)
    return rebuilt


def _copied(layer: Any, config: dict[str, Any], x: Any, weights: list[np.ndarray]) -> Any:
    """What a copy of the layer with these weights makes of `x`."""
    copy = type(layer).from_config(config)
    made = copy(x)
    copy.set_weights(weights)
    return made


def _require_equal(model: Any, rebuilt: Any) -> None:
    given = model.inputs[0]
    random = np.random.default_rng(0).random((given.shape[0] or 4, *(side or SIDE for side in given.shape[1:])))
    told = scaling_of_layers(layers_from_input(model))
    mean, deviation = SCALINGS["0..255" if given.dtype == "uint8" else told[0] if told else "0..1"]
    pixels = ((255 * random - mean) / deviation).astype(given.dtype)
    pairs = zip(*(_outputs(one, pixels) for one in (model, rebuilt)), strict=True)
    for before, after in pairs:
        difference = np.abs(before - after).max()
        if not difference < TOLERANCE * max(1.0, np.abs(before).max()):
            raise AssertionError(f"folding changed the network's outputs by {difference:.2g}")


def _outputs(model: Any, pixels: np.ndarray) -> list[np.ndarray]:
    outputs = model(pixels, training=False)
    return [np.array(one) for one in (outputs if isinstance(outputs, list) else [outputs])]
