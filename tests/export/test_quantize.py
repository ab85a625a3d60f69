"""Quantization of a .tflite without TensorFlow."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.export import quantize
from edgefkp.export.exporter import explain_apart, export_network, find_networks
from edgefkp.export.flatbuffer import packed, unpacked
from edgefkp.export.inspect import inspect
from edgefkp.export.options import ExportOptions
from edgefkp.export.parity import parity_of
from edgefkp.export.quantizer_input import readable
from edgefkp.export.schemes import INTEGER, SCHEMES
from edgefkp.export.targets import TARGETS
from edgefkp.runtime.contract import Stated
from edgefkp.runtime.graph import graph_of, read_graph
from edgefkp.runtime.shipped import FOLDER
from tests.altered_files import FIXTURES

TINY = FIXTURES / "tiny.float32.tflite"
SMALL = FOLDER / "small-masked-online.float32.tflite"
needs_quantizer = pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


def test_a_soft_argmax_is_an_island_up_to_the_points() -> None:
    graph = read_graph(SMALL)
    kept = quantize.kept_in_float(graph)
    names = [operator.name for operator in graph.operators if operator.outputs[0].name in kept]
    assert names == ["SOFTMAX", "FULLY_CONNECTED", "RESHAPE", "FULLY_CONNECTED"]
    assert graph.operators[-1].outputs[0].name in kept
    assert quantize.kept_in_float(read_graph(TINY)) == []


def test_what_is_asked_for_is_added_to_the_islands() -> None:
    graph = read_graph(SMALL)
    first = graph.operators[0].outputs[0].name
    assert quantize.kept_in_float(graph, [first]) == [first, *quantize.kept_in_float(graph)]
    with pytest.raises(EdgefkpError, match="no operator with the output 'nothing'") as caught:
        quantize.kept_in_float(graph, ["nothing"])
    assert first in caught.value.hint


def test_the_last_bias_is_found_only_where_it_is_added_to_the_outputs() -> None:
    assert quantize.output_biases(read_graph(TINY)) == []  # a dense layer without a bias
    graph = read_graph(SMALL)
    assert len(quantize.output_biases(graph)) == len(graph.outputs) == 2
    last = replace(graph.operators[-1], activation=1)
    assert quantize.output_biases(replace(graph, operators=(*graph.operators[:-1], last))) == []
    assert quantize.output_biases(replace(graph, outputs=graph.outputs * 2)) == []


def test_a_bias_is_changed_in_place() -> None:
    names = quantize.output_biases(read_graph(SMALL))
    missing = np.arange(15 + 30, dtype=np.float32)  # of the deviations and of the points
    content = SMALL.read_bytes()
    changed = quantize._with_biases(content, names, missing)
    assert len(changed) == len(content)
    samples = [np.random.default_rng(0).random((2, 96, 96, 1), np.float32)]
    assert np.allclose(
        quantize.outputs_of(changed, samples) - quantize.outputs_of(content, samples), missing, atol=1e-5
    )


def test_a_missing_quantizer_is_a_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as caught:
        quantize.require_quantizer()
    assert caught.value.hint == "pip install 'edgefkp[quantize]'"


def test_a_tflite_file_is_a_network_to_export(tmp_path: Path) -> None:
    assert find_networks([str(TINY)], tmp_path) == [TINY]
    with pytest.raises(EdgefkpError, match="is neither a") as caught:
        find_networks([str(tmp_path)], tmp_path)
    assert f"edgefkp import {tmp_path}" in caught.value.hint


@needs_quantizer
@pytest.mark.parametrize("scheme", [scheme.name for scheme in SCHEMES.values() if scheme.integer])
def test_every_integer_scheme_comes_out_as_what_it_is(tmp_path: Path, source: Dataset, scheme: str) -> None:
    (path,) = export_network(TINY, tmp_path, [scheme], source)
    assert inspect(path).scheme == scheme
    card = read_card(path)
    assert card is not None
    assert (card.parent, card.scheme, card.target) == (TINY.name, scheme, "any")
    assert set(card.runs_on or ()) == {"litert-2", "tflite-runtime-2.14"}
    measured = parity_of(card)
    assert measured is not None
    assert measured.shift.p95 < 1.0


@needs_quantizer
def test_ours_is_not_worse_than_the_quantizers_defaults(tmp_path: Path, source: Dataset) -> None:
    from litert_quantizer import quantizer, recipe  # type: ignore[import-not-found]

    from edgefkp.export.calibration import of_faces
    from edgefkp.export.parity import network_spec

    samples = of_faces(source, network_spec(SMALL).input).samples[0]
    asked = quantizer.Quantizer(str(SMALL), recipe.static_wi8_ai8())
    ranges = asked.calibrate({"serving_default": [{"pixels": one[None]} for one in samples]})
    theirs = bytes(asked.quantize(ranges).quantized_model)
    made = quantize.quantize(SMALL, SCHEMES["int8"], [samples])
    ours = made.content
    assert made.missing is not None
    assert made.kept == tuple(quantize.kept_in_float(read_graph(SMALL)))
    truth = quantize.outputs_of(SMALL.read_bytes(), [samples])
    (tmp_path / "theirs.tflite").write_bytes(theirs)
    port = inspect(tmp_path / "theirs.tflite").outputs[0]
    assert port.scale is not None
    integers = quantize.outputs_of(theirs, [_in_integers(samples, inspect(tmp_path / "theirs.tflite").inputs[0])])
    far = np.abs((integers - (port.zero_point or 0)) * port.scale - truth).mean()
    assert np.abs(quantize.outputs_of(ours, [samples]) - truth).mean() < far / 2


def as_old_converters_write(content: bytes) -> bytes:
    """The same file with an operator's kind in the field of one byte alone, and no list of signatures."""
    model = unpacked(content)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    model.signatureDefs = None
    return packed(model, 2 * len(content))


