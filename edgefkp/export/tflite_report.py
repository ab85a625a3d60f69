"""What int8 costs a float .tflite layer by layer: it is quantized again with each layer left in float."""

from collections.abc import Sequence
from functools import partial
from math import prod
from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.calibration import CalibrationSet
from edgefkp.export.islands import KINDS, has_gates, of_kinds
from edgefkp.export.layer_report import SAMPLES, SCHEMA, Explanation, LayerCost, shift_of
from edgefkp.export.quantize import (
    first_part,
    kept_in_float,
    made_of,
    output_biases,
    outputs_of,
    ranges_for,
    with_islands,
)
from edgefkp.export.quantizer_input import readable
from edgefkp.export.schemes import INTEGER, SCHEMES
from edgefkp.files import captured_fds
from edgefkp.networks.deviation import DEVIATION, POINTS
from edgefkp.runtime.graph import Graph, graph_of


def explain(
    path: Path, calibration: CalibrationSet, keep_float: Sequence[str], unit: float, unit_name: str
) -> Explanation:
    """Measure what each layer's integers cost in the file that export writes.

    unit: what an output is multiplied with for the table. To be
    called in a child process. Raises EdgefkpError for a file without layers that can be quantized.
    """
    content, scheme = readable(path.read_bytes()), SCHEMES[INTEGER]
    graph = graph_of(content)
    samples = list(calibration.samples)
    few = [array[:SAMPLES] for array in samples]
    kept = kept_in_float(graph, keep_float)
    alike = bool(output_biases(graph))
    named = {tensor.name for tensor in graph.outputs} == {POINTS, DEVIATION}
    counted = slice(prod(graph.outputs[0].shape) if named else None)  # points come first, and alone have the unit
    layers = layers_of(graph, kept)
    if not layers:
        raise EdgefkpError(f"{path.name} has no layers with weights that could be integers", "export it as it is")
    with captured_fds():
        truth = outputs_of(content, few)[:, counted]
        ranges, _ = ranges_for(
            content,
            samples,
            scheme,
            lambda found: made_of(content, scheme, found, kept, False),
            calibration.always,
        )

        def shift_with(names: list[str]) -> tuple[float, float]:
            moved = outputs_of(made_of(content, scheme, ranges, names, False), few)[:, counted] - truth
            return shift_of(moved - moved.mean(0) if alike else moved, unit)

        if has_gates(graph):
            kept = with_islands(graph, content, samples, kept, partial(made_of, content, scheme, ranges))
            layers = [layer for layer in layers if layer not in kept]
        shift, worst = shift_with(kept)
        rows = []
        for kind in KINDS if has_gates(graph) else ():
            if set(tensors := of_kinds(graph, [kind])) - set(kept):
                less, less_worst = shift_with([*kept, *tensors])
                rows.append(LayerCost(kind, tensors[-1], None, shift - less, worst - less_worst))
        for layer in layers:
            less, less_worst = shift_with([*kept, layer])
            rows.append(LayerCost(first_part(layer), layer, None, shift - less, worst - less_worst))
    rows.sort(key=lambda row: -row.gain)
    return Explanation(
        SCHEMA, path.stem, len(few[0]), unit_name, shift, worst, tuple(rows), tuple(map(first_part, kept))
    )


def layers_of(graph: Graph, kept: Sequence[str]) -> list[str]:
    """Outputs of the operators that have weights and are not `kept`: what --keep-float takes."""
    return [
        operator.outputs[0].name
        for operator in graph.operators
        if operator.outputs
        and operator.outputs[0].name not in kept
        and any(one is not None and one.constant and one.dtype != "int32" for one in operator.inputs[1:])
    ]
