"""Read the graph out of a .tflite file: operators with their versions, tensors with their quantization.

The reader classes are generated from the format's schema. LiteRT ships them; where it has no wheel (32-bit Arm), the
package `tflite` does, and TensorFlow has them too. All three have the same accessors. Nothing is run.
"""

import functools
import importlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem, printable

ONNX = ".onnx"  # files of another form: edgefkp.runtime.onnx_file
IDENTIFIER = b"TFL3"  # bytes 4-8 of every .tflite file (a flatbuffer's file identifier)
_SCHEMAS = ("ai_edge_litert.schema_py_generated", "tflite", "tensorflow.lite.python.schema_py_generated")
_WITH_ACTIVATION = {"FULLY_CONNECTED": "FullyConnectedOptions", "CONV_2D": "Conv2DOptions"}
_MANY = 1_000_000  # operators or tensors; a count beyond it comes from damaged bytes


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]  # the shape with -1 where a size is free
    dtype: str  # "float32", "int8", ...
    scales: tuple[float, ...]  # empty for a tensor that is not quantized; more than one: per channel
    zero_points: tuple[int, ...]  # as many as scales
    bytes: int  # of the values that the file holds for it, 0 for what is computed (or an empty constant)

    @property
    def constant(self) -> bool:
        return self.bytes > 0

    @property
    def quantized(self) -> bool:
        return bool(self.scales)


@dataclass(frozen=True)
class Operator:
    name: str
    version: int
    inputs: tuple[Tensor | None, ...]  # tensors of the same subgraph; None: an optional one that is left out
    outputs: tuple[Tensor, ...]
    activation: int = 0  # of a dense layer or convolution: number of what is fused into it, 0 without an activation


@dataclass(frozen=True)
class Graph:
    operators: tuple[Operator, ...]  # in the order in which they run, the main subgraph's first
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: dict[str, bytes]  # by name
    subgraphs: int  # how many there are

    @property
    def min_runtime_version(self) -> str | None:
        """What the converter wrote down as the oldest runtime that runs the file."""
        return _text(self.metadata.get("min_runtime_version", b"").rstrip(b"\0")).strip() or None