@pytest.mark.parametrize("scheme", ["int8", "dynamic"])
@needs_quantizer
def test_a_float16_file_of_an_old_converter_is_quantized(tmp_path: Path, source: Dataset, scheme: str) -> None:
    # MediaPipe's files are such ones: every operator was taken for an ADD, and no runtime loaded what came of it.
    old = tmp_path / "old.float16.tflite"
    old.write_bytes(as_old_converters_write((FIXTURES / "tiny.float16.tflite").read_bytes()))
    samples = source.train.images[:16, ..., None].astype(np.float32) / 255
    made = quantize.quantize(old, SCHEMES[scheme], [samples] if scheme == "int8" else [])
    layers = [one for one in graph_of(made.content).operators if one.name in ("CONV_2D", "FULLY_CONNECTED")]
    weights = [one.inputs[1] for one in layers if one.inputs[1].dtype == "int8"]  # type: ignore[union-attr]
    assert len(weights) == (len(layers) if scheme == "int8" else 1)
    assert all(one is not None and not any(one.zero_points) for one in weights)
    truth = quantize.outputs_of((FIXTURES / "tiny.float32.tflite").read_bytes(), [samples])
    assert np.abs(quantize.outputs_of(made.content, [samples]) - truth).mean() < 0.01


def test_a_file_that_the_quantizer_reads_as_it_is_stays_as_it_is() -> None:
    for name in ("float32", "float16"):
        content = (FIXTURES / f"tiny.{name}.tflite").read_bytes()
        assert (readable(content) == content) == (name == "float32")
        twin = graph_of(readable(content))
        assert [one.name for one in twin.operators] == [one.name for one in read_graph(TINY).operators]


@needs_quantizer
def test_each_channel_has_its_scale_and_each_output_its_name(source: Dataset) -> None:
    samples = source.train.images[:4, ..., None].astype(np.float32) / 255
    graph = graph_of(quantize.quantize(TINY, SCHEMES["int8"], [samples]).content)
    for operator in graph.operators:
        if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
            weights = operator.inputs[1]
            assert weights is not None
            assert len(weights.scales) == weights.shape[0] > 1
    assert [one.name for one in graph.outputs] == [one.name for one in read_graph(TINY).outputs]


