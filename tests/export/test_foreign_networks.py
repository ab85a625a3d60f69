"""Networks of strangers, each of which once became a wrong or a dead file, or none."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.bias_correction import float_outputs
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect
from edgefkp.export.job import ExportJob
from edgefkp.export.network_inputs import in_float32, with_shapes
from edgefkp.export.options import ExportOptions, ExportProgress
from edgefkp.layout import ModelSpec
from edgefkp.networks.ours import plain
from edgefkp.runtime import interpreters
from edgefkp.runtime.contract import Stated
from edgefkp.runtime.metadata import spec_of
from edgefkp.training.least_squares import Examples, Layer, solve

PLAIN = ExportOptions(parity=False)


@pytest.fixture(scope="module")
def trained(source: Dataset) -> Any:
    """A small network that finds the points of drawn faces: its last layer fits them by least squares."""
    keras.utils.set_random_seed(0)
    spec, faces = ModelSpec(), source.train
    model = plain(spec, (8, 16), (4, 4))
    head = model.layers[-1]
    features = keras.Model(model.input, head.input)(spec.input.to_network(faces.images)).numpy().astype(np.float64)
    rows = np.arange(len(faces))
    examples = Examples(features, spec.encode(faces.keypoints).astype(np.float64), np.ones(len(rows)), rows, len(rows))
    learned = solve(examples, Layer(np.zeros(head.kernel.shape), np.zeros(spec.numbers)), 0.1)
    head.set_weights([learned.kernel, learned.bias])
    return model


def conv(tensor: Any) -> Any:
    return layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, strides=4, activation="relu")(tensor))


def saved(path: Path, inputs: Any, outputs: Any) -> Path:
    keras.Model(inputs, outputs).save(path)
    return path


def answers(path: Path, fed: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the file returns for (N, *shape) arrays by the names of its inputs, as floats."""
    model = interpreters.load(path, "tensorflow", xnnpack=False)  # see float_outputs
    found = []
    for number in range(len(next(iter(fed.values())))):
        for which, detail in enumerate(model.inputs):
            value = next(array for name, array in fed.items() if name in detail["name"])[number : number + 1]
            dtype, (scale, zero) = np.dtype(detail["dtype"]), detail["quantization"]
            if dtype.kind != "f" and scale:
                limits = np.iinfo(dtype)
                value = np.clip(np.rint(value / scale) + zero, limits.min, limits.max)
            model.set(value.astype(dtype), which)
        model.invoke()
        scale, zero = model.outputs[0]["quantization"]
        output = model.get().astype(np.float64)
        found.append((output - zero) * scale if scale else output)
    return np.concatenate(found)


def off(found: np.ndarray, truth: Any) -> float:
    """The RMS difference, as a share of the spread of what is right."""
    truth = np.asarray(truth)
    return float(np.sqrt(((found - truth) ** 2).mean()) / truth.std())


def test_each_of_two_inputs_has_its_own_range(tmp_path: Path, source: Dataset) -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    # In the alphabet's order they stand the other way round.
    small, large = keras.Input((16, 16, 1), name="z_small"), keras.Input((16, 16, 1), name="a_large")
    joined = layers.Concatenate()([layers.Flatten()(layers.Conv2D(4, 3)(tensor)) for tensor in (small, large)])
    network = saved(tmp_path / "two.keras", [small, large], layers.Dense(4)(joined))
    fed = {
        "z_small": random.uniform(0, 1, (32, 16, 16, 1)).astype(np.float32),
        "a_large": random.uniform(0, 20, (32, 16, 16, 1)).astype(np.float32),
    }
    np.savez(tmp_path / "samples.npz", **fed)
    options = replace(PLAIN, calibration=tmp_path / "samples.npz")
    truth = keras.models.load_model(network)([fed["z_small"], fed["a_large"]])
    for path in export_network(network, tmp_path, ["int8", "int8io"], source, options):
        assert off(answers(path, fed), truth) < 0.05
    ranges = {port.name.split(":")[0][16:]: port.range for port in inspect(path).inputs}
    assert ranges["a_large"][1] == pytest.approx(20, rel=0.01)  # type: ignore[index]
    assert ranges["z_small"][1] == pytest.approx(1, rel=0.01)  # type: ignore[index]


