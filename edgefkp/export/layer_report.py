"""What int8 costs layer by layer, and networks in which some layers stay float.

On TensorFlow's QuantizationDebugger: one calibration, then the graph is quantised again with any layers left out.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.export.bias_correction import float_outputs, output_bias, outputs_of
from edgefkp.export.convert import Settings, converter_of
from edgefkp.files import captured_fds
from edgefkp.networks.complexity import leaves

SAMPLES = 64  # calibration samples on which the layers are compared
# Layers with weights, and the softmax, for whose use 256 steps can be too few.
_LAYERS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Softmax")


@dataclass(frozen=True)
class LayerCost:
    """layer: the Keras layer, as --keep-float takes it. tensor: the operator's output.

    error: RMS difference from float, local to the operator, in steps of its output; about 0.29 is rounding alone.
    gain, gain_worst: how much less the 95th percentile and the largest movement of an output are with this layer kept
        in float.
    """

    layer: str
    tensor: str
    error: float
    gain: float
    gain_worst: float


@dataclass(frozen=True)
class Explanation:
    """shift, worst: 95th percentile and largest movement of an output against the float network when every layer is
    integer, in `unit`, beyond what export's bias correction takes back. layers: those with weights, the most costly
    first.
    """

    schema: str
    model: str
    samples: int
    unit: str
    shift: float
    worst: float
    layers: tuple[LayerCost, ...]


SCHEMA = "edgefkp.explanation/1"


def keeping_float(model: Any, converter: Any, settings: Settings) -> bytes:
    """Quantise with the layers of `settings.keep_float` in float. Raises EdgefkpError for a layer that is not there."""
    debugger = _debugger(converter, settings, [])
    layers = _tensors_of_layers(model, _tensor_names(debugger))
    unknown = [name for name in settings.keep_float if name not in layers]
    if unknown:
        raise EdgefkpError(
            f"no layer '{unknown[0]}' that int8 computes in this network", f"layers: {_listed(list(layers))}"
        )
    kept = [tensor for name in settings.keep_float for tensor in layers[name]]
    return _quantised(debugger, settings, kept)


def explain(model: Any, name: str, samples: Sequence[np.ndarray], unit: float, unit_name: str) -> Explanation:
    """Measure what each layer's integers cost.

    samples: one (N, *input shape) float32 array for each input. unit: what an output is multiplied with for the table.
    """
    settings = Settings("int8")
    samples = [array[:SAMPLES] for array in samples]
    with captured_fds():
        debugger = _debugger(converter_of(model, settings, samples), settings, samples)
        debugger.run()
        errors = _local_errors(debugger)
        truth = float_outputs(model, samples)
        alike = output_bias(model) is not None

        def shift_with(kept: list[str]) -> tuple[float, float]:
            moved = outputs_of(_quantised(debugger, settings, kept), samples) - truth
            return _shift(moved - moved.mean(0) if alike else moved, unit)

        shift, worst = shift_with([])
        rows = []
        for layer, tensors in _tensors_of_layers(model, list(errors)).items():
            less, less_worst = shift_with(tensors)
            error = max(errors[tensor] for tensor in tensors)
            rows.append(LayerCost(layer, tensors[-1], error, shift - less, worst - less_worst))
    rows.sort(key=lambda row: -row.gain)
    return Explanation(SCHEMA, name, len(samples[0]), unit_name, shift, worst, tuple(rows))


def _debugger(converter: Any, settings: Settings, samples: Sequence[np.ndarray]) -> Any:
    import tensorflow as tf

    count = len(samples[0]) if len(samples) else 0
    return tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=lambda: ([array[i : i + 1] for array in samples] for i in range(count)),
        debug_options=tf.lite.experimental.QuantizationDebugOptions(),
    )


def _quantised(debugger: Any, settings: Settings, kept: list[str]) -> bytes:
    """The int8 file with the operators whose outputs are `kept` in float."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    # Setting the options through the property would quantise with verification operators once more.
    debugger.options.denylisted_nodes = kept or None
    content = debugger.get_nondebug_quantized_model()
    return bytes(modify_model_io_type(content, tf.uint8 if settings.u8 else tf.float32, tf.float32))


def _tensor_names(debugger: Any) -> list[str]:
    """The outputs of the operators that were quantised."""
    details = debugger._get_numeric_verify_tensor_details()
    return [debugger._get_operand_name_and_index(detail["name"])[0] for detail in details]


def _local_errors(debugger: Any) -> dict[str, float]:
    """Output -> RMS error in steps."""
    dump = io.StringIO()
    debugger.layer_statistics_dump(dump)
    errors = {}
    for row in csv.DictReader(io.StringIO(dump.getvalue())):
        errors[row["tensor_name"]] = float(np.sqrt(float(row["mean_squared_error"]))) / max(float(row["scale"]), 1e-30)
    return errors


def _tensors_of_layers(model: Any, tensors: list[str]) -> dict[str, list[str]]:
    """Keras layer -> the outputs of its operators, for the layers with weights.

    A fused operator's output is named after all that was fused into it, scope/layer_N/op joined by semicolons, where
    TensorFlow added the _N to make the scope unique; the network's last output has lost its name.
    """
    kinds = {layer.name: type(layer).__name__ for layer in leaves(model)}
    found: dict[str, list[str]] = {}
    for tensor in tensors:
        parts = [re.sub(r"_\d+$", "", part) for part in re.split("[/;]", tensor)]
        weighted = [part for part in parts if kinds.get(part) in _LAYERS]
        if not weighted and tensor.startswith("StatefulPartitionedCall"):
            weighted = [output for output in _output_layers(model) if kinds.get(output) in _LAYERS][:1]
        if weighted:
            found.setdefault(weighted[-1], []).append(tensor)
    return found


def _output_layers(model: Any) -> list[str]:
    return [tensor._keras_history.operation.name for tensor in model.outputs]


def _shift(moved: np.ndarray, unit: float) -> tuple[float, float]:
    moved = np.abs(moved) * unit
    return float(np.percentile(moved, 95)), float(moved.max())


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
