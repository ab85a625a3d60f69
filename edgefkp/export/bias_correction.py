"""Bias correction: the last layer takes back what rounding does to all inputs alike.

Rounded weights move each output by an amount of its own that hardly depends on the image. It is measured, as the mean
difference between the float network's and the file's outputs over the calibration samples, and added to the bias before
the network is converted again (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
2019, section 4.2; here for the last layer only, which sees the sum of what all layers do).
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.network_inputs import in_order_of, name_of
from edgefkp.export.schemes import CAST, FLOAT
from edgefkp.files import write_bytes
from edgefkp.layout import ModelSpec
from edgefkp.networks.deviation import has_deviation
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.scratch import scratch_folder


def output_biases(model: Any) -> list[Any]:
    """The variable that is added to each output: one, or those of points and deviations. Empty for a network without,
    or with several inputs or other outputs."""
    if len(model.inputs) != 1 or (len(model.outputs) != 1 and not has_deviation(model)):
        return []
    found = [_bias_of(tensor) for tensor in model.outputs]
    return [] if any(bias is None for bias in found) else found


def _bias_of(tensor: Any) -> Any:
    """Of a dense layer, or of a convolution over all that it sees, behind which nothing but the shape changes."""
    layer = tensor._keras_history.operation
    while True:
        if hasattr(layer, "layers") and len(layer.outputs) == 1:  # a network within it comes last
            layer = layer.outputs[0]._keras_history.operation
        elif type(layer).__name__ in ("Flatten", "Reshape"):
            layer = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
        else:
            break
    linear = type(layer).__name__ in ("Dense", "Conv2D") and getattr(layer.activation, "__name__", "") == "linear"
    bias = layer.bias if linear else None
    return bias if bias is not None and bias.shape[0] == prod(tensor.shape[1:]) else None


def output_unit(spec: ModelSpec | None) -> tuple[float, str]:
    """What an output is multiplied with to be read, and its unit. spec: of a keypoint network, None for another."""
    return (spec.unit, "px") if spec else (1.0, "output")


def measured_with(settings: ConversionSettings) -> ConversionSettings:
    """The scheme in which the correction is measured: the same integers, but float at both ends."""
    return replace(settings, scheme=settings.values.measured_as or settings.scheme, u8=False, widen=CAST)


def missing_bias(
    model: Any, settings: ConversionSettings, samples: Sequence[np.ndarray], reference: np.ndarray | None = None
) -> np.ndarray:
    """(outputs,) by how much the file's outputs are too small on average, compared with the float network's.

    settings: of a file with float ends. reference: float_outputs(model, samples), if known.
    """
    truth = float_outputs(model, samples) if reference is None else reference
    return (truth - outputs_of(convert(model, settings, samples), samples, names_of(model))).mean(0)


def float_outputs(model: Any, samples: Sequence[np.ndarray]) -> np.ndarray:
    return outputs_of(convert(model, ConversionSettings(FLOAT)), samples, names_of(model))


def names_of(model: Any) -> list[str]:
    return [name_of(tensor) for tensor in model.inputs]


def outputs_of(content: bytes, samples: Sequence[np.ndarray], names: Sequence[str] = ("",)) -> np.ndarray:
    """(N, numbers) float64 of all outputs of a .tflite with float ends.

    samples: one (N, *input shape) array for each input, `names` of the network; one input needs no name. TensorFlow's
    own interpreter runs it: those of other packages may fail in a process that imported TensorFlow.
    """
    with scratch_folder() as folder:
        # Without XNNPACK: that of TensorFlow 2.21 computes convolutions with a kernel of 3 and steps of 4 wrongly, of
        # floats and of integers.
        model = runtimes.load(write_bytes(folder / "one.tflite", content), "tensorflow", xnnpack=False)
    results = []
    order = in_order_of(model.inputs, names)
    for number in range(len(samples[0])):
        for which, source in enumerate(order):
            one = samples[source][number : number + 1]
            model.set(one.astype(model.inputs[which]["dtype"], copy=False), which)
        model.invoke()
        results.append(np.concatenate([model.get(which).reshape(-1) for which in range(len(model.outputs))]))
    return np.stack(results).astype(np.float64)


@contextlib.contextmanager
def corrected(model: Any, missing: np.ndarray | None) -> Iterator[None]:
    """Add `missing` to the biases of the outputs, one after the other, within the block."""
    if missing is None:
        yield
        return
    biases = output_biases(model)
    kept = [np.array(bias) for bias in biases]
    ends = np.cumsum([len(numbers) for numbers in kept])[:-1]
    for bias, numbers, part in zip(biases, kept, np.split(missing, ends), strict=True):
        bias.assign(numbers + part)
    try:
        yield
    finally:
        for bias, numbers in zip(biases, kept, strict=True):
            bias.assign(numbers)
