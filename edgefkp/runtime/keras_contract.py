"""What a Keras network takes where no card describes it, as its first layers show it."""

from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from edgefkp.layout import SCALINGS, PointLayout
from edgefkp.runtime.contract import BEYOND, Contract, contract_of_shapes

# Layers that change no pixel's value, or hardly.
_PASSES = ("Reshape", "ZeroPadding2D", "Resizing", "CenterCrop", "Cropping2D", "Activation", "Identity", "Cast")


def contract_of_network(model: Any, layout: PointLayout | None = None) -> Contract | None:
    """Of a keras.Model without a card, by its shapes and its first layers; None for no keypoint network."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return None
    takes, gives = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    if None in takes or None in gives:
        return None
    found = contract_of_shapes(takes, prod(gives), layout)
    if found is None:
        return None
    told = scaling_of_layers(layers_from_input(model))
    if model.inputs[0].dtype == "uint8":
        told = "0..255", "its input takes bytes"
    if told is None:
        return found
    return Contract(replace(found.spec, input=replace(found.spec.input, scaling=told[0])), {"input": told[1]})


def scaling_of_layers(layers: Iterable[Any]) -> tuple[str, str] | None:
    """(scaling, what shows it) by what the first layers of a Keras network, from its input on, do with pixels; None
    where they do not show it."""
    for layer in layers:
        kind, name = type(layer).__name__, f"its layer {layer.name}"
        if kind == "Rescaling":
            return _by_rescaling(layer.scale, layer.offset, name)
        if kind == "Normalization":
            largest = float(np.abs(np.asarray(layer.mean)).max()) if layer.mean is not None else 0.0
            return ("0..255" if largest > BEYOND else "0..1", f"{name} expects a mean of {largest:.3g}")
        if kind in ("TrueDivide", "Divide", "Multiply") and (number := _constant_of(layer)):
            return _by_rescaling(number if kind == "Multiply" else 1 / number, 0.0, name)
        if kind not in _PASSES and not kind.startswith("Random"):
            return None
    return None


def _by_rescaling(scale: Any, offset: Any, name: str) -> tuple[str, str] | None:
    """The scaling whose range comes out of `scale` * x + `offset` as about 0..1 or -1..1."""
    try:
        factor, summand = float(scale), float(offset)
    except (TypeError, ValueError):  # one for each channel
        return None
    for scaling in ("0..255", "0..1", "-1..1"):
        mean, deviation = SCALINGS[scaling]
        low, high = sorted(factor * (pixel - mean) / deviation + summand for pixel in (0, 255))
        if low > -1.5 and high < 1.5 and high - low > 0.5 and (factor, summand) != (1.0, 0.0):
            return scaling, f"{name} makes {low:.3g} to {high:.3g} of {scaling}"
    return None


def _constant_of(operation: Any) -> float:
    """The number that a Keras operation on one tensor computes with; 0 for another."""
    arguments = operation._inbound_nodes[0].arguments.args if operation._inbound_nodes else ()
    numbers = [one for one in arguments if isinstance(one, int | float)]
    return float(numbers[0]) if len(numbers) == 1 else 0.0


def layers_from_input(model: Any) -> list[Any]:
    """The layers of a Keras network that its one input passes first, one after the other, those of inner networks in
    their places; up to the first that goes on in two ways."""
    if len(model.inputs) != 1:
        return []
    found: list[Any] = []
    tensor = model.inputs[0]
    while True:
        consumers = [node.operation for node in _nodes_of(model) if any(tensor is one for one in node.input_tensors)]
        if len(consumers) != 1 or len(consumers[0]._inbound_nodes) < 1:
            return found
        layer = consumers[0]
        if hasattr(layer, "inputs") and hasattr(layer, "layers"):
            return found + layers_from_input(layer)
        found.append(layer)
        outputs = layer._inbound_nodes[0].output_tensors
        if len(outputs) != 1:
            return found
        tensor = outputs[0]


def _nodes_of(model: Any) -> list[Any]:
    functional = getattr(model, "_functional", None) or model  # of a Sequential
    operations = getattr(functional, "operations", functional.layers)
    return [node for operation in operations for node in operation._inbound_nodes if node.input_tensors]
