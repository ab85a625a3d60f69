"""What a runtime loads and computes wrongly, or cannot load although it has the operators: seen in the graph.

Operator versions do not show these: a converter may write an old version on an operator with new content. Each was seen
in the runtime itself; tests/runtime/test_defects.py has files of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.records import Registry
from edgefkp.runtime.graph import Graph, Operator, Tensor, read_graph
from edgefkp.runtime.onnx_file import is_onnx


@dataclass(frozen=True)
class Defect:
    """One thing that a runtime does wrongly."""

    # As inspections store it.
    name: str
    # Name and version of the runtime, as in the tables of operator versions.
    runtime: str
    # What it does, after the runtime's name.
    words: str
    # Whether this operator of a graph is such a case.
    occurs: Callable[[Operator], bool]


DEFECTS: Registry[Defect] = Registry("defect")


def _weights(operator: Operator) -> Tensor | None:
    """Of a dense layer or a convolution."""
    weights = operator.inputs[1] if len(operator.inputs) > 1 else None
    return weights if weights is not None and weights.constant else None


def _hybrid(operator: Operator, name: str) -> Tensor | None:
    """The integer weights of an operator of that name whose activations are floats."""
    weights, takes = _weights(operator), operator.inputs[0] if operator.inputs else None
    floats = operator.name == name and takes is not None and takes.dtype == "float32"
    return weights if floats and weights is not None and weights.quantized else None


def _scale_for_each_output(operator: Operator) -> bool:
    weights = _hybrid(operator, "FULLY_CONNECTED")
    return weights is not None and len(weights.scales) > 1


def _convolution_of_4_bits(operator: Operator) -> bool:
    weights = _hybrid(operator, "CONV_2D")
    return weights is not None and weights.dtype == "int4"


def _unpacks(operator: Operator) -> bool:
    return operator.name == "DEQUANTIZE" and operator.inputs[0] is not None and operator.inputs[0].dtype == "int4"


def _holds_2_bits(operator: Operator) -> bool:
    return any(tensor is not None and tensor.dtype in ("int2", "type 19") for tensor in operator.inputs)


def _widens(operator: Operator) -> bool:
    takes = operator.inputs[0] if operator.name == "QUANTIZE" and operator.inputs else None
    eight = takes is not None and takes.dtype in ("int8", "uint8")
    return eight and any(tensor.dtype == "int16" for tensor in operator.outputs)


_OLD = "tflite-runtime-2.14"
# With one scale for all outputs, as `--target any` has it, these layers are right.
DEFECTS.add(
    Defect(
        "hybrid dense per channel",
        _OLD,
        "computes FULLY_CONNECTED on floats wrongly where its integer weights have a scale for each output",
        _scale_for_each_output,
    )
)
DEFECTS.add(
    Defect(
        "hybrid int4 convolution", _OLD, "computes CONV_2D on floats with int4 weights wrongly", _convolution_of_4_bits
    )
)
DEFECTS.add(Defect("int4 dequantize", _OLD, "cannot turn int4 weights into floats (DEQUANTIZE)", _unpacks))
DEFECTS.add(Defect("8 to 16 bits", _OLD, "cannot turn 8-bit integers into 16-bit ones (QUANTIZE)", _widens))
DEFECTS.add(Defect("int2", _OLD, "does not know int2 weights", _holds_2_bits))


def defects_of(graph: Graph) -> tuple[str, ...]:
    """The names of the defects that occur in the graph."""
    return tuple(one.name for one in DEFECTS.values() if any(map(one.occurs, graph.operators)))


def complaints(names: Iterable[str], runtime: str) -> list[str]:
    """What of these the runtime (name-version) does wrongly, in words; a name that is unknown here says nothing."""
    known = [DEFECTS[name] for name in names if name in DEFECTS]
    return [defect.words for defect in known if runtime == defect.runtime or runtime.startswith(f"{defect.runtime}.")]


def require_right(path: Path, runtime: str, version: str) -> None:
    """Raise EdgefkpError for a file that this runtime would compute wrongly without a word.

    A board that has no package to read graphs with can only try.
    """
    if is_onnx(path) or not any(f"{runtime}-{version}.".startswith(f"{one.runtime}.") for one in DEFECTS.values()):
        return
    try:
        graph = read_graph(path)
    except EnvironmentProblem:
        return
    if found := complaints(defects_of(graph), f"{runtime}-{version}"):
        raise EdgefkpError(
            f"{path.name}: {runtime} {version} {found[0]}",
            "run it with --runtime litert; or export the network again: edgefkp export --target any",
        )
