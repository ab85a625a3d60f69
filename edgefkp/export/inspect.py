"""What a .tflite file is, read back from its graph: a file name is only a claim.

Importable without TensorFlow and without running the file.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import sha256_file
from edgefkp.layout import COUNT, HALF
from edgefkp.runtime.graph import Graph, Operator, Tensor, read_graph

SCHEMA = "edgefkp.inspection/1"

_INTEGERS = ("int8", "uint8", "int16", "int4")
_BOUNDARIES = ("QUANTIZE", "DEQUANTIZE")
_COMPUTING = ("integer", "float", "hybrid")
_STATIC = ("int8", "int8io", "int16x8")  # schemes in which every operator is meant to compute with integers
_INSTEAD = {"mixed": "integer only in part"}


@dataclass(frozen=True)
class Port:
    """An input or output of the file.

    step: of a quantised port, or of the integers behind a float output, in pixels of the 96x96 image for an output
    of 30 numbers and in the tensor's own unit otherwise; range: what those integers can say, likewise.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None
    step: float | None
    range: tuple[float, float] | None


@dataclass(frozen=True)
class OperatorCount:
    """How often an operator occurs, in one version, and its kind: "integer", "float", "hybrid", "boundary", "index".

    hybrid: float in and out, integer weights (dynamic). boundary: turns one kind of number into the other.
    index: arithmetic on shapes and positions.
    """

    name: str
    version: int
    kind: str
    count: int


@dataclass(frozen=True)
class Inspection:
    """scheme: what the graph shows: one of naming.SCHEMES, or "mixed" where integer and float operators take turns.

    integer_share: of the operators that compute (integer, float and hybrid). float_islands: runs of float operators, as
    the names of their outputs, in a file that also has integer ones. free_batch: the file leaves the batch size open.
    """

    schema: str
    file: str
    sha256: str
    bytes: int
    scheme: str
    u8: bool
    integer_share: float
    float_islands: tuple[tuple[str, ...], ...]
    operators: tuple[OperatorCount, ...]
    min_runtime_version: str | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    free_batch: bool
    custom_operators: tuple[str, ...]
    per_channel_dense: bool


def inspect(path: Path | str) -> Inspection:
    """Read a .tflite file back. Raises EdgefkpError for a file that is none or damaged."""
    path = Path(path)
    graph = read_graph(path)
    kinds = [kind_of(operator) for operator in graph.operators]
    computing = [kind for kind in kinds if kind in _COMPUTING]
    counts = Counter((op.name, op.version, kind) for op, kind in zip(graph.operators, kinds, strict=True))
    return Inspection(
        schema=SCHEMA,
        file=path.name,
        sha256=sha256_file(path),
        bytes=path.stat().st_size,
        scheme=scheme_of(graph),
        u8=any(tensor.dtype == "uint8" for tensor in graph.inputs),
        integer_share=computing.count("integer") / max(1, len(computing)),
        float_islands=_islands(graph, kinds),
        operators=tuple(OperatorCount(*key, count) for key, count in counts.items()),
        min_runtime_version=graph.min_runtime_version,
        inputs=tuple(_port(graph, tensor, is_output=False) for tensor in graph.inputs),
        outputs=tuple(_port(graph, tensor, is_output=True) for tensor in graph.outputs),
        free_batch=any(-1 in tensor.signature for tensor in graph.inputs),
        custom_operators=tuple(sorted({op.name[7:] for op in graph.operators if op.name.startswith("CUSTOM ")})),
        per_channel_dense=any(
            op.name == "FULLY_CONNECTED" and len(op.inputs) > 1 and op.inputs[1] and len(op.inputs[1].scales) > 1
            for op in graph.operators
        ),
    )


def verify_scheme(path: Path | str) -> None:
    """Raise EdgefkpError where the file's name claims a scheme that its graph does not show.

    A file whose name claims nothing passes. Float layers that its card says were kept on purpose are allowed.
    """
    path = Path(path)
    claimed = parse_tflite(path)
    if not claimed.scheme:
        return
    graph = read_graph(path)
    found = scheme_of(graph)
    if found == "mixed" and claimed.scheme in _STATIC and (card := read_card(path)) and card.keep_float:
        found = claimed.scheme
    if found != claimed.scheme:
        raise EdgefkpError(
            f"{path.name} is not {claimed.scheme}: its graph is {_INSTEAD.get(found, found)} ({_evidence(graph)})",
            "export it again, or give it the name of what it is; edgefkp inspect shows the graph",
        )
    u8 = any(tensor.dtype == "uint8" for tensor in graph.inputs)
    if u8 != claimed.u8:
        raise EdgefkpError(
            f"{path.name} takes {graph.inputs[0].dtype if graph.inputs else 'nothing'}, and its name says "
            f"{'uint8 pixels (.u8)' if claimed.u8 else 'no .u8'}",
            "export it again, or give it the name of what it is",
        )