@needs_quantizer
def test_full_int8_has_a_soft_argmax_of_16_bits(source: Dataset) -> None:
    from edgefkp.export.calibration import of_faces
    from edgefkp.export.parity import network_spec

    samples = of_faces(source, network_spec(SMALL).input).samples[0]
    truth = quantize.outputs_of(SMALL.read_bytes(), [samples])
    for widen in ("CAST", "QUANTIZE"):
        content = quantize.quantize(SMALL, SCHEMES["int8io"], [samples], widen=widen).content
        graph = graph_of(content)
        wide = [one.name for one in graph.operators if one.outputs[0].dtype == "int16"]
        assert wide == [widen, "SOFTMAX", "FULLY_CONNECTED", "RESHAPE"]
        given, returned = graph.inputs[0], graph.outputs[0]
        integers = np.clip(np.rint(samples / given.scales[0]) + given.zero_points[0], -128, 127).astype(np.int8)
        found = (quantize.outputs_of(content, [integers]) - returned.zero_points[0]) * returned.scales[0]
        assert np.abs(found - truth).mean() < returned.scales[0]  # 0.37 px; in 8 bits two thirds more


def _in_integers(samples: np.ndarray, port: object) -> np.ndarray:
    scale, zero = port.scale, port.zero_point  # type: ignore[attr-defined]
    return np.clip(np.rint(samples / scale) + zero, -128, 127).astype(np.int8)


@needs_quantizer
def test_a_current_file_is_left_and_one_from_another_network_is_not_replaced(tmp_path: Path, source: Dataset) -> None:
    (path,) = export_network(TINY, tmp_path, ["dynamic"], source)
    before = path.stat().st_mtime_ns
    assert export_network(TINY, tmp_path, ["dynamic"], source) == [path]
    assert path.stat().st_mtime_ns == before
    other = tmp_path / "elsewhere" / "tiny.float16.tflite"
    other.parent.mkdir()
    other.write_bytes((FIXTURES / "tiny.float16.tflite").read_bytes())
    with pytest.raises(EdgefkpError, match=r"was made from tiny\.float32\.tflite"):
        export_network(other, tmp_path, ["dynamic"], source)


@needs_quantizer
def test_a_target_with_one_runtime_gets_a_scale_for_each_output(tmp_path: Path, source: Dataset) -> None:
    (path,) = export_network(
        TINY, tmp_path, ["dynamic"], source, ExportOptions(target=TARGETS["litert-2"], parity=False)
    )
    assert inspect(path).per_channel_dense
    assert inspect(path).defects


@needs_quantizer
def test_what_is_no_file_of_floats_or_no_integer_scheme_is_refused(tmp_path: Path, source: Dataset) -> None:
    with pytest.raises(EdgefkpError, match="is int8; only a file of floats"):
        export_network(FIXTURES / "tiny.int8.tflite", tmp_path, ["int8"], source)
    with pytest.raises(UsageError, match="not to float16"):
        export_network(TINY, tmp_path, ["float16"], source)
    with pytest.raises(UsageError, match="--u8 needs the network itself"):
        export_network(TINY, tmp_path, ["int8"], source, ExportOptions(u8=True))


@needs_quantizer
def test_what_is_stated_is_in_the_card_and_decides_the_file(tmp_path: Path, source: Dataset) -> None:
    (path,) = export_network(TINY, tmp_path, [INTEGER], source, ExportOptions(parity=False))
    before = path.read_bytes()
    options = ExportOptions(parity=False, stated=Stated("0..255", form="pixels"))
    (path,) = export_network(TINY, tmp_path, [INTEGER], source, options)
    card = read_card(path)
    assert card is not None
    assert (card.input.scaling, card.output.form) == ("0..255", "pixels")
    assert card.contract == {"input": "--input-range", "output": "--output-units"}
    assert path.read_bytes() != before  # its ranges are those of 0..255
    classifier = FIXTURES / "classifier.tflite"
    with pytest.raises(UsageError, match="is no keypoint network that is known"):
        export_network(classifier, tmp_path, [INTEGER], source, options)


@needs_quantizer
def test_layers_of_a_tflite_are_explained_by_the_names_that_keep_float_takes(source: Dataset) -> None:
    found = explain_apart(TINY, source, ExportOptions())
    graph = read_graph(TINY)
    assert found.layers
    names = [layer.layer for layer in found.layers]
    assert set(quantize.kept_in_float(graph, names)) == {layer.tensor for layer in found.layers}
    assert [layer.gain for layer in found.layers] == sorted((layer.gain for layer in found.layers), reverse=True)
    kept = explain_apart(TINY, source, ExportOptions(keep_float=(names[0],)))
    assert names[0] in kept.kept
    assert names[0] not in [layer.layer for layer in kept.layers]
    assert kept.shift < found.shift
