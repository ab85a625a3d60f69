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
