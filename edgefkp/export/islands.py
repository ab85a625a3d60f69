"""Kinds of operators that stay in float among integers where that is measured to be needed.

A gate multiplies activations with each other: SiLU and hard swish, squeeze-excite. Two rounded numbers make a product
with the errors of both, in a range that the largest product decides, and networks like EfficientNet and MobileNetV3
have dozens in a row. Whether that matters is in the weights and not in the name of the network, so it is measured: how
far the outputs move on calibration samples with a kind in float, and without.

One operator in float between integers changes nothing, as its result is rounded all the same; what counts are runs of
them. So kinds are tried together with those that were chosen before.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgefkp.export.operator_kinds import OperatorKinds
from edgefkp.networks.complexity import leaves
from edgefkp.runtime.graph import Graph, graph_of

# Kinds that may stay in float, which have no weights.
KINDS = ("MUL", "HARD_SWISH", "LOGISTIC", "MEAN", "ADD")
SAMPLES = 64  # on which kinds are compared
GAIN = 0.2  # by what share a kind must lessen the outputs' movements
LEAST = 0.02  # of the outputs' own spread over the samples: movements below it are not worth a float
_GATES = ("silu", "swish", "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish")


def may_have_gates(model: Any) -> bool:
    """Whether a Keras network may multiply activations with each other, before its last layer."""
    last = [tensor._keras_history.operation for tensor in model.outputs]
    return any(_is_gate(layer) and layer not in last for layer in leaves(model))


def _is_gate(layer: Any) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    return type(layer).__name__ == "Multiply" or activation in _GATES


def has_gates(graph: Graph) -> bool:
    """Whether a graph multiplies activations with each other."""
    for operator in graph.operators:
        computed = [one for one in operator.inputs if one is not None and not one.constant]
        if operator.name == "HARD_SWISH" or (operator.name == "MUL" and len(computed) > 1):
            return True
    return False


def needed_in_float(
    made_with: Callable[[tuple[str, ...]], bytes], outputs_of: Callable[[bytes], np.ndarray], truth: np.ndarray
) -> tuple[str, ...]:
    """Those of KINDS that must stay in float; empty where integers do.

    made_with: the file with these kinds in float. outputs_of: (N, numbers) of a file. truth: (N, numbers) of the float
    network. Files that compute in float for the most part are none of integers, and are not chosen.
    """

    def shift_with(kinds: tuple[str, ...]) -> float:
        moved = outputs_of(content := made_with(kinds)) - truth
        if kinds and OperatorKinds(graph_of(content)).integer_share <= 0.5:
            return np.inf
        return float(np.percentile(np.abs(moved - moved.mean(0)), 95))

    graph = graph_of(made_with(()))
    shift = shift_with(()) if has_gates(graph) else 0.0
    least = LEAST * float(np.sqrt(truth.var(0).mean()))
    chosen: tuple[str, ...] = ()
    rest = [kind for kind in KINDS if any(operator.name == kind for operator in graph.operators)]
    while rest and shift > least:
        tried = {kind: shift_with((*chosen, kind)) for kind in rest}
        best = min(rest, key=lambda kind: tried[kind])
        if tried[best] > (1 - GAIN) * shift:
            break
        chosen, shift = (*chosen, best), tried[best]
        rest.remove(best)
    return chosen


def of_kinds(graph: Graph, kinds: Sequence[str]) -> list[str]:
    """The outputs of a graph's operators of these kinds."""
    return [one.outputs[0].name for one in graph.operators if one.outputs and one.name in kinds]
