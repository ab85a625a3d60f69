"""float32: the network as it was trained."""

from edgefkp.export.schemes import SCHEMES, Scheme

FLOAT32 = SCHEMES.add(
    Scheme(
        "float32",
        "32-bit floats throughout",
        order=0,
        configure=lambda converter: None,
        recognizes=lambda kinds: kinds.floats_only and not kinds.holds("float16") and not kinds.unpacks_weights,
        on_micro=True,
    )
)