def test_inputs_in_a_dictionary_go_to_their_names(tmp_path: Path, source: Dataset) -> None:
    eyes, face = keras.Input((32, 32, 1), name="eyes"), keras.Input((32, 32, 1), name="face")
    network = saved(
        tmp_path / "dict.keras",
        {"face": face, "eyes": eyes},
        layers.Dense(4)(layers.Concatenate()([conv(face), eyes[:, 0, :, 0]])),
    )
    (path,) = export_network(network, tmp_path, ["float32"], source, PLAIN)
    fed = {name: np.random.default_rng(1).random((4, 32, 32, 1), np.float32) for name in ("face", "eyes")}
    assert off(answers(path, fed), keras.models.load_model(network)(fed)) < 1e-5


def contracts(trained: Any, kind: str) -> tuple[Any, Any]:
    """The trained network as strangers have it: input and output."""
    if kind == "rescaling":
        inputs = keras.Input((96, 96, 1))
        return inputs, trained(layers.Rescaling(1 / 255)(inputs))
    if kind == "bytes":
        inputs = keras.Input((96, 96, 1), dtype="uint8")
        return inputs, trained(layers.Rescaling(1 / 255)(inputs))
    inputs = keras.Input((96, 96, 1))
    return inputs, layers.Rescaling(48.0, 47.5)(trained(inputs))


@pytest.mark.parametrize(
    ("kind", "scaling", "form", "shown"),
    [
        ("rescaling", "0..255", "-1..1", {"input": "its layer {} makes 0 to 1 of 0..255"}),
        ("bytes", "0..255", "-1..1", {"input": "its input takes bytes"}),
        ("pixels", "0..1", "pixels", {"output": "tried on training faces of drawn: {} px"}),
    ],
)
def test_a_network_without_a_card_is_fed_and_read_as_it_was_trained(
    tmp_path: Path, source: Dataset, trained: Any, kind: str, scaling: str, form: str, shown: dict[str, str]
) -> None:
    network = saved(tmp_path / f"{kind}.keras", *contracts(trained, kind))
    told: list[str] = []
    files = export_network(
        network, tmp_path, ["float32", "int8"], source, ExportOptions(), ExportProgress(on_note=told.append)
    )
    for path in files:
        card = read_card(path)
        assert card is not None
        assert (card.input.scaling, card.output.form) == (scaling, form)
        assert card.spec == spec_of(path)
        assert card.contract.keys() == shown.keys()
        for name, clause in shown.items():
            start, end = clause.split("{}") if "{}" in clause else (clause, "")
            assert card.contract[name].startswith(start)
            assert card.contract[name].endswith(end)
        assert card.parity is not None
        assert card.parity["rmse_before"] < 3
        assert abs(card.parity["delta"]) < 0.15
        assert card.u8 == (kind == "bytes")
    assert any(f"{kind}.keras has no card" in one for one in told)


def test_what_is_stated_counts_and_makes_other_files(tmp_path: Path, source: Dataset, trained: Any) -> None:
    network = tmp_path / "own.keras"
    trained.save(network)
    job = ExportJob(network, source, PLAIN, ExportProgress())
    stated = ExportJob(network, source, replace(PLAIN, stated=Stated("-1..1", form="0..1")), ExportProgress())
    assert (stated.spec.input.scaling, stated.spec.output.form) == ("-1..1", "0..1")  # type: ignore[union-attr]
    assert stated.calibration.samples[0].min() == -1
    assert job._key(job.settings("float32")) != stated._key(stated.settings("float32"))


def test_bytes_are_scaled_in_the_graph_as_the_network_expects(tmp_path: Path, trained: Any) -> None:
    inputs = keras.Input((96, 96, 1))
    model = keras.Model(inputs, trained(layers.Rescaling(0.5, 0.5)(inputs)))  # takes -1..1
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 1), np.uint8)
    settings = ConversionSettings("float32", u8=True, mean=(127.5,), deviation=(127.5,))
    (tmp_path / "a.tflite").write_bytes(convert(model, settings))
    found = answers(tmp_path / "a.tflite", {"": images})
    np.testing.assert_allclose(found, trained(images.astype(np.float32) / 255), atol=1e-4)


