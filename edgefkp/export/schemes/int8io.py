"""int8io: int8 with integers at both ends, for microcontrollers and accelerators."""

from dataclasses import replace
from typing import Any

from edgefkp.export.schemes import SCHEMES
from edgefkp.export.schemes.int8 import INT8, configure
from edgefkp.export.schemes.int16x8 import INT16X8


def _configure(converter: Any) -> None:
    import tensorflow as tf

    configure(converter)
    converter.inference_input_type = converter.inference_output_type = tf.int8


INT8IO = SCHEMES.add(
    replace(
        INT8,
        name="int8io",
        description="8-bit integers throughout, also at both ends",
        order=4,
        configure=_configure,
        recognizes=lambda kinds: kinds.computes_in("int8", "uint8", "int16") and kinds.integer_ends,
        integer_ends=True,
        head=INT16X8.name,
        keeps_float=False,
        measured_as=INT8.name,
    )
)