def require_tflite(path: Path) -> None:
    """Raise EdgefkpError unless `path` is a file with a .tflite's identifier."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(8)
    except IsADirectoryError:
        raise EdgefkpError(f"{path} is a folder; a .tflite file was expected") from None
    except OSError as error:
        raise EdgefkpError(f"cannot read {path}: {error.strerror}", "give a .tflite file") from error
    if head[4:] != IDENTIFIER:
        found = "is empty" if not head else "is not a .tflite file (its bytes 4-8 are not TFL3)"
        onnx = "this needs a .tflite; edgefkp bench, evaluate, predict and import take .onnx files as they are"
        raise EdgefkpError(f"{path} {found}", onnx if path.suffix.lower() == ONNX else "export or copy it again")


def read_graph(path: Path | str) -> Graph:
    """Raises EdgefkpError for a file that is no .tflite or damaged, EnvironmentProblem without a reader."""
    path = Path(path)
    require_tflite(path)
    try:
        return graph_of(path.read_bytes())
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise EdgefkpError(f"{path} is damaged: its graph cannot be read", "export or copy it again") from error


def graph_of(content: bytes) -> Graph:
    """As `read_graph`, of bytes that a converter just made: damaged ones raise errors of many kinds."""
    schema = _schema()
    return _graph(schema, schema.Model.GetRootAs(content, 0))


@functools.cache
def _schema() -> Any:
    for name in _SCHEMAS:
        try:
            return importlib.import_module(name)
        except (ImportError, OSError):  # LiteRT loads its shared library when it is imported
            continue
    raise EnvironmentProblem("no package that reads .tflite files is installed", "pip install tflite")


def _graph(schema: Any, model: Any) -> Graph:
    codes = [model.OperatorCodes(i) for i in range(_count(model.OperatorCodesLength()))]
    named = [(_operator_name(schema, code), code.Version()) for code in codes]
    operators: list[Operator] = []
    main: tuple[tuple[Tensor, ...], tuple[Tensor, ...]] = ((), ())
    for number in range(_count(model.SubgraphsLength())):
        subgraph = model.Subgraphs(number)
        tensors = [_tensor(schema, model, subgraph.Tensors(i)) for i in range(_count(subgraph.TensorsLength()))]
        operators += _operators(schema, subgraph, tensors, named)
        if number == 0:
            main = (
                tuple(tensors[i] for i in _integers(subgraph.InputsAsNumpy())),
                tuple(tensors[i] for i in _integers(subgraph.OutputsAsNumpy())),
            )
    return Graph(tuple(operators), *main, metadata=_metadata(model), subgraphs=model.SubgraphsLength())


def _operators(schema: Any, subgraph: Any, tensors: list[Tensor], named: list[tuple[str, int]]) -> Iterator[Operator]:
    for number in range(_count(subgraph.OperatorsLength())):
        operator = subgraph.Operators(number)
        inputs = tuple(tensors[i] if i >= 0 else None for i in _integers(operator.InputsAsNumpy()))
        outputs = tuple(tensors[i] for i in _integers(operator.OutputsAsNumpy()))
        name, version = named[operator.OpcodeIndex()]
        yield Operator(name, version, inputs, outputs, _activation(schema, operator, name))


def _activation(schema: Any, operator: Any, name: str) -> int:
    kind = _WITH_ACTIVATION.get(name, "")
    table = operator.BuiltinOptions() if kind else None
    if table is None or operator.BuiltinOptionsType() != getattr(schema.BuiltinOptions, kind):
        return 0
    options = getattr(schema, kind)()
    options.Init(table.Bytes, table.Pos)
    return int(options.FusedActivationFunction())


def buffer_of(content: bytearray, name: str) -> np.ndarray:
    """(bytes,) uint8: the values of the constant called `name` in the main graph, a view that writes into `content`."""
    model = _schema().Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    tensors = (subgraph.Tensors(number) for number in range(subgraph.TensorsLength()))
    buffer = model.Buffers(next(one.Buffer() for one in tensors if _text(one.Name() or b"") == name))
    if buffer.DataLength():
        values: np.ndarray = buffer.DataAsNumpy()
        return values
    return np.frombuffer(content, np.uint8)[buffer.Offset() : buffer.Offset() + buffer.Size()]


def _operator_name(schema: Any, code: Any) -> str:
    # Codes beyond 127 stand in a second field; files of old converters have only the first.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM {_text(code.CustomCode() or b'?')}"
    return _names(schema, "BuiltinOperator").get(number, f"BUILTIN {number}")


@functools.cache
def _names(schema: Any, enum: str) -> dict[int, str]:
    return {value: name for name, value in vars(getattr(schema, enum)).items() if isinstance(value, int)}


def _tensor(schema: Any, model: Any, tensor: Any) -> Tensor:
    shape = _integers(tensor.ShapeAsNumpy())
    quantization = tensor.Quantization()
    scales = _values(quantization.ScaleAsNumpy()) if quantization else ()
    zero_points = _integers(quantization.ZeroPointAsNumpy()) or (0,) * len(scales) if len(scales) else ()
    if len(zero_points) != len(scales):
        raise ValueError(f"{len(scales)} scales and {len(zero_points)} zero points")
    return Tensor(
        name=_text(tensor.Name() or b""),
        shape=shape,
        signature=_integers(tensor.ShapeSignatureAsNumpy()) or shape,
        dtype=_names(schema, "TensorType").get(tensor.Type(), f"type {tensor.Type()}").lower(),
        scales=tuple(float(scale) for scale in scales),
        zero_points=zero_points,
        bytes=_bytes(model.Buffers(tensor.Buffer())) if model.BuffersLength() else 0,
    )


def _bytes(buffer: Any) -> int:
    """Of a buffer's values. Large ones may stand behind the flatbuffer, which old readers do not know."""
    outside = buffer.Size() if hasattr(buffer, "Size") and buffer.Offset() > 1 else 0
    return int(buffer.DataLength() or outside)


def _metadata(model: Any) -> dict[str, bytes]:
    found = {}
    for number in range(_count(model.MetadataLength())):
        entry = model.Metadata(number)
        found[_text(entry.Name() or b"")] = bytes(_values(model.Buffers(entry.Buffer()).DataAsNumpy()))
    return found


def _text(content: bytes) -> str:
    return printable(content.decode("utf-8", "replace"))


def _count(length: int) -> int:
    if length > _MANY:
        raise ValueError("a count that no file has")
    return length


def _values(vector: Any) -> Any:
    """A vector that is not in the file reads as the number 0."""
    return vector if isinstance(vector, np.ndarray) else ()


def _integers(vector: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in _values(vector))


def integers_of(graph: Graph, output: Tensor) -> Tensor | None:
    """The output itself if it is quantized, else the integers that a DEQUANTIZE makes it from."""
    if output.quantized:
        return output
    for operator in graph.operators:
        if operator.name == "DEQUANTIZE" and output in operator.outputs:
            return operator.inputs[0]
    return None
