"""float16: weights in half precision, arithmetic in float."""

from typing import Any

from edgefkp.export.schemes import SCHEMES, Scheme


def _configure(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


FLOAT16 = SCHEMES.add(
    Scheme(
        "float16",
        "weights as 16-bit floats, arithmetic in 32-bit floats",
        order=1,
        configure=_configure,
        recognizes=lambda kinds: kinds.floats_only and kinds.holds("float16"),
        half=True,
    )
)
