"""What int8 costs layer by layer: the graph is quantized again with each layer left in float."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgefkp.export.bias_correction import float_outputs, names_of, output_biases, outputs_of
from edgefkp.export.convert import (
    ConversionSettings,
    converter_of,
    debugger_of,
    kept_by,
    quantized,
    tensors_of_layers,
)
from edgefkp.export.islands import KINDS, has_gates, of_kinds
from edgefkp.files import captured_fds
from edgefkp.networks.deviation import points_only
from edgefkp.runtime.graph import graph_of

SAMPLES = 64  # calibration samples on which the layers are compared
SCHEMA = "edgefkp.explanation/1"


@dataclass(frozen=True)
class LayerCost:
    # The Keras layer, or the kind of operators without weights, as --keep-float takes it.
    layer: str
    # The operator's output; of a kind, that of the last one.
    tensor: str
    # RMS difference from float, local to the operator, in steps of its output; about 0.29 is rounding alone. None where
    # it is not measured: of a .tflite.
    error: float | None
    # By how much the 95th percentile of the outputs' movements falls with this layer kept in float.
    gain: float
    # The same of the largest movement.
    gain_worst: float


@dataclass(frozen=True)
class Explanation:
    schema: str
    model: str
    # How many calibration samples it was measured on.
    samples: int
    # Of the movements: "px" for points, "output" for other numbers.
    unit: str
    # 95th percentile of the outputs' movements against the float network when every layer computes with integers,
    # beyond what export's bias correction takes back.
    shift: float
    # The largest such movement.
    worst: float
    # Layers with weights and kinds of operators, the most costly first.
    layers: tuple[LayerCost, ...]
    # Layers and kinds that are in float in the file that export writes, from which this starts.
    kept: tuple[str, ...] = ()


def explain(
    model: Any, name: str, samples: Sequence[np.ndarray], settings: ConversionSettings, unit: float, unit_name: str
) -> Explanation:
    """Measure what each layer's integers cost in the file that `settings` make.

    samples: one (N, *input shape) array for each input. unit: what an output is multiplied with for the table.
    """
    model = points_only(model)
    settings = replace(settings, u8=False)  # the same integers, with floats at both ends
    samples = [array[:SAMPLES] for array in samples]
    with captured_fds():
        names = names_of(model)
        debugger = debugger_of(converter_of(model, settings, samples), samples, names)
        debugger.run()
        errors = _local_errors(debugger)
        truth = float_outputs(model, samples)
        alike = bool(output_biases(model))

        kept, in_float = kept_by(model, debugger, settings)

        def shift_with(tensors: Sequence[str] = (), kind: str = "") -> tuple[float, float]:
            kinds = [*in_float, kind] if kind else in_float
            moved = outputs_of(quantized(debugger, settings, [*kept, *tensors], kinds), samples, names) - truth
            return shift_of(moved - moved.mean(0) if alike else moved, unit)

        shift, worst = shift_with()
        rows = []

        def add(name: str, tensors: list[str], changed: tuple[float, float]) -> None:
            error = max((errors[tensor] for tensor in tensors if tensor in errors), default=None)
            rows.append(LayerCost(name, tensors[-1], error, shift - changed[0], worst - changed[1]))

        for layer, tensors in tensors_of_layers(model, list(errors)).items():
            if layer not in settings.keep_float:
                add(layer, tensors, shift_with(tensors))
        graph = graph_of(debugger.quant_model)
        for kind in KINDS if has_gates(graph) else ():
            if kind not in in_float and (tensors := of_kinds(graph, [kind])):
                add(kind, tensors, shift_with(kind=kind))
    rows.sort(key=lambda row: -row.gain)
    return Explanation(SCHEMA, name, len(samples[0]), unit_name, shift, worst, tuple(rows), settings.keep_float)


def _local_errors(debugger: Any) -> dict[str, float]:
    """Output -> RMS error in steps."""
    dump = io.StringIO()
    debugger.layer_statistics_dump(dump)
    errors = {}
    for row in csv.DictReader(io.StringIO(dump.getvalue())):
        errors[row["tensor_name"]] = float(np.sqrt(float(row["mean_squared_error"]))) / max(float(row["scale"]), 1e-30)
    return errors


def shift_of(moved: np.ndarray, unit: float) -> tuple[float, float]:
    """95th percentile and largest of the outputs' movements."""
    moved = np.abs(moved) * unit
    return float(np.percentile(moved, 95)), float(moved.max())
