"""int8: integer arithmetic throughout, floats at both ends."""

from typing import Any

from edgefkp.export.schemes import SCHEMES, Scheme


def configure(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


INT8 = SCHEMES.add(
    Scheme(
        "int8",
        "8-bit integers throughout, floats at both ends",
        order=3,
        configure=configure,
        recognizes=lambda kinds: kinds.computes_in("int8", "uint8") and not kinds.integer_ends,
        integer=True,
        static=True,
        takes_bytes=True,
        exact=True,
        keeps_float=True,
        corrects_bias=True,
        on_micro=True,
    )
)
