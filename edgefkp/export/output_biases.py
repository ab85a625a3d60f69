"""The constants that a float .tflite adds to its outputs at last: where bias correction puts what is missing."""

from collections.abc import Sequence

import numpy as np

from edgefkp.networks.deviation import DEVIATION, POINTS
from edgefkp.runtime.graph import Graph, buffer_of


def output_biases(graph: Graph) -> list[str]:
    """The constant that the last dense layer adds to each output: the only one, or points and deviations; empty for a
    graph that does not end so."""
    if len(graph.outputs) != 1 and {tensor.name for tensor in graph.outputs} != {POINTS, DEVIATION}:
        return []
    found = [_bias_of(graph, tensor.name) for tensor in graph.outputs]
    return [] if None in found else [name for name in found if name]


def _bias_of(graph: Graph, output: str) -> str | None:
    made_by = {operator.outputs[0].name: operator for operator in graph.operators if operator.outputs}
    last = made_by.get(output)
    while last is not None and last.name == "RESHAPE" and last.inputs[0] is not None:
        last = made_by.get(last.inputs[0].name)
    if last is None or last.name != "FULLY_CONNECTED" or len(last.inputs) < 3 or last.activation:
        return None
    bias = last.inputs[2]
    return bias.name if bias is not None and bias.constant and bias.dtype == "float32" else None


def with_biases(content: bytes, names: Sequence[str], missing: np.ndarray) -> bytes:
    """The file with `missing`, of one output after the other, added to its constants of these names."""
    changed, start = bytearray(content), 0
    for name in names:
        bias = buffer_of(changed, name).view(np.float32)
        bias += missing[start : start + bias.size].astype(np.float32)
        start += bias.size
    return bytes(changed)
