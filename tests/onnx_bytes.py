"""Write small .onnx files by hand: a protocol buffer needs no package."""

from collections.abc import Sequence

import numpy as np

FLOAT = 1
STEP = 16  # of the pixels that the network looks at
SIZE = (96 // STEP) ** 2


def _varint(number: int) -> bytes:
    content = b""
    while number > 0x7F:
        content, number = content + bytes([number & 0x7F | 0x80]), number >> 7
    return content + bytes([number])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _port(number: int, name: str, sizes: Sequence[int | str]) -> bytes:
    """sizes: a word stands for an open one."""
    shape = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in sizes)
    return field(number, field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape))))


def _tensor(name: str, array: np.ndarray, outside: bool = False) -> bytes:
    dims = b"".join(field(1, size) for size in array.shape)
    dtype = FLOAT if array.dtype == np.float32 else 7
    values = field(14, 1) if outside else field(9, array.tobytes())
    return field(5, dims + field(2, dtype) + field(8, name) + values)


def _node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind))


def onnx_bytes(
    takes: Sequence[int | str] = (1, 1, 96, 96), gives: int = 30, classes: int = 0, outside: bool = False
) -> bytes:
    """A dense layer on every sixteenth pixel of each row and column.

    Its outputs: "points" and, with `classes`, "classes" before them.
    """
    random = np.random.default_rng(0)
    weights = (random.normal(size=(SIZE, gives)) / SIZE).astype(np.float32)
    begin, end, steps = (np.array([value] * 2, np.int64) for value in (0, 96, STEP))
    axes = np.array([2, 3], np.int64)
    nodes = [
        _node("Slice", ["face", "begin", "end", "axes", "steps"], "small"),
        _node("Flatten", ["small"], "flat"),
        _node("MatMul", ["flat", "weights"], "points"),
    ]
    constants = [("begin", begin), ("end", end), ("axes", axes), ("steps", steps)]
    graph = b"".join(nodes) + field(2, "net") + b"".join(_tensor(name, array) for name, array in constants)
    graph += _tensor("weights", weights, outside)
    if classes:
        graph += _node("MatMul", ["flat", "more"], "classes") + _tensor("more", weights[:, :classes].copy())
    graph += _port(11, "face", takes)
    if classes:
        graph += _port(12, "classes", [takes[0], classes])
    graph += _port(12, "points", [takes[0], gives])
    return field(1, 8) + field(2, "tests") + field(7, graph) + field(8, field(1, "") + field(2, 13))
