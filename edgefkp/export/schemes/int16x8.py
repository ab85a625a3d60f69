"""int16x8: 16-bit activations, 8-bit weights."""

from typing import Any

from edgefkp.export.schemes import SCHEMES, Scheme


def _configure(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
    ]


INT16X8 = SCHEMES.add(
    Scheme(
        "int16x8",
        "16-bit integer activations, 8-bit weights, floats at both ends",
        order=5,
        configure=_configure,
        recognizes=lambda kinds: kinds.computes_in("int16") and not kinds.integer_ends,
        integer=True,
        static=True,
        activation_bits=16,
        exact=True,
        corrects_bias=True,
        on_micro=True,
    )
)
