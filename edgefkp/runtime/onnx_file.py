"""Read the inputs, outputs and operators out of an .onnx file. No package is needed for that, and nothing is run.

The file is a protocol buffer: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of its fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, printable
from edgefkp.runtime.graph import IDENTIFIER, ONNX, Graph, Operator, Tensor

SUFFIX = ONNX
_LARGEST = 1 << 31  # bytes of a protocol buffer
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_MODEL_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # of a graph
_OPERATOR = 4  # of a node: its name
_TENSOR_DTYPE, _TENSOR_NAME, _TENSOR_LOCATION = 2, 8, 14
_OUTSIDE = 1  # location of values that stand in another file
_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip


def is_onnx(path: Path | str) -> bool:
    return str(path).lower().endswith(SUFFIX)


def read_onnx(path: Path | str) -> Graph:
    """The graph as `runtime.graph.read_graph` has it, operators by name alone. An open batch counts as 1.

    Raises EdgefkpError for a file that is no ONNX or damaged, and for one whose weights stand in another file.
    """
    path = Path(path)
    content = _content(path)
    try:
        graphs = [value for number, value in _fields(content) if number == _MODEL_GRAPH]
        if len(graphs) != 1:
            raise ValueError(f"{len(graphs)} graphs")
        found = _graph(_nested(graphs[0]), path)
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        raise EdgefkpError(f"{path} is not a whole ONNX file", "export or copy it again") from error
    if not found.inputs or not found.outputs:
        raise EdgefkpError(f"{path} is not a whole ONNX file: it has no inputs or no outputs", "export it again")
    return found


def _content(path: Path) -> memoryview:
    try:
        if path.stat().st_size >= _LARGEST:
            raise EdgefkpError(f"{path} is larger than an ONNX file can be", "export or copy it again")
        content = path.read_bytes()
    except OSError as error:
        raise EdgefkpError(f"cannot read {path}: {error.strerror}", "give an .onnx file") from error
    if content[4:8] == IDENTIFIER:
        raise EdgefkpError(f"{path} is a .tflite file with another name", f"rename it: {path.stem}.tflite")
    return memoryview(content)


def _graph(content: memoryview, path: Path) -> Graph:
    operators, initializers = [], set()
    ports: dict[int, list[Tensor]] = {_INPUT: [], _OUTPUT: []}
    for number, value in _fields(content):
        if number == _NODE:
            name = next((_text(one) for field, one in _fields(_nested(value)) if field == _OPERATOR), "")
            operators.append(Operator(name, 0, (), ()))
        elif number == _INITIALIZER:
            held = dict(_fields(_nested(value)))
            if held.get(_TENSOR_LOCATION) == _OUTSIDE:
                raise EdgefkpError(
                    f"{path} has its weights in another file, which nothing here copies or checks",
                    "save them in one: torch.onnx.export(..., external_data=False), or onnx.save(onnx.load(FILE), NEW)",
                )
            initializers.add(_text(held.get(_TENSOR_NAME, b"")))
        elif number in ports:
            ports[number].append(_port(_nested(value)))
    # Old files list their weights among the inputs, too.
    inputs = tuple(one for one in ports[_INPUT] if one.name not in initializers)
    return Graph(tuple(operators), inputs, tuple(ports[_OUTPUT]), {}, 1)


def _port(content: memoryview) -> Tensor:
    """An input or output: {1: name, 2: type {1: tensor {1: dtype, 2: shape}}}."""
    held = dict(_fields(content))
    tensor = dict(_fields(_nested(dict(_fields(_nested(held[2])))[1]))) if 2 in held else {}
    sizes = [_size(_nested(one)) for field, one in _fields(_nested(tensor.get(2, memoryview(b"")))) if field == 1]
    shape = tuple(1 if size < 0 else size for size in sizes)
    dtype = _DTYPES.get(tensor.get(1, 0), f"type {tensor.get(1, 0)}")
    return Tensor(_text(held.get(1, b"")), shape, tuple(sizes), dtype, (), (), 0)


def _size(content: memoryview) -> int:
    """Of a dimension; -1 where it is open: a name, nothing, or a number below 1."""
    number = dict(_fields(content)).get(1, -1)
    return number if isinstance(number, int) and 0 < number < _LARGEST else -1


def _nested(value: Any) -> memoryview:
    if not isinstance(value, memoryview):
        raise TypeError("a number where a message was expected")
    return value


def _text(value: Any) -> str:
    return printable(bytes(value).decode("utf-8", "replace"))


def _fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """(number of the field, its value: an int, or the bytes of anything else) in their order."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value: Any
            value, at = _varint(content, at)
        elif wire in (_FIXED64, _FIXED32, _BYTES):
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, 0)
            if wire == _BYTES:
                size, at = _varint(content, at)
            value, at = content[at : at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > len(content) or not number:
            raise ValueError("a field that ends behind its message")
        yield number, value


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where it ends. Raises IndexError or ValueError for one that does not end."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number that does not end")
