"""Stand-ins for networks of many points: the shapes of others' files, and weights that return one face for all."""

from typing import Any

import numpy as np
import pytest

PIECE = 64  # pixels whose mean is taken before the dense layers


def mesh_bytes(side: int, places: np.ndarray) -> bytes:
    """A .tflite of (1, side, side, 3) floats: "points" (1, 1, 1, 3 K) with (K, 2) pixels `places`, and "score" before
    it."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors, graph.operators = 3, [schema.BufferT()], [], []

    def tensor(name: str, shape: tuple[int, ...], values: np.ndarray | None = None) -> int:
        one = schema.TensorT()
        one.name, one.shape, one.type = name, list(shape), 0 if values is None or values.dtype.kind == "f" else 2
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            one.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(one)
        return len(graph.tensors) - 1

    builtin = schema.BuiltinOperator
    kinds = [builtin.AVERAGE_POOL_2D, builtin.FULLY_CONNECTED, builtin.RESHAPE]
    model.operatorCodes = [_code(schema, kind) for kind in kinds]

    def operator(kind: int, takes: list[int], gives: int, options: Any = None) -> None:
        one = schema.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = kinds.index(kind), takes, [gives]
        if options is not None:
            one.builtinOptions = options
            one.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        graph.operators.append(one)

    pool = schema.Pool2DOptionsT()
    pool.padding, pool.strideW, pool.strideH, pool.filterWidth, pool.filterHeight = 1, *[PIECE] * 4
    pieces = side // PIECE
    face, small = tensor("face", (1, side, side, 3)), tensor("small", (1, pieces, pieces, 3))
    operator(builtin.AVERAGE_POOL_2D, [face], small, pool)
    numbers = np.concatenate([places, np.zeros((len(places), 1))], 1).astype(np.float32).reshape(-1)
    outputs = []
    for name, bias in (("score", np.zeros(1, np.float32)), ("points", numbers)):
        size = pieces * pieces * 3
        weights = tensor(f"{name}_weights", (len(bias), size), np.zeros((len(bias), size), np.float32))
        dense = tensor(f"{name}_flat", (1, len(bias)))
        constant = tensor(f"{name}_bias", (len(bias),), bias)
        operator(builtin.FULLY_CONNECTED, [small, weights, constant], dense, schema.FullyConnectedOptionsT())
        shape = np.array([1, 1, 1, len(bias)], np.int32)
        outputs.append(tensor(name, tuple(shape.tolist())))
        operator(builtin.RESHAPE, [dense, tensor(f"{name}_shape", (4,), shape)], outputs[-1])
    graph.inputs, graph.outputs = [face], outputs
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(schema: Any, kind: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 1
    return code
