"""What a .tflite file is, read back from its graph: a file name is only a claim.

The one answer to which scheme a file has. Importable without TensorFlow (on a board too), and nothing is run.
"""

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from edgefkp.card import Card
from edgefkp.errors import EdgefkpError
from edgefkp.export.operator_kinds import OperatorKinds
from edgefkp.export.schemes import SCHEMES, parse_tflite
from edgefkp.files import sha256_file
from edgefkp.layout import ModelSpec
from edgefkp.records import read_record
from edgefkp.runtime.defects import defects_of
from edgefkp.runtime.graph import Graph, Tensor, integers_of, read_graph
from edgefkp.runtime.metadata import CARD, FileMetadata, described

SCHEMA = "edgefkp.inspection/1"
MIXED = "mixed"  # integer and float operators take turns, the integer ones not in the majority
WEIGHTS_ONLY = "weights-only"  # float arithmetic on weights that are stored as integers
_INSTEAD = {MIXED: "integer only in part", WEIGHTS_ONLY: "float arithmetic on integer weights"}
# Fields of an Inspection that a card has itself.
_CARD_HAS = ("schema", "file", "sha256", "bytes", "known_by", "description", "points")


@dataclass(frozen=True)
class Port:
    """An input or output of the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    # Of a quantized tensor: value = scale * (integer - zero_point).
    scale: float | None
    zero_point: int | None
    # Of the tensor's integers, or of those behind a float output: pixels of the network's image for an output of
    # points, the tensor's own unit otherwise.
    step: float | None
    # The smallest and largest value that those integers represent, in the unit of `step`.
    range: tuple[float, float] | None
    # Places in `shape` whose sizes the file leaves open; it holds a 1 there.
    open: tuple[int, ...] = ()


@dataclass(frozen=True)
class OperatorCount:
    name: str
    version: int
    # As operator_kinds.kind_of names it.
    kind: str
    # How often it occurs.
    count: int


@dataclass(frozen=True)
class Inspection:
    schema: str
    file: str
    sha256: str
    bytes: int
    # What the graph shows: a name of SCHEMES, else MIXED, WEIGHTS_ONLY, or int4 or int2 by its weights. Cards of
    # earlier versions say "mixed" of every integer file in which a layer computes in float.
    scheme: str
    # It takes pixels as bytes.
    u8: bool
    # Share of integer operators among those that compute.
    integer_share: float
    # Runs of float operators in a file that also has integer ones: name and output of each.
    float_islands: tuple[tuple[str, ...], ...]
    operators: tuple[OperatorCount, ...]
    # The oldest runtime that runs the file, as the converter wrote it down.
    min_runtime_version: str | None
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    # The file leaves the batch size open.
    free_batch: bool
    custom_operators: tuple[str, ...]
    # A dense layer has one scale for each output.
    per_channel_dense: bool
    # Steps and ranges of the outputs are in pixels: it is a keypoint network.
    pixels: bool = False
    # What `description` comes from: "metadata" in the file, the "card" beside it, or "" where neither describes it.
    known_by: str = ""
    # Layout, input, output, scheme and the layers that stay float on purpose, as stated; None if they are not known.
    description: FileMetadata | None = None
    # How many the layout has.
    points: int | None = None
    # Names of what occurs in the graph and a runtime does wrongly (runtime/defects.py).
    defects: tuple[str, ...] = ()

    @property
    def points_port(self) -> Port:
        """The output of points: the first one, or that of its name."""
        name = self.description.output.points if self.description else ""
        return next((port for port in self.outputs if port.name == name), self.outputs[0])


def inspect(path: Path | str) -> Inspection:
    """Read a .tflite file back. Raises EdgefkpError for another or a damaged file."""
    path = Path(path)
    graph = read_graph(path)
    kinds = OperatorKinds(graph)
    stated, known_by = described(path)
    spec = points_of(graph, stated.spec if stated else ModelSpec())
    # The card of a network that is no keypoint network names the default layout.
    description = None if known_by == CARD and spec is None else stated
    counts = Counter((op.name, op.version, kind) for op, kind in zip(graph.operators, kinds.each, strict=True))
    return Inspection(
        schema=SCHEMA,
        file=path.name,
        sha256=sha256_file(path),
        bytes=path.stat().st_size,
        scheme=_scheme(stated, kinds),
        u8=_takes_bytes(graph),
        integer_share=kinds.integer_share,
        float_islands=kinds.float_islands,
        operators=tuple(OperatorCount(*key, count) for key, count in counts.items()),
        min_runtime_version=graph.min_runtime_version,
        inputs=tuple(_port(tensor, tensor if tensor.quantized else None) for tensor in graph.inputs),
        outputs=tuple(
            _port(
                tensor,
                integers_of(graph, tensor),
                spec if spec and tensor is points_output(graph, spec) else None,
            )
            for tensor in graph.outputs
        ),
        free_batch=any(tensor.signature[:1] == (-1,) for tensor in graph.inputs),
        custom_operators=tuple(sorted({op.name[7:] for op in graph.operators if op.name.startswith("CUSTOM ")})),
        per_channel_dense=any(
            op.name == "FULLY_CONNECTED" and len(op.inputs) > 1 and op.inputs[1] and len(op.inputs[1].scales) > 1
            for op in graph.operators
        ),
        pixels=spec is not None,
        known_by=known_by if description else "",
        description=description,
        points=description.layout.count if description else None,
        defects=defects_of(graph),
    )


def entry_of(inspection: Inspection) -> dict[str, object]:
    """What the card holds of it."""
    return {name: value for name, value in vars(inspection).items() if name not in _CARD_HAS}


def inspection_of(card: Card) -> Inspection | None:
    """As the card holds it. Raises EdgefkpError for an entry that is not whole."""
    if card.inspection is None:
        return None
    own = {"schema": SCHEMA, "file": card.file, "sha256": card.sha256, "bytes": card.bytes}
    return read_record(Inspection, {**own, **card.inspection}, f"the inspection in the card of {card.file}")


def _scheme(stated: FileMetadata | None, kinds: OperatorKinds) -> str:
    """The scheme that the file's operators show, whatever it is called; another word for none of SCHEMES.

    An integer scheme is recognized by the majority of the operators that compute.
    """
    found = [scheme.name for scheme in SCHEMES.values() if scheme.recognizes(kinds)]
    if len(found) == 1:
        return found[0]
    if stated and (
        stated.scheme in found or (stated.keep_float and kinds.count("integer") and stated.scheme in SCHEMES)
    ):
        return stated.scheme
    if not found and (kinds.few_bits or kinds.unpacks_weights):
        return kinds.few_bits or WEIGHTS_ONLY
    return found[-1] if found else MIXED


def verify_scheme(path: Path | str) -> str:
    """The scheme that the file's operators show.

    Raises EdgefkpError for a damaged file, and if the file's name claims another scheme, or another type of pixels. A
    file whose name claims nothing passes.
    """
    path = Path(path)
    claimed, graph = parse_tflite(path), read_graph(path)
    kinds = OperatorKinds(graph)
    found = _scheme(described(path)[0], kinds)
    if not claimed.scheme:
        return found
    if found != claimed.scheme:
        right = path.name.replace(f".{claimed.scheme}.", f".{found}.")
        raise EdgefkpError(
            f"{path.name} is not {claimed.scheme}: its graph is {_INSTEAD.get(found, found)} ({kinds})",
            (f"rename it to {right}, or export it again" if found in SCHEMES else "export it again")
            + "; edgefkp inspect shows the graph",
        )
    if _takes_bytes(graph) != claimed.u8:
        raise EdgefkpError(
            f"{path.name} takes {graph.inputs[0].dtype if graph.inputs else 'nothing'}, and its name claims "
            f"{'uint8 pixels (.u8)' if claimed.u8 else 'no .u8'}",
            "export it again, or give it the name of what it is",
        )
    return found


def _takes_bytes(graph: Graph) -> bool:
    return any(tensor.dtype == "uint8" for tensor in graph.inputs)


def points_of(graph: Graph, spec: ModelSpec) -> ModelSpec | None:
    """`spec` if the graph's one input and its output of points are those of such a network."""
    if len(graph.inputs) != 1 or (output := points_output(graph, spec)) is None:
        return None
    return spec if spec.fits(graph.inputs[0].shape[1:], prod(output.shape)) else None


def points_output(graph: Graph, spec: ModelSpec) -> Tensor | None:
    """The only output; of several, the one that the file's description names."""
    if len(graph.outputs) == 1:
        return graph.outputs[0]
    return next((tensor for tensor in graph.outputs if spec.output.points and tensor.name == spec.output.points), None)


def _port(tensor: Tensor, integers: Tensor | None, spec: ModelSpec | None = None) -> Port:
    scale = tensor.scales[0] if tensor.quantized else None
    zero = tensor.zero_points[0] if tensor.quantized else None
    step, limits = None, None
    if integers is not None and (bounds := integer_bounds(integers)):
        unit, offset = (spec.unit, spec.zero) if spec else (1.0, 0.0)
        step = integers.scales[0] * unit
        low, high = ((bound - integers.zero_points[0]) * step + offset for bound in bounds)
        limits = (low, high)
    free = tuple(place for place, size in enumerate(tensor.signature) if size < 0)
    return Port(tensor.name, tensor.shape, tensor.dtype, scale, zero, step, limits, free)


def integer_bounds(tensor: Tensor) -> tuple[int, int] | None:
    """The smallest and largest integer of a quantized tensor's type."""
    return {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}.get(tensor.dtype)
