"""With what kind of numbers each operator of a .tflite graph computes."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from edgefkp.runtime.graph import Graph, Operator

INTEGERS = ("int8", "uint8", "int16", "int4", "int2")
_FEW_BITS = ("int4", "int2")
COMPUTING = ("integer", "float", "hybrid")
_BOUNDARIES = ("QUANTIZE", "DEQUANTIZE")


def kind_of(operator: Operator) -> str:
    """The operator's kind of arithmetic.

    "integer", "float"; "hybrid": float activations, integer weights; "boundary": turns one kind of number into another;
    "index": arithmetic on shapes and positions.
    """
    if operator.name in _BOUNDARIES or (operator.name == "CAST" and _changes_numbers(operator)):
        return "boundary"
    if operator.name == "SHAPE":
        return "index"
    computed = [t for t in (*operator.inputs, *operator.outputs) if t is not None and not t.constant]
    if any(tensor.dtype in INTEGERS and tensor.quantized for tensor in computed):
        return "integer"
    if any(t is not None and t.constant and t.dtype in INTEGERS and t.quantized for t in operator.inputs):
        return "hybrid"
    return "float" if any(tensor.dtype.startswith("float") for tensor in computed) else "index"


def _changes_numbers(operator: Operator) -> bool:
    first = operator.inputs[0] if operator.inputs else None
    return first is not None and (first.dtype == "float32") != (operator.outputs[0].dtype == "float32")


@dataclass(frozen=True)
class OperatorKinds:
    """What a scheme is recognized by."""

    graph: Graph

    @cached_property
    def each(self) -> tuple[str, ...]:
        """The kind of each operator, in the order in which they run."""
        return tuple(kind_of(operator) for operator in self.graph.operators)

    def count(self, kind: str) -> int:
        return self.each.count(kind)

    @property
    def integer_share(self) -> float:
        """Of the operators that compute."""
        return self.count("integer") / max(1, sum(self.count(kind) for kind in COMPUTING))

    @property
    def floats_only(self) -> bool:
        return not self.count("integer") and not self.count("hybrid")

    def computes_in(self, *dtypes: str) -> bool:
        """Whether most operators compute with integers, and most of those return one of these types."""
        returned = Counter(
            operator.outputs[0].dtype
            for operator, kind in zip(self.graph.operators, self.each, strict=True)
            if kind == "integer" and operator.outputs
        )
        return self.integer_share > 0.5 and 2 * sum(returned[dtype] for dtype in dtypes) > returned.total()

    @property
    def integer_ends(self) -> bool:
        return all(tensor.dtype in ("int8", "uint8") for tensor in self.graph.outputs)

    def holds(self, dtype: str) -> bool:
        """Whether an operator has constants of this type."""
        return any(
            tensor is not None and tensor.constant and tensor.dtype == dtype
            for operator in self.graph.operators
            for tensor in operator.inputs
        )

    @property
    def few_bits(self) -> str:
        """The type of weights of fewer than 8 bits; "" if there are none."""
        return next((dtype for dtype in _FEW_BITS if self.holds(dtype)), "")

    @property
    def unpacks_weights(self) -> bool:
        """Whether float operators take weights that are stored as integers."""
        return self.floats_only and any(
            tensor is not None and tensor.constant and tensor.dtype in INTEGERS and tensor.quantized
            for operator in self.graph.operators
            if operator.name == "DEQUANTIZE"
            for tensor in operator.inputs
        )

    @cached_property
    def float_islands(self) -> tuple[tuple[str, ...], ...]:
        """Runs of float operators among integer ones: name and output of each; none in a file without integers."""
        if not self.count("integer"):
            return ()
        islands: list[list[str]] = []
        previous = ""
        for operator, kind in zip(self.graph.operators, self.each, strict=True):
            if kind in ("float", "hybrid"):
                if previous not in ("float", "hybrid"):
                    islands.append([])
                islands[-1].append(f"{operator.name} {operator.outputs[0].name if operator.outputs else ''}".strip())
            previous = kind
        return tuple(tuple(island) for island in islands)

    def __str__(self) -> str:
        found = [(kind, self.count(kind)) for kind in COMPUTING if self.count(kind)]
        parts = [f"{count} {kind} operator{'s' if count > 1 else ''}" for kind, count in found]
        return ", ".join(parts) or "no operator"
