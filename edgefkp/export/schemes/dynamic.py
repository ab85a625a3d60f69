"""dynamic: int8 weights, activations quantized as they come."""

from typing import Any

from edgefkp.export.schemes import SCHEMES, Scheme


def _configure(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]


DYNAMIC = SCHEMES.add(
    Scheme(
        "dynamic",
        "int8 weights, activations quantized while the file runs",
        order=2,
        configure=_configure,
        recognizes=lambda kinds: not kinds.count("integer") and kinds.count("hybrid") > 0 and not kinds.few_bits,
        integer=True,
        corrects_bias=True,
        per_tensor_dense=True,
    )
)
