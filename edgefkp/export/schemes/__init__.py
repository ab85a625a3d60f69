"""Schemes: how a .tflite file stores numbers and computes with them. One file of this folder adds one.

Importable with the standard library alone: boards and --help read it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefkp.records import Registry

if TYPE_CHECKING:
    from edgefkp.export.operator_kinds import OperatorKinds

FLOAT, INTEGER, MICRO = "float32", "int8", "int8io"  # what commands take by default, the last for microcontrollers
DEFAULT_SCHEMES = (FLOAT, INTEGER)
CAST, QUANTIZE = "CAST", "QUANTIZE"  # what leads from 8 into 16 bits: runtimes have the first, NPUs the second
_U8, _SUFFIX = ".u8", ".tflite"


@dataclass(frozen=True)
class Scheme:
    """One way to store a network's numbers."""

    # As in --quant and in the names of files.
    name: str
    # For help and tables.
    description: str
    # Place in tables and help. Where several schemes recognize a graph, the one with the highest order has it.
    order: int
    # Set up a tf.lite.TFLiteConverter; calibration samples and uint8 inputs are set up for every scheme alike.
    configure: Callable[[Any], None]
    # Whether a file's operators are those of this scheme.
    recognizes: "Callable[[OperatorKinds], bool]"
    # The weights are integers.
    integer: bool = False
    # Every operator computes with integers, whose ranges are found by calibration samples.
    static: bool = False
    # Of the activations of a static scheme.
    activation_bits: int = 8
    # The file takes and returns integers.
    integer_ends: bool = False
    # uint8 pixels go in by the input's own quantization; else a cast and a division in the graph take them.
    takes_bytes: bool = False
    # Weights have half precision.
    half: bool = False
    # Files return the same integers on every processor.
    exact: bool = False
    # The name of the scheme in whose integers a soft argmax computes; "": in the scheme's own, or in float.
    head: str = ""
    # Layers may keep computing in float on purpose.
    keeps_float: bool = False
    # The mean error of the outputs is taken back in the last bias.
    corrects_bias: bool = False
    # The scheme with float ends and the same integers, in which that error is measured; "" for the scheme itself.
    measured_as: str = ""
    # TensorFlow Lite Micro has the operators.
    on_micro: bool = False
    # Dense layers take one scale instead of one per output if the target needs that.
    per_tensor_dense: bool = False


SCHEMES: Registry[Scheme] = Registry("scheme", __name__, order=lambda scheme: scheme.order)


def schemes_of(words: Sequence[str]) -> tuple[str, ...]:
    """The names of schemes that --quant lists; "all" is every one, nothing the default ones.

    Raises UsageError for an unknown name.
    """
    named = [scheme for word in words for scheme in (SCHEMES.names() if word == "all" else (SCHEMES[word].name,))]
    return tuple(dict.fromkeys(named)) or DEFAULT_SCHEMES


def schemes_with(trait: str) -> tuple[str, ...]:
    """The names of the schemes in which the flag `trait` of `Scheme` is set."""
    return tuple(scheme.name for scheme in SCHEMES.values() if getattr(scheme, trait))


@dataclass(frozen=True)
class TfliteName:
    """`<model>.<scheme>[.u8].tflite`."""

    # Of the trained model.
    model: str
    # The name of a registered scheme; "" for a file that does not follow the grammar.
    scheme: str
    # The file takes pixels as bytes.
    u8: bool

    @property
    def filename(self) -> str:
        return f"{self.model}.{self.scheme}{_U8 if self.u8 else ''}{_SUFFIX}"


def parse_tflite(path: Path | str) -> TfliteName:
    """The parts of a file's name, which need not be true."""
    stem = Path(path).name.removesuffix(_SUFFIX)
    model, _, scheme = stem.removesuffix(_U8).rpartition(".")
    if model and scheme in SCHEMES and Path(path).name.endswith(_SUFFIX):
        return TfliteName(model, scheme, stem.endswith(_U8))
    return TfliteName(stem, "", False)
