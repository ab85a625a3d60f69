"""Conversion: a Keras network -> the bytes of a .tflite file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.network_inputs import in_order_of, name_of, one_by_one, takes_bytes, with_fixed_batch
from edgefkp.export.output_names import with_named_outputs
from edgefkp.export.schemes import CAST, DEFAULT_SCHEMES, SCHEMES, Scheme, schemes_with
from edgefkp.export.sixteen_bits import spell_out
from edgefkp.export.wide_head import widened
from edgefkp.files import cache_dir, captured_fds, write_bytes
from edgefkp.layout import ModelSpec
from edgefkp.networks.complexity import leaves
from edgefkp.networks.deviation import has_deviation
from edgefkp.networks.ours import FLOAT_LAYERS
from edgefkp.runtime.graph import graph_of

# Layers that compute means and quotients of what they see, for which 256 steps are too few.
FLOAT_KINDS = ("LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization")
# Layers with weights, and the softmax, for whose use 256 steps can be too few.
_LAYERS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Softmax", *FLOAT_KINDS)
# Operators at the ends of a file, and of the debugger.
_ENDS = {"QUANTIZE", "DEQUANTIZE"}


@dataclass(frozen=True)
class ConversionSettings:
    """How a network becomes a file. Raises UsageError for an unknown scheme or a pair that does not go together."""

    # A name of SCHEMES.
    scheme: str
    # uint8 pixels go in and are scaled inside the graph, unless the network takes bytes itself.
    u8: bool = False
    # Dense layers get one scale instead of one per output (see Target.per_tensor_dense).
    per_tensor_dense: bool = False
    # Keras layers and kinds of operators that keep computing in float.
    keep_float: tuple[str, ...] = ()
    # How those pixels are scaled, of each channel or one number for all, as InputSpec.mean_and_deviation.
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (255.0,)
    # The scheme in whose integers a soft argmax computes (edgefkp.export.wide_head); "" for the file's own.
    head: str = ""
    # The operator that leads into it (see Target.widen).
    widen: str = CAST
    # Kinds of operators may stay in float, too, where that is measured to be needed (edgefkp.export.islands).
    gates: bool = False

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

    @property
    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.mean), np.array(self.deviation)

    @property
    def identity(self) -> dict[str, Any]:
        """What a file's key holds of it: without the fields that came later where they have their defaults."""
        blank = ConversionSettings(self.scheme)
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in ("mean", "deviation", "head", "widen", "gates") or value != getattr(blank, name)
        }


def bytes_scaling(spec: ModelSpec, scheme: Scheme) -> dict[str, tuple[float, ...]]:
    """The fields of ConversionSettings by which a file that takes bytes scales them.

    Raises UsageError for channels that differ and share one scale.
    """
    mean, deviation = (tuple(map(float, numbers)) for numbers in spec.input.mean_and_deviation)
    if len({*zip(mean, deviation, strict=True)}) == 1:
        return {"mean": mean[:1], "deviation": deviation[:1]}
    if scheme.takes_bytes:
        raise UsageError(
            f"--u8 with {scheme.name} goes with one mean and deviation for all channels",
            f"leave out --u8, or take {DEFAULT_SCHEMES[0]}",
        )
    return {"mean": mean, "deviation": deviation}


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
                debugger = debugger_of(converter, [])
                content = quantized(debugger, settings, *kept_by(model, debugger, settings))
            else:
                content = bytes(converter.convert())
                if settings.head:
                    wide = replace(settings, scheme=settings.head, u8=False, head="")
                    content = widened(
                        content, lambda: bytes(converter_of(model, wide, samples).convert()), settings.widen
                    )
            return with_named_outputs(content, model.output_names) if has_deviation(model) else content
        except EdgefkpError:
            raise
        except Exception as error:  # the converter raises many kinds, with pages of text
            kept = _keep(chatter, str(error))
            raise EdgefkpError(
                f"the network cannot be converted to {settings.scheme}: {_reason(error)}",
                f"the converter's whole output: {kept}" if kept else "choose another scheme for this network",
            ) from error


def _reason(error: Exception) -> str:
    """The cause in one line: the operators that TensorFlow Lite lacks, else the first line."""
    text = str(error)
    if operators := dict.fromkeys(re.findall(r"\b(?:tf\.|op: )([A-Z]\w+)", text)):
        return f"TensorFlow Lite has no operator for {', '.join(operators)}; only the Flex delegate runs it"
    return next((line for line in text.splitlines() if line.strip()), type(error).__name__)[:120]


def converter_of(model: Any, settings: ConversionSettings, samples: Sequence[np.ndarray]) -> Any:
    """A tf.lite.TFLiteConverter with the settings of the scheme."""
    import tensorflow as tf

    scheme = settings.values
    made_bytes = settings.u8 and not takes_bytes(model)
    by_quantization = made_bytes and scheme.takes_bytes
    in_graph = settings.scaling if made_bytes and not by_quantization else None
    converter = tf.lite.TFLiteConverter.from_keras_model(with_fixed_batch(model, in_graph, scheme.half))
    converter._experimental_disable_per_channel_quantization_for_dense_layers = settings.per_tensor_dense
    scheme.configure(converter)
    if scheme.static:
        names = [name_of(tensor) for tensor in model.inputs]
        converter.representative_dataset = lambda: one_by_one(names, samples, in_graph)
        if scheme.activation_bits > 8:
            spell_out(converter)
        if in_graph or takes_bytes(model):  # the cast from uint8 has no 16-bit form, and stays what it is
            converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    if by_quantization:
        converter.inference_input_type = tf.uint8
    return converter


