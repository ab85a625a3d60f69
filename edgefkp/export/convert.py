"""Conversion: a Keras network -> the bytes of a .tflite file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.schemes import SCHEMES, Scheme, schemes_with
from edgefkp.files import cache_dir, captured_fds, write_bytes
from edgefkp.networks.complexity import leaves

PIXELS = 255.0
# Layers with weights, and the softmax, for whose use 256 steps can be too few.
_LAYERS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Softmax")


@dataclass(frozen=True)
class ConversionSettings:
    """How a network becomes a file. Raises UsageError for an unknown scheme or a pair that does not go together."""

    # A name of SCHEMES.
    scheme: str
    # uint8 pixels go in and are divided by 255 inside the graph.
    u8: bool = False
    # Dense layers get one scale instead of one per output (see Target.per_tensor_dense).
    per_tensor_dense: bool = False
    # Keras layers that keep computing in float.
    keep_float: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        scheme = SCHEMES[self.scheme]
        if self.keep_float and not scheme.keeps_float:
            able = schemes_with("keeps_float")
            raise UsageError(
                f"--keep-float goes with {' or '.join(able)}, not with {self.scheme}",
                f"name the scheme: --quant {able[0]} --keep-float LAYER",
            )

    @property
    def values(self) -> Scheme:
        return SCHEMES[self.scheme]


def convert(model: Any, settings: ConversionSettings, samples: Sequence[np.ndarray] = ()) -> bytes:
    """Convert a keras.Model with a batch of 1 fixed in the file.

    samples: one (N, *input shape) float32 array for each input, by which static schemes find their ranges.
    Raises EdgefkpError if the network cannot be converted.
    """
    if settings.values.static and not samples:
        raise ValueError(f"{settings.scheme} needs calibration samples")
    with captured_fds() as chatter:
        try:
            converter = converter_of(model, settings, samples)
            if settings.keep_float:
                return _keeping_float(model, converter, settings)
            return bytes(converter.convert())
        except EdgefkpError:
            raise
        except Exception as error:  # the converter raises many kinds, with pages of text
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            kept = _keep(chatter, str(error))
            raise EdgefkpError(
                f"the network cannot be converted to {settings.scheme}: {reason[:120]}",
                f"the converter's whole output: {kept}" if kept else "choose another scheme for this network",
            ) from error


def converter_of(model: Any, settings: ConversionSettings, samples: Sequence[np.ndarray]) -> Any:
    """A tf.lite.TFLiteConverter with the settings of the scheme."""
    import tensorflow as tf

    scheme = settings.values
    by_quantization = settings.u8 and scheme.takes_bytes
    in_graph = settings.u8 and not by_quantization
    converter = tf.lite.TFLiteConverter.from_keras_model(_with_fixed_batch(model, in_graph, scheme.half))
    converter._experimental_disable_per_channel_quantization_for_dense_layers = settings.per_tensor_dense
    scheme.configure(converter)
    if scheme.static:
        converter.representative_dataset = lambda: _one_by_one(samples, PIXELS if in_graph else None)
        if in_graph:  # the cast from uint8 has no 16-bit form, and stays what it is
            converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    if by_quantization:
        converter.inference_input_type = tf.uint8
    return converter


def debugger_of(converter: Any, samples: Sequence[np.ndarray]) -> Any:
    """A tf.lite.experimental.QuantizationDebugger: one calibration, then `quantized` with any layers left out."""
    import tensorflow as tf

    count = len(samples[0]) if len(samples) else 0
    return tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=lambda: ([array[i : i + 1] for array in samples] for i in range(count)),
        debug_options=tf.lite.experimental.QuantizationDebugOptions(),
    )


def quantized(debugger: Any, settings: ConversionSettings, kept: list[str]) -> bytes:
    """The int8 file with the operators whose outputs are `kept` in float."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    # Setting the options through the property would quantize with verification operators once more.
    debugger.options.denylisted_nodes = kept or None
    content = debugger.get_nondebug_quantized_model()
    return bytes(modify_model_io_type(content, tf.uint8 if settings.u8 else tf.float32, tf.float32))


def _keeping_float(model: Any, converter: Any, settings: ConversionSettings) -> bytes:
    """Quantize with the layers of `settings.keep_float` in float. Raises EdgefkpError for an unknown layer."""
    debugger = debugger_of(converter, [])
    details = debugger._get_numeric_verify_tensor_details()
    computed = [debugger._get_operand_name_and_index(detail["name"])[0] for detail in details]
    layers = tensors_of_layers(model, computed)
    unknown = [name for name in settings.keep_float if name not in layers]
    if unknown:
        raise EdgefkpError(
            f"no layer '{unknown[0]}' that {settings.scheme} computes in this network",
            f"layers: {_listed(list(layers))}",
        )
    return quantized(debugger, settings, [tensor for name in settings.keep_float for tensor in layers[name]])


def tensors_of_layers(model: Any, tensors: list[str]) -> dict[str, list[str]]:
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
            outputs = [tensor._keras_history.operation.name for tensor in model.outputs]
            weighted = [output for output in outputs if kinds.get(output) in _LAYERS][:1]
        if weighted:
            found.setdefault(weighted[-1], []).append(tensor)
    return found


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _with_fixed_batch(model: Any, in_bytes: bool, half: bool) -> Any:
    import keras

    inputs = []
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise EdgefkpError(
                f"the network takes inputs of any size ({tuple(tensor.shape)}); a .tflite needs one",
                "fix the size in Keras: keras.Input((height, width, channels))",
            )
        dtype = "uint8" if in_bytes else tensor.dtype
        inputs.append(keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=dtype, name=tensor.name.split(":")[0]))
    scaled = [_scaled(tensor, half) for tensor in inputs] if in_bytes else inputs
    outputs = model(scaled if len(scaled) > 1 else scaled[0], training=False)
    return keras.Model(inputs, outputs, name="exported")  # Keras' own numbering would differ each time


def _scaled(pixels: Any, half: bool) -> Any:
    """Pixels / 255 in the graph, which the converter folds into the first weights.

    half: not so in half precision, where weights / 255 would be too small to keep their digits (0.005 px). A relu,
    which changes no pixel, stands between.
    """
    import keras

    scaled = keras.ops.cast(pixels, "float32") / PIXELS
    return keras.ops.relu(scaled) if half else scaled


def _one_by_one(samples: Sequence[np.ndarray], scale: float | None) -> Iterator[list[np.ndarray]]:
    for number in range(len(samples[0])):
        one = [array[number : number + 1] for array in samples]
        yield [np.rint(array * scale).astype(np.uint8) for array in one] if scale else one


def _keep(chatter: Any, error: str) -> Path | None:
    """The converter's words, in one file: those of the last failure."""
    chatter.seek(0)
    try:
        return write_bytes(cache_dir() / "converter.log", chatter.read() + error.encode(errors="replace"))
    except EdgefkpError:  # an unwritable cache
        return None