def test_a_layer_normalization_stays_float_and_the_rest_is_int8(tmp_path: Path, source: Dataset) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((96, 96, 1))
    x = layers.Reshape((36, 32))(layers.Conv2D(32, 16, strides=16)(inputs))
    y = layers.LayerNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling1D()(x + layers.MultiHeadAttention(2, 16)(y, y))
    network = saved(tmp_path / "vit.keras", inputs, layers.Dense(30, name="points")(x))
    (path,) = export_network(network, tmp_path, ["int8"], source, PLAIN)
    found = inspect(path)
    assert found.scheme == "int8"
    assert {step.split("/")[-2 if "moments" not in step else -3].split("_")[0] for step in found.float_islands[0]} == {
        "norm"
    }
    assert read_card(path).keep_float == ["norm"]  # type: ignore[union-attr]
    images = source.train.images[:16, ..., None].astype(np.float32) / 255
    assert off(answers(path, {"": images}), keras.models.load_model(network)(images)) < 0.2
    # A layer that is named comes to those that are kept by themselves.
    job = ExportJob(network, source, replace(PLAIN, keep_float=("points",)), ExportProgress())
    assert job.settings("int8").keep_float == ("norm", "points")


@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_a_last_layer_with_an_activation_of_its_own_is_not_corrected(
    tmp_path: Path, source: Dataset, activation: str
) -> None:
    inputs = keras.Input((96, 96, 1))
    last = layers.LeakyReLU() if activation == "leaky" else activation
    network = saved(tmp_path / "act.keras", inputs, layers.Dense(30, activation=last)(conv(inputs)))
    (path,) = export_network(network, tmp_path, ["int8"], source, PLAIN)
    assert read_card(path).bias_correction is None  # type: ignore[union-attr]


def test_open_sizes_need_a_shape(tmp_path: Path, source: Dataset) -> None:
    inputs = keras.Input((None, None, 1), name="face")
    x = layers.Conv2D(8, 3)(layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(inputs)))
    network = saved(tmp_path / "open.keras", inputs, layers.Dense(30)(layers.GlobalAveragePooling2D()(x)))
    with pytest.raises(UsageError, match=r"takes inputs of any size \(face: \(None, None, None, 1\)\)") as caught:
        export_network(network, tmp_path, ["float32"], source, PLAIN)
    assert caught.value.hint == "for example: --shape 1,96,96,1"
    (path,) = export_network(network, tmp_path, ["float32"], source, replace(PLAIN, shapes={"": (1, 96, 96, 1)}))
    assert inspect(path).inputs[0].shape == (1, 96, 96, 1)
    images = source.train.images[:2, ..., None].astype(np.float32) / 255
    assert off(answers(path, {"": images}), keras.models.load_model(network)(images)) < 1e-4
    model = keras.models.load_model(network)
    for shapes, message in (({"nose": (1, 8, 8, 1)}, "no input 'nose'"), ({"": (1, 8, 8, 3)}, "does not fit")):
        with pytest.raises(UsageError, match=message):
            with_shapes(model, shapes, "open.keras")


def test_an_input_with_a_name_that_tensorflow_cannot_export_is_named() -> None:
    inputs = keras.Input((4,), name="class")
    with pytest.raises(EdgefkpError, match="called 'class', a word of Python") as caught:
        convert(keras.Model(inputs, layers.Dense(2)(inputs)), ConversionSettings("float32"))
    assert "another name" in caught.value.hint


def test_mixed_precision_is_exported_in_float32(tmp_path: Path) -> None:
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        inputs = keras.Input((32, 32, 1))
        model = keras.Model(inputs, layers.Dense(30, dtype="float32")(conv(inputs)))
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    images = np.random.default_rng(0).random((3, 32, 32, 1), np.float32)
    twin = in_float32(model)
    assert in_float32(twin) is twin
    np.testing.assert_allclose(twin(images), model(images), atol=2e-3)
    (tmp_path / "a.tflite").write_bytes(convert(twin, ConversionSettings("float32")))
    np.testing.assert_allclose(answers(tmp_path / "a.tflite", {"": images}), twin(images), atol=1e-5)


def test_an_operator_that_files_cannot_have_is_named() -> None:
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.ops.erfinv(inputs))
    with pytest.raises(EdgefkpError, match="TensorFlow Lite has no operator for Erfinv"):
        convert(model, ConversionSettings("float32"))


def test_the_float_outputs_that_a_correction_is_measured_from_are_those_of_keras(trained: Any) -> None:
    # A kernel of 3 with steps of 4, BatchNorm and relu6: wrong by 20 px in TensorFlow 2.21 with XNNPACK.
    images = np.random.default_rng(0).random((3, 96, 96, 1), np.float32)
    np.testing.assert_allclose(float_outputs(trained, [images]), trained(images), atol=1e-4)