def debugger_of(converter: Any, samples: Sequence[np.ndarray], names: Sequence[str] = ()) -> Any:
    """A tf.lite.experimental.QuantizationDebugger: one calibration, then `quantized` with any layers left out.

    names: of the network's inputs, to which the samples belong.
    """
    import tensorflow as tf

    count = len(samples[0]) if len(samples) else 0
    order: list[int] = []

    def fed() -> Iterator[list[np.ndarray]]:
        """In the order of the interpreter's inputs."""
        own = order or range(len(samples))
        return ([samples[which][i : i + 1] for which in own] for i in range(count))

    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=fed,
        debug_options=tf.lite.experimental.QuantizationDebugOptions(),
    )
    if len(samples) > 1:
        order += in_order_of(debugger.quant_interpreter.get_input_details(), names)
    return debugger


def quantized(debugger: Any, settings: ConversionSettings, kept: Sequence[str], kinds: Sequence[str] = ()) -> bytes:
    """The int8 file with the operators whose outputs are `kept`, and those of `kinds`, in float."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    # Setting the options through the property would quantize with verification operators once more.
    debugger.options.denylisted_nodes = list(kept) or None
    debugger.options.denylisted_ops = list(kinds) or None
    content = debugger.get_nondebug_quantized_model()
    return bytes(modify_model_io_type(content, tf.uint8 if settings.u8 else tf.float32, tf.float32))


def kept_by(model: Any, debugger: Any, settings: ConversionSettings) -> tuple[list[str], list[str]]:
    """The outputs of operators, and the kinds of operators, that `settings.keep_float` names.

    Raises EdgefkpError for a name of neither.
    """
    details = debugger._get_numeric_verify_tensor_details()
    computed = [debugger._get_operand_name_and_index(detail["name"])[0] for detail in details]
    layers = {**tensors_of_layers(model, computed), **tensors_of_layers(model, computed, weighted=False)}
    operators = {operator.name for operator in graph_of(debugger.quant_model).operators}
    kinds = {layer.name: type(layer).__name__ for layer in leaves(model)}
    # A layer that the converter left in float anyway is none that int8 computes.
    known = {*layers, *operators, *(name for name, kind in kinds.items() if kind in FLOAT_KINDS)}
    if unknown := [name for name in settings.keep_float if name not in known]:
        raise EdgefkpError(
            f"no layer '{unknown[0]}' that {settings.scheme} computes in this network, and no kind of operators",
            f"layers: {_listed(list(layers))}; kinds: {', '.join(sorted(filter(str.isupper, operators - _ENDS)))}",
        )
    kept = [tensor for name in settings.keep_float for tensor in layers.get(name, [])]
    return kept, [name for name in settings.keep_float if name in operators and name not in layers]


def layers_in_float(model: Any) -> tuple[str, ...]:
    """Layers that int8 keeps in float by itself: those of FLOAT_KINDS, and a soft argmax, whose probabilities in 256
    steps would cost 0.17 px."""
    layers = list(leaves(model))
    argmax = FLOAT_LAYERS if _has_soft_argmax(model) else ()
    return (*argmax, *(layer.name for layer in layers if type(layer).__name__ in FLOAT_KINDS))


def first_layer_in_float(model: Any) -> tuple[str, ...]:
    """The convolution of gray pixels of one of our own networks, which is faster in float: with a single channel most
    lanes of integer kernels are empty (`nano` on AMD: 0.017 ms, in float 0.009 and 0.001 to round its result)."""
    if not _has_soft_argmax(model) or tuple(model.inputs[0].shape[3:]) != (1,):
        return ()
    first = [layer.name for layer in model.layers if getattr(layer, "input", None) is model.inputs[0]]
    return tuple(name for name in first if type(model.get_layer(name)).__name__ == "Conv2D")


def _has_soft_argmax(model: Any) -> bool:
    return {layer.name for layer in leaves(model)}.issuperset(FLOAT_LAYERS)


def tensors_of_layers(model: Any, tensors: list[str], weighted: bool = True) -> dict[str, list[str]]:
    """Keras layer -> the outputs of its operators. weighted: only for the layers with weights.

    A fused operator's output is named after all that was fused into it, scope/layer_N/op joined by semicolons, where
    TensorFlow added the _N to make the scope unique; the network's last output has lost its name.
    """
    kinds = {layer.name: type(layer).__name__ for layer in leaves(model)}
    found: dict[str, list[str]] = {}
    for tensor in tensors:
        parts = [re.sub(r"_\d+$", "", part) for part in re.split("[/;]", tensor)]
        owners = [part for part in parts if kinds.get(part) in _LAYERS]
        if not owners and tensor.startswith("StatefulPartitionedCall"):
            outputs = [tensor._keras_history.operation.name for tensor in model.outputs]
            number = re.search(r":(\d+)", tensor)
            outputs = outputs[int(number[1]) :] if number and has_deviation(model) else outputs
            owners = [output for output in outputs if kinds.get(output) in _LAYERS][:1]
        owners = owners or ([] if weighted else [part for part in parts if part in kinds])
        if owners:
            found.setdefault(owners[-1], []).append(tensor)
    return found


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _keep(chatter: Any, error: str) -> Path | None:
    """The converter's words, in one file: those of the last failure."""
    chatter.seek(0)
    try:
        return write_bytes(cache_dir() / "converter.log", chatter.read() + error.encode(errors="replace"))
    except EdgefkpError:  # an unwritable cache
        return None
