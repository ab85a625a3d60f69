"""A soft argmax of full int8 computes in 16 bits, where the target can."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.export.wide_head import soft_argmax
from edgefkp.runtime.graph import Graph, Operator, Tensor, graph_of, read_graph
from edgefkp.runtime.shipped import FOLDER
from tests.altered_files import FIXTURES

needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
SAMPLES = np.random.default_rng(0).random((48, 32, 32, 1), np.float32)


@pytest.fixture(scope="module")
def network() -> Any:
    """Maps of 8x8 cells, as far from flat as those of trained networks."""
    pytest.importorskip("tensorflow")
    import keras

    from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
    from edgefkp.networks.ours import plain

    keras.utils.set_random_seed(0)
    spec = ModelSpec(KAGGLE15, InputSpec(side=32))
    network = plain(spec, (8, 12), (2, 2), head="argmax")
    maps = network.get_layer("maps")
    spread = float(np.std(keras.Model(network.input, maps.output)(SAMPLES)))
    maps.set_weights([maps.get_weights()[0] * 2 / spread, maps.get_weights()[1]])
    return network


def converted(network: Any, **settings: Any) -> bytes:
    from edgefkp.export.convert import ConversionSettings, convert

    return convert(network, ConversionSettings(**settings), (SAMPLES,))


@pytest.fixture(scope="module")
def wide(network: Any) -> bytes:
    return converted(network, scheme="int8io", head="int16x8")


def answers(content: bytes, folder: Path) -> np.ndarray:
    from edgefkp.runtime import interpreters

    path = folder / "one.tflite"
    path.write_bytes(content)
    model = interpreters.load(path, "tensorflow", xnnpack=False)
    found = []
    for one in SAMPLES:
        scale, zero = model.inputs[0]["quantization"]
        given = np.clip(np.rint(one[None] / scale) + zero, -128, 127).astype(np.int8) if scale else one[None]
        model.set(given)
        model.invoke()
        scale, zero = model.outputs[0]["quantization"]
        output = model.get()[0].astype(np.float64)
        found.append((output - zero) * scale if scale else output)
    return np.array(found)


@needs_tensorflow
def test_places_are_nearer_to_the_networks_than_in_8_bits(network: Any, wide: bytes, tmp_path: Path) -> None:
    truth = np.asarray(network(SAMPLES))
    far = np.abs(answers(converted(network, scheme="int8io"), tmp_path) - truth).mean()
    assert np.abs(answers(wide, tmp_path) - truth).mean() < far / 2


@needs_tensorflow
def test_only_the_soft_argmax_is_in_16_bits_and_the_ends_are_not(wide: bytes, tmp_path: Path) -> None:
    from edgefkp.export.inspect import inspect

    graph = graph_of(wide)
    kinds = [(operator.name, operator.outputs[0].dtype) for operator in graph.operators]
    start = kinds.index(("CAST", "int16"))
    assert {dtype for _, dtype in kinds[:start]} == {"int8"}
    assert kinds[start + 1][0] == "SOFTMAX"
    assert {dtype for _, dtype in kinds[start:-1]} == {"int16"}
    assert kinds[-1] == ("QUANTIZE", "int8")
    assert {tensor.dtype for tensor in (*graph.inputs, *graph.outputs)} == {"int8"}
    path = tmp_path / "x.int8io.tflite"
    path.write_bytes(wide)
    assert inspect(path).scheme == "int8io"


@needs_tensorflow
def test_with_float_ends_it_is_the_same_but_for_the_last_rounding(network: Any, wide: bytes, tmp_path: Path) -> None:
    floats = converted(network, scheme="int8", head="int16x8")
    assert [one.name for one in graph_of(floats).operators][-1] == "DEQUANTIZE"
    step = graph_of(wide).outputs[0].scales[0]
    assert np.abs(answers(floats, tmp_path) - answers(wide, tmp_path)).max() < 0.6 * step


@needs_tensorflow
def test_the_file_has_nothing_that_is_left_over(wide: bytes) -> None:
    from edgefkp.export.flatbuffer import name_of, unpacked

    graph = unpacked(wide).subgraphs[0]
    used = {int(number) for one in graph.operators for number in (*one.inputs, *one.outputs)}
    assert used - {-1} == set(range(len(graph.tensors)))
    assert len({name_of(tensor) for tensor in graph.tensors}) == len(graph.tensors)


@needs_tensorflow
def test_a_network_without_one_is_what_it_was() -> None:
    import keras
    from keras import layers

    from edgefkp.export.convert import ConversionSettings
    from edgefkp.export.wide_head import may_have_soft_argmax, widened

    content = (FIXTURES / "tiny.int8io.tflite").read_bytes()
    assert widened(content, lambda: pytest.fail("it was made")) is content
    inputs = keras.Input((4,))
    assert not may_have_soft_argmax(keras.Model(inputs, layers.Dense(3, activation="softmax")(inputs)))
    assert may_have_soft_argmax(keras.Model(inputs, layers.Dense(2)(layers.Softmax()(inputs))))
    assert "head" not in ConversionSettings("int8io").identity


@needs_tensorflow
def test_another_graph_of_the_other_converter_leaves_the_file_as_it_is(network: Any) -> None:
    from edgefkp.export.wide_head import widened

    narrow = converted(network, scheme="int8io")
    other = (FIXTURES / "tiny.int8io.tflite").read_bytes()
    assert [one.outputs[0].dtype for one in graph_of(widened(narrow, lambda: other)).operators] == [
        one.outputs[0].dtype for one in graph_of(narrow).operators
    ]


def test_a_softmax_counts_that_is_summed_up() -> None:
    graph = read_graph(FOLDER / "small-masked-online.float32.tflite")
    found = soft_argmax(graph)
    names = [operator.name for operator in graph.operators if operator.outputs[0].name in found]
    # Two layers take the places: that of the points, and one of the deviations.
    assert names == ["SOFTMAX", "FULLY_CONNECTED", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED"]
    assert soft_argmax(read_graph(FIXTURES / "tiny.float32.tflite")) == []
    start = [operator.name for operator in graph.operators].index("SOFTMAX")
    assert soft_argmax(replace(graph, operators=graph.operators[: start + 1])) == []


def test_what_stands_between_two_sums_of_another_kind_is_left_alone() -> None:
    def tensor(name: str) -> Tensor:
        return Tensor(name, (1, 4), (1, 4), "float32", (), (), 0)

    def operator(kind: str, takes: str, makes: str) -> Operator:
        return Operator(kind, 1, (tensor(takes),), (tensor(makes),))

    steps = [("SOFTMAX", "a", "b"), ("SUM", "b", "c"), ("CONV_2D", "c", "d"), ("SUM", "d", "e"), ("SOFTMAX", "e", "f")]
    assert soft_argmax(Graph(tuple(operator(*step) for step in steps), (), (), {}, 1)) == ["b", "c"]


@needs_tensorflow
def test_a_target_has_what_leads_into_it(network: Any, source: Any, tmp_path: Path) -> None:
    from edgefkp.export.job import ExportJob
    from edgefkp.export.options import ExportOptions, ExportProgress
    from edgefkp.export.targets import TARGETS

    path = tmp_path / "argmax.keras"
    network.save(path)
    names = ("any", "tflite-runtime-2.14", "litert-2", "micro", "ethos-u55-128")
    options = [ExportOptions(target=TARGETS[name]) for name in names]
    settings = [ExportJob(path, source, one, ExportProgress()).settings("int8io") for one in options]
    assert {one.head for one in settings} == {"int16x8"}
    assert [one.widen for one in settings] == ["CAST"] * 4 + ["QUANTIZE"]
    assert ExportJob(path, source, options[0], ExportProgress()).settings("int8").head == ""


@needs_tensorflow
def test_old_runtimes_load_what_is_for_them_alone(network: Any, wide: bytes, tmp_path: Path) -> None:
    from edgefkp.export.inspect import inspect
    from edgefkp.export.targets import refusals

    path = tmp_path / "argmax.int8io.tflite"
    path.write_bytes(wide)
    assert refusals(inspect(path)) == {"litert-2": (), "tflite-runtime-2.14": ()}
    path.write_bytes(converted(network, scheme="int8io", head="int16x8", widen="QUANTIZE"))
    reasons = refusals(inspect(path))
    assert reasons["litert-2"] == ()
    assert "cannot turn 8-bit integers into 16-bit ones" in reasons["tflite-runtime-2.14"][0]


@needs_tensorflow
@pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela is not installed")
def test_an_npu_computes_all_of_it(network: Any, tmp_path: Path) -> None:
    from edgefkp.export.npu import estimate
    from edgefkp.export.targets import TARGETS

    path = tmp_path / "argmax.int8io.tflite"
    path.write_bytes(converted(network, scheme="int8io", head="int16x8", widen="QUANTIZE"))
    for target in ("ethos-u55-128", "ethos-u85-256"):
        npu = TARGETS[target].npu
        assert npu is not None
        assert estimate(path, npu).whole
