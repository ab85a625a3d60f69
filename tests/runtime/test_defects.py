"""What a runtime computes wrongly: known from the graph, and refused before anything is run."""

from pathlib import Path

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.runtime import defects, graph, interpreters, safety
from edgefkp.runtime.graph import Graph, Operator, Tensor, read_graph
from tests.altered_files import FIXTURES, hybrid_of_version_1, with_outside_buffers

HERE = {info.name for info in interpreters.installed()}
OLD = "tflite-runtime-2.14"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def hybrid(tmp_path: Path) -> Path:
    path = tmp_path / "x.tflite"
    path.write_bytes(hybrid_of_version_1())
    return path


def operator(name: str, takes: str, weights: str, scales: int) -> Operator:
    one = Tensor("x", (1, 8), (1, 8), takes, (), (), 0)
    held = Tensor("w", (4, 8), (4, 8), weights, (0.1,) * scales, (0,) * scales, 32)
    return Operator(name, 1, (one, held), (one,))


def port(dtype: str) -> Tensor:
    return Tensor(dtype, (1, 8), (1, 8), dtype, (), (), 0)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (operator("FULLY_CONNECTED", "float32", "int8", 4), ("hybrid dense per channel",)),
        (operator("FULLY_CONNECTED", "float32", "int4", 4), ("hybrid dense per channel",)),
        (operator("FULLY_CONNECTED", "float32", "int8", 1), ()),
        (operator("FULLY_CONNECTED", "int8", "int8", 4), ()),
        (operator("FULLY_CONNECTED", "float32", "float32", 0), ()),
        (operator("CONV_2D", "float32", "int8", 4), ()),
        (operator("CONV_2D", "float32", "int4", 4), ("hybrid int4 convolution",)),
        (operator("CONV_2D", "float32", "int2", 4), ("int2",)),
        (Operator("DEQUANTIZE", 1, operator("", "", "int4", 4).inputs[1:], ()), ("int4 dequantize",)),
        (Operator("DEQUANTIZE", 1, operator("", "", "int8", 4).inputs[1:], ()), ()),
        (Operator("QUANTIZE", 2, (port("int8"),), (port("int16"),)), ("8 to 16 bits",)),
        (Operator("QUANTIZE", 2, (port("int16"),), (port("int8"),)), ()),
        (Operator("QUANTIZE", 1, (port("float32"),), (port("int16"),)), ()),
        (Operator("ADD", 1, (), ()), ()),
    ],
)
def test_the_graph_shows_what_is_computed_wrongly(one: Operator, found: tuple[str, ...]) -> None:
    assert defects.defects_of(Graph((one,), (), (), {}, 1)) == found
    assert len(defects.complaints(found, OLD)) == len(found)
    assert defects.complaints(found, "tflite-runtime-2.14.0") == defects.complaints(found, OLD)
    assert defects.complaints(found, "tflite-runtime-2.15") == defects.complaints(found, "litert-2.3.0") == []


def test_a_file_that_a_runtime_computes_wrongly_is_not_run_in_it(hybrid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safety.check(hybrid, "litert")
    monkeypatch.setattr(
        interpreters,
        "choose",
        lambda name, suffix="": interpreters.RuntimeInfo("tflite-runtime", "2.14.0"),
        raising=True,
    )
    monkeypatch.setattr(safety, "try_in_child", lambda *_: pytest.fail("it was run"))
    with pytest.raises(
        EdgefkpError, match=r"tflite-runtime 2\.14\.0 computes FULLY_CONNECTED on floats wrongly"
    ) as caught:
        safety.check(hybrid, "tflite-runtime")
    assert "--runtime litert" in caught.value.hint


def test_a_board_that_reads_no_graphs_goes_on(hybrid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise EnvironmentProblem("no package")

    monkeypatch.setattr(graph, "_schema", missing)
    defects.require_right(hybrid, "tflite-runtime", "2.14.0")


@pytest.mark.skipif("tflite-runtime" not in HERE, reason="tflite-runtime is not installed")
def test_the_runtime_itself_computes_it_wrongly(hybrid: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96), np.uint8)
    right = safety.run_in_child(FIXTURES / "tiny.dynamic.tflite", images, "litert").keypoints
    assert np.abs(safety.run_in_child(hybrid, images, "litert").keypoints - right).max() < 0.1
    assert np.abs(safety.run_in_child(hybrid, images, "tflite-runtime").keypoints - right).max() > 1


def test_weights_behind_the_flatbuffer_are_constants(tmp_path: Path) -> None:
    source = FIXTURES / "tiny.dynamic.tflite"
    path = tmp_path / "outside.tflite"
    path.write_bytes(with_outside_buffers(source))
    assert path.stat().st_size > source.stat().st_size / 2
    assert read_graph(path).operators == read_graph(source).operators
    images = np.zeros((1, 96, 96), np.uint8)
    found, expected = (safety.run_in_child(one, images, "litert").outputs for one in (path, source))
    assert (found == expected).all()