def kind_of(operator: Operator) -> str:
    """One of the kinds of OperatorCount."""
    if operator.name in _BOUNDARIES or (operator.name == "CAST" and _is_number_change(operator)):
        return "boundary"
    if operator.name == "SHAPE":
        return "index"
    computed = [t for t in (*operator.inputs, *operator.outputs) if t is not None and not t.constant]
    if any(tensor.dtype in _INTEGERS and tensor.quantized for tensor in computed):
        return "integer"
    if any(t is not None and t.constant and t.dtype in _INTEGERS and t.quantized for t in operator.inputs):
        return "hybrid"
    return "float" if any(tensor.dtype.startswith("float") for tensor in computed) else "index"


def scheme_of(graph: Graph) -> str:
    """The scheme that the operators show, whatever the file is called."""
    kinds = [kind_of(operator) for operator in graph.operators]
    if "integer" not in kinds:
        if "hybrid" in kinds:
            return "dynamic"
        halves = any(t is not None and t.constant and t.dtype == "float16" for op in graph.operators for t in op.inputs)
        return "float16" if halves else "float32"
    if "float" in kinds or "hybrid" in kinds:
        return "mixed"
    if any(tensor.dtype == "int16" for op in graph.operators for tensor in op.outputs):
        return "int16x8"
    return "int8io" if all(tensor.dtype in ("int8", "uint8") for tensor in graph.outputs) else "int8"


def _is_number_change(operator: Operator) -> bool:
    first = operator.inputs[0] if operator.inputs else None
    return first is not None and (first.dtype == "float32") != (operator.outputs[0].dtype == "float32")


def _islands(graph: Graph, kinds: list[str]) -> tuple[tuple[str, ...], ...]:
    if "integer" not in kinds:
        return ()
    islands: list[list[str]] = []
    previous = ""
    for operator, kind in zip(graph.operators, kinds, strict=True):
        if kind in ("float", "hybrid"):
            if previous not in ("float", "hybrid"):
                islands.append([])
            islands[-1].append(f"{operator.name} {operator.outputs[0].name if operator.outputs else ''}".strip())
        previous = kind
    return tuple(tuple(island) for island in islands)


def _port(graph: Graph, tensor: Tensor, is_output: bool) -> Port:
    quantised = tensor if tensor.quantized else (behind(graph, tensor) if is_output else None)
    scale = tensor.scales[0] if tensor.quantized else None
    zero = tensor.zero_points[0] if tensor.quantized else None
    step, limits = None, None
    if quantised is not None and (bounds := integer_bounds(quantised)):
        unit = HALF if is_output and _numbers(tensor) == 2 * COUNT else 1.0
        offset = HALF - 0.5 if unit == HALF else 0.0
        step = quantised.scales[0] * unit
        low, high = ((bound - quantised.zero_points[0]) * step + offset for bound in bounds)
        limits = (low, high)
    return Port(tensor.name, tensor.shape, tensor.dtype, scale, zero, step, limits)


def behind(graph: Graph, output: Tensor) -> Tensor | None:
    """The integers from which a float output is made, where a DEQUANTIZE makes it."""
    for operator in graph.operators:
        if operator.name == "DEQUANTIZE" and output in operator.outputs:
            return operator.inputs[0]
    return None


def integer_bounds(tensor: Tensor) -> tuple[int, int] | None:
    """The smallest and largest integer of a quantised tensor's type."""
    return {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}.get(tensor.dtype)


def _numbers(tensor: Tensor) -> int:
    total = 1
    for side in tensor.shape:
        total *= side
    return total


def _evidence(graph: Graph) -> str:
    kinds = Counter(kind_of(operator) for operator in graph.operators)
    found = [(kind, kinds[kind]) for kind in _COMPUTING if kinds[kind]]
    return ", ".join(f"{count} {kind} operator{'s' if count > 1 else ''}" for kind, count in found) or "no operator"
