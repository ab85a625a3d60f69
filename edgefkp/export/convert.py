"""Conversion: a Keras network -> the bytes of a .tflite file."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.schemes import SCHEMES
from edgefkp.files import captured_fds

STATIC = ("int8", "int8io", "int16x8")  # schemes whose ranges come from calibration
DEFAULT_SCHEMES = ("float32", "int8")  # where --quant names none
PIXELS = 255.0


@dataclass(frozen=True)
class Settings:
    """u8: uint8 pixels go in and are divided by 255 inside the graph.

    per_tensor_dense: dense layers of dynamic files get one scale instead of one per output (see target.py).
    keep_float: Keras layers that keep computing in float (scheme int8).
    Raises UsageError for an unknown scheme or a pair that does not go together.
    """

    scheme: str
    u8: bool = False
    per_tensor_dense: bool = False
    keep_float: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise UsageError(f"unknown scheme '{self.scheme}'", f"choose one of: {', '.join(SCHEMES)}, all")
        if self.keep_float and self.scheme != "int8":
            raise UsageError(
                f"--keep-float goes with int8, not with {self.scheme}",
                "name the scheme: --quant int8 --keep-float LAYER",
            )

    @property
    def static(self) -> bool:
        return self.scheme in STATIC


def schemes_of(words: Sequence[str]) -> tuple[str, ...]:
    """The schemes that --quant names; "all" is every one. Raises UsageError for an unknown one."""
    named = [scheme for word in words for scheme in (SCHEMES if word == "all" else (word,))]
    return tuple(dict.fromkeys(Settings(scheme).scheme for scheme in named)) or DEFAULT_SCHEMES


def convert(model: Any, settings: Settings, samples: Sequence[np.ndarray] = ()) -> bytes:
    """Convert a keras.Model with a batch of 1 fixed in the file.

    samples: one (N, *input shape) float32 array for each input, by which static schemes find their ranges.
    Raises EdgefkpError where the network cannot be converted.
    """
    if settings.static and not samples:
        raise ValueError(f"{settings.scheme} needs calibration samples")
    with captured_fds() as chatter:
        try:
            converter = converter_of(model, settings, samples)
            if settings.keep_float:
                from edgefkp.export.layer_report import keeping_float

                return keeping_float(model, converter, settings)
            return bytes(converter.convert())
        except EdgefkpError:
            raise
        except Exception as error:  # the converter raises many kinds, with pages of text
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise EdgefkpError(
                f"the network cannot be converted to {settings.scheme}: {reason[:120]}",
                f"the converter's whole output: {_keep(chatter, str(error))}",
            ) from error


def converter_of(model: Any, settings: Settings, samples: Sequence[np.ndarray]) -> Any:
    """A tf.lite.TFLiteConverter with the settings of the scheme."""
    import tensorflow as tf

    # Full integer networks take uint8 by their own input quantisation; others get a cast and a scale in the graph.
    by_quantisation = settings.u8 and settings.scheme in ("int8", "int8io")
    converter = tf.lite.TFLiteConverter.from_keras_model(
        _with_fixed_batch(model, settings.u8 and not by_quantisation, half=settings.scheme == "float16")
    )
    if settings.scheme == "float32":
        return converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = settings.per_tensor_dense
    if settings.scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if settings.static:
        scale = PIXELS if settings.u8 and not by_quantisation else None
        converter.representative_dataset = lambda: _one_by_one(samples, scale)
        only = {
            "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        }.get(settings.scheme, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter.target_spec.supported_ops = [only]
        if scale:  # the cast from uint8 has no 16-bit form, and stays what it is
            converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    if settings.scheme == "int8io":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if by_quantisation:
        converter.inference_input_type = tf.uint8
    return converter


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


def _keep(chatter: Any, error: str) -> str:
    chatter.seek(0)
    handle, name = tempfile.mkstemp(prefix="edgefkp-convert-", suffix=".log")
    with os.fdopen(handle, "wb") as stream:
        stream.write(chatter.read() + error.encode())
    return name
