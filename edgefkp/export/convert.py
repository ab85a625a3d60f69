"""Conversion: a Keras network -> the bytes of a .tflite file, one function per scheme's settings."""

import os
import tempfile
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.naming import SCHEMES
from edgefkp.quiet import captured


def convert(model: Any, scheme: str, calibration: np.ndarray | None = None) -> bytes:
    """Convert a keras.Model with a batch of 1 fixed in the file.

    calibration: (N, 96, 96) uint8, needed by the schemes with static ranges (int8, int8io, int16x8).
    Raises UsageError for an unknown scheme, EdgefkpError where the network cannot be converted.
    """
    import keras
    import tensorflow as tf

    if scheme not in SCHEMES:
        raise UsageError(f"unknown scheme '{scheme}'", f"choose one of: {', '.join(SCHEMES)}")
    pixels = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, model(pixels, training=False)))
    _set_scheme(converter, scheme, calibration)
    with captured() as chatter:
        try:
            return bytes(converter.convert())
        except Exception as error:  # the converter raises many kinds, with pages of text
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise EdgefkpError(
                f"the network cannot be converted to {scheme}: {reason[:120]}",
                f"the converter's whole output: {_keep(chatter, str(error))}",
            ) from error


def _set_scheme(converter: Any, scheme: str, calibration: np.ndarray | None) -> None:
    import tensorflow as tf

    if scheme == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme in ("int8", "int8io", "int16x8"):
        if calibration is None:
            raise ValueError(f"{scheme} needs calibration pictures")
        converter.representative_dataset = lambda: ([_input(image)] for image in calibration)
        only = {
            "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        }.get(scheme, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter.target_spec.supported_ops = [only]
    if scheme == "int8io":
        converter.inference_input_type = converter.inference_output_type = tf.int8


def _input(image: np.ndarray) -> np.ndarray:
    return image[None, ..., None].astype(np.float32) / 255


def _keep(chatter: Any, error: str) -> str:
    chatter.seek(0)
    handle, name = tempfile.mkstemp(prefix="edgefkp-convert-", suffix=".log")
    with os.fdopen(handle, "wb") as stream:
        stream.write(chatter.read() + error.encode())
    return name
