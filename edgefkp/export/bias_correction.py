"""Bias correction: what rounding does to all inputs alike is taken back in the last layer.

Rounded weights move each output by an amount of its own that hardly depends on the picture. It is measured, as the mean
difference between the float network's and the file's outputs over the calibration samples, and added to the bias before
the network is converted again (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
2019, section 4.2; here for the last layer only, which sees the sum of what all layers do).
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.export.convert import Settings, convert
from edgefkp.files import write_bytes
from edgefkp.layout import COUNT, SIZE
from edgefkp.runtime import interpreters as runtimes


def output_bias(model: Any) -> Any:
    """The variable that is added to the outputs; None where there is none, or several inputs or outputs."""
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return None
    layer = model.outputs[0]._keras_history.operation
    linear = type(layer).__name__ == "Dense" and layer.activation.__name__ == "linear"
    return layer.bias if linear else None


def network_unit(network: Any) -> tuple[float, str]:
    """What an output of the network is multiplied with to be read, and its unit."""
    return (SIZE / 2, "px") if network.output_shape == (None, 2 * COUNT) else (1.0, "output")


def measured_with(settings: Settings) -> Settings:
    """The scheme in which the correction is measured: the same integers, but float at both ends."""
    return replace(settings, scheme="int8" if settings.scheme == "int8io" else settings.scheme, u8=False)


def missing_bias(
    model: Any, settings: Settings, samples: Sequence[np.ndarray], reference: np.ndarray | None = None
) -> np.ndarray:
    """(outputs,) what the file's outputs lack on average against the float network's.

    settings: of a file with float ends. reference: float_outputs(model, samples), where that is known.
    """
    truth = float_outputs(model, samples) if reference is None else reference
    return (truth - outputs_of(convert(model, settings, samples), samples)).mean(0)


def float_outputs(model: Any, samples: Sequence[np.ndarray]) -> np.ndarray:
    return outputs_of(convert(model, Settings("float32")), samples)


def outputs_of(content: bytes, samples: Sequence[np.ndarray]) -> np.ndarray:
    """(N, numbers) float64 of all outputs of a .tflite with float ends.

    samples: one (N, *input shape) float32 array for each input. TensorFlow's own interpreter runs it: another package's
    may not bear TensorFlow in its process.
    """
    with tempfile.TemporaryDirectory(prefix="edgefkp-outputs-") as folder:
        model = runtimes.load(write_bytes(Path(folder) / "one.tflite", content), "tensorflow")
    results = []
    for number in range(len(samples[0])):
        for which, array in enumerate(samples):
            model.set(array[number : number + 1], which)
        model.invoke()
        results.append(np.concatenate([model.get(which).reshape(-1) for which in range(len(model.outputs))]))
    return np.stack(results).astype(np.float64)


@contextlib.contextmanager
def corrected(model: Any, missing: np.ndarray | None) -> Iterator[None]:
    """Within the block `model` says `missing` more."""
    if missing is None:
        yield
        return
    bias = output_bias(model)
    kept = np.array(bias)
    bias.assign(kept + missing)
    try:
        yield
    finally:
        bias.assign(kept)
