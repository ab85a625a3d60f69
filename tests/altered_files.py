"""Files of tests/fixtures with something altered that loads, and should not be believed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def altered(path: Path, change: Callable[[Any], None]) -> bytes:
    """The file with what `change` does to its graph, as the schema's objects have it."""
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def without_outputs() -> bytes:
    def change(model: Any) -> None:
        model.subgraphs[0].outputs = []

    return altered(FIXTURES / "tiny.float32.tflite", change)


def nan_on_images() -> bytes:
    """Zeros give its biases, and every image overflows its first layer's weights."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        first = graph.tensors[graph.operators[0].inputs[1]]
        weights = np.full(np.prod(first.shape), 3e38, np.float32)
        model.buffers[first.buffer].data = np.frombuffer(weights.tobytes(), np.uint8)

    return altered(FIXTURES / "tiny.float32.tflite", change)


def hybrid_of_version_1() -> bytes:
    """A dynamic file whose dense layer has a scale for each output and an old version: some quantizers write such."""

    def change(model: Any) -> None:
        for code in model.operatorCodes:
            code.version = 1

    return altered(FIXTURES / "tiny.dynamic.tflite", change)


def with_outside_buffers(path: Path) -> bytes:
    """The same file with its large buffers behind the flatbuffer, as LiteRT's quantizer writes them."""
    kept: dict[int, Any] = {}
    places: dict[int, int] = {}

    def change(model: Any) -> None:
        for number, buffer in enumerate(model.buffers):
            if buffer.data is not None and len(buffer.data) > 1024:
                kept[number] = buffer.data
                buffer.offset, buffer.size, buffer.data = places.get(number, 2), len(buffer.data), None

    end = len(altered(path, change))  # offsets of any size take the same room
    for number, data in kept.items():
        places[number] = end = -(-end // 16) * 16
        end += len(data)
    content = altered(path, change)
    for number, data in kept.items():
        content = content.ljust(places[number], b"\0") + np.asarray(data, np.uint8).tobytes()
    return content
