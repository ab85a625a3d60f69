"""Kinds of operators in float where a network's gates need it, and nowhere else."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError
from edgefkp.export.bias_correction import float_outputs, outputs_of
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect
from edgefkp.export.islands import has_gates, may_have_gates
from edgefkp.export.keras_islands import with_islands
from edgefkp.export.layer_report import explain
from edgefkp.export.operator_kinds import OperatorKinds
from edgefkp.export.options import ExportOptions
from edgefkp.export.schemes import SCHEMES
from edgefkp.layout import ModelSpec
from edgefkp.networks.ours import BEST, NANO, SMALL, plain
from edgefkp.runtime.graph import graph_of, read_graph
from edgefkp.runtime.shipped import FOLDER

SAMPLES = [np.random.default_rng(0).random((48, 16, 16, 1), np.float32) ** 3]
GATED = ConversionSettings("int8", gates=True)


def gated(deep: bool) -> Any:
    """Two gates, of which the second silences the channel that the first lets through. deep: the others are a 64th of
    that channel between the two, in four of its 256 steps."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((16, 16, 1), name="pixels")
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="conv")(x)
    least = -4.143 if deep else 4.0  # sigmoid: 1/64
    for name, first, others in (("open", 4.0, least), ("close", -12.0 if deep else 4.0, 6.0)):
        gate = layers.Conv2D(
            8,
            1,
            activation="sigmoid",
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant([first, *[others] * 7]),
            name=f"{name}_gate",
        )
        x = layers.Multiply(name=name)([x, gate(layers.GlobalAveragePooling2D(keepdims=True)(x))])
    return keras.Model(inputs, layers.Dense(4, name="numbers")(layers.Flatten()(x)))


def error(model: Any, settings: ConversionSettings) -> float:
    """Of the outputs beyond their means, as a share of their spread."""
    truth = float_outputs(model, SAMPLES)
    moved = outputs_of(convert(model, settings, SAMPLES), SAMPLES) - truth
    return float((moved - moved.mean(0)).std() / truth.std(0).mean())


def test_products_stay_in_float_where_they_cost_much() -> None:
    model = gated(deep=True)
    settings = with_islands(model, GATED, SAMPLES)
    assert settings.keep_float[0] == "MUL"
    assert error(model, settings) < 0.5 * error(model, GATED)


def test_products_are_integers_where_that_costs_little() -> None:
    model = gated(deep=False)
    assert may_have_gates(model)
    assert with_islands(model, GATED, SAMPLES) == GATED


def test_networks_without_gates_are_not_tried() -> None:
    for options in (NANO, SMALL, BEST):
        assert not may_have_gates(plain(ModelSpec(), **options))  # type: ignore[arg-type]
    assert not has_gates(read_graph(FOLDER / "small-masked-online.float32.tflite"))


@pytest.mark.parametrize(
    ("named", "kinds"),
    [
        ("open", ["MUL"]),
        ("MUL", ["MUL", "MUL"]),
        ("open_gate", ["CONV_2D", "LOGISTIC"]),
        ("LOGISTIC", ["LOGISTIC"] * 2),
    ],
)
def test_any_layer_and_any_kind_of_operators_is_kept_in_float(named: str, kinds: list[str]) -> None:
    graph = graph_of(convert(gated(deep=True), ConversionSettings("int8", keep_float=(named,)), SAMPLES))
    each = zip(graph.operators, OperatorKinds(graph).each, strict=True)
    assert sorted(operator.name for operator, kind in each if kind == "float") == kinds


def test_a_name_of_neither_is_answered_with_those_there_are() -> None:
    with pytest.raises(EdgefkpError, match="no layer 'TANH' that int8 computes in this network, and no kind") as caught:
        convert(gated(deep=True), ConversionSettings("int8", keep_float=("TANH",)), SAMPLES)
    assert caught.value.hint.startswith("layers: conv, open_gate, close_gate, numbers, global_average_pooling2d")
    assert ", open, " in caught.value.hint
    assert caught.value.hint.endswith("kinds: CONV_2D, FULLY_CONNECTED, LOGISTIC, MEAN, MUL, RESHAPE")


def test_a_card_names_the_kinds_and_so_does_the_explanation(tmp_path: Path, source: Dataset) -> None:
    model = gated(deep=True)
    model.save(tmp_path / "gated.keras")
    np.save(tmp_path / "samples.npy", SAMPLES[0])
    options = ExportOptions(parity=False, calibration=tmp_path / "samples.npy")
    (path,) = export_network(tmp_path / "gated.keras", tmp_path, ["int8"], source, options)
    card = read_card(path)
    assert card is not None
    assert "MUL" in card.keep_float
    assert inspect(path).scheme == "int8"
    before = path.stat().st_mtime_ns
    export_network(tmp_path / "gated.keras", tmp_path, ["int8"], source, options)
    assert path.stat().st_mtime_ns == before
    found = explain(model, "gated", SAMPLES, GATED, 1.0, "output")
    gains = {layer.layer: layer.gain for layer in found.layers}
    assert max(gains, key=lambda name: gains[name]) == "MUL"
    kept = explain(model, "gated", SAMPLES, ConversionSettings("int8", keep_float=("MUL",)), 1.0, "output")
    assert kept.kept == ("MUL",)
    assert "MUL" not in [layer.layer for layer in kept.layers]
    assert kept.shift < 0.5 * found.shift


@pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")
@pytest.mark.parametrize("deep", [True, False])
def test_a_tflite_has_the_same_islands(tmp_path: Path, deep: bool) -> None:
    from edgefkp.export.quantize import quantize

    path = tmp_path / "gated.float32.tflite"
    path.write_bytes(convert(gated(deep), ConversionSettings("float32")))
    made = quantize(path, SCHEMES["int8"], SAMPLES)
    kinds = {one.outputs[0].name: one.name for one in read_graph(path).operators}
    assert ("MUL" in {kinds[name] for name in made.kept}) == deep
    assert "MUL" in {kinds[name] for name in quantize(path, SCHEMES["int8"], SAMPLES, ["MUL"]).kept}
