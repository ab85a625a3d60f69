import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card, write_card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.convert import ConversionSettings
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect, verify_scheme
from edgefkp.export.options import ExportOptions, ExportProgress
from edgefkp.export.schemes import SCHEMES, schemes_of
from edgefkp.export.targets import TARGETS
from edgefkp.files import sha256_file
from edgefkp.runtime.interpreters import load
from tests.export.conftest import Exported

pytest.importorskip("tensorflow")


def test_every_scheme_is_what_its_name_says_and_has_a_fixed_batch(exported: Exported) -> None:
    assert set(exported.files) == {scheme + u8 for scheme in SCHEMES for u8 in ("", ".u8")}
    for name, path in exported.files.items():
        verify_scheme(path)
        inspection = inspect(path)
        assert inspection.scheme == name.removesuffix(".u8")
        assert inspection.u8 == name.endswith(".u8")
        assert not inspection.free_batch
        assert inspection.custom_operators == ()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bytes_and_floats_give_the_same_points(exported: Exported, source: Dataset, scheme: str) -> None:
    assert source.test is not None
    images = source.test.images
    floats = load(exported.files[scheme]).predict(images)
    in_bytes = load(exported.files[f"{scheme}.u8"])
    assert in_bytes.inputs[0]["dtype"] == np.uint8
    # Exact where the bytes are the input's own integers; int16x8 scales them by 16-bit integers.
    atol = 0.0 if SCHEMES[scheme].takes_bytes else 0.05 if SCHEMES[scheme].static else 1e-3
    np.testing.assert_allclose(in_bytes.predict(images), floats, atol=atol)


def test_pixels_are_exactly_the_integers_of_int8(exported: Exported) -> None:
    port = inspect(exported.files["int8io"]).inputs[0]
    assert port.scale == pytest.approx(1 / 255)
    assert port.zero_point == -128
    np.testing.assert_array_equal(load(exported.files["int8io"]).pixel_table(), np.arange(-128, 128))


def test_card_says_where_the_file_came_from(exported: Exported, source: Dataset) -> None:
    for name, path in exported.files.items():
        card = read_card(path)
        assert card is not None
        assert card.parent_sha256 == sha256_file(exported.network)
        assert card.sha256 == sha256_file(path)
        integers = name.startswith(("int", "dynamic"))
        assert (card.calibration is not None) == integers
        assert (card.bias_correction is not None) == integers
        assert card.inspection["scheme"] == card.scheme
        assert (card.parity is None) == card.u8
        assert card.runs_on == ["litert-2", "tflite-runtime-2.14"]
        if card.parity:
            assert (card.parity["faces"], card.parity["sha256"]) == (12, card.sha256)
    assert "drawn" in read_card(exported.files["int8"]).calibration["name"]  # type: ignore[union-attr]


def test_a_current_file_is_not_made_again(exported: Exported, source: Dataset) -> None:
    path = exported.files["float32"]
    before = path.stat().st_mtime_ns
    assert export_network(exported.network, exported.folder, ["float32"], source) == [path]
    assert path.stat().st_mtime_ns == before


def test_a_card_of_an_older_form_is_made_again_and_keeps_its_parity(
    exported: Exported, source: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = export_network(exported.network, tmp_path, ["float32"], source)
    card = read_card(path)
    assert card is not None
    write_card(path, dataclasses.replace(card, runs_on=None, key=""))
    monkeypatch.setattr("edgefkp.export.job.parity", None)  # the bytes are the same, so it is not measured again
    export_network(exported.network, tmp_path, ["float32"], source)
    again = read_card(path)
    assert again is not None
    assert again.runs_on
    assert again.parity == card.parity
    assert path.name in (tmp_path / "tiny-masked.md").read_text()


def test_a_tampered_file_is_made_again(exported: Exported, source: Dataset, tmp_path: Path) -> None:
    options = ExportOptions(parity=False)
    (path,) = export_network(exported.network, tmp_path, ["float32"], source, options)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + b"\xff" * 8)
    assert export_network(exported.network, tmp_path, ["float32"], source, options) == [path]
    assert path.read_bytes() == whole


def test_a_layer_kept_in_float(exported: Exported, source: Dataset, tmp_path: Path) -> None:
    options = ExportOptions(keep_float=("keypoints",), parity=False)
    (path,) = export_network(exported.network, tmp_path, ["int8"], source, options)
    inspection = inspect(path)
    assert inspection.scheme == "int8"
    assert len(inspection.float_islands) == 1
    assert "FULLY_CONNECTED" in inspection.float_islands[0][0]
    path.with_suffix(".json").unlink()
    assert verify_scheme(path) == "int8"


def test_float_layers_that_nobody_asked_for_are_refused(
    exported: Exported, source: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgefkp.export import job

    def keeping(model: object, settings: ConversionSettings, samples: object) -> bytes:
        return convert(model, dataclasses.replace(settings, keep_float=("keypoints",)), samples)

    convert = job.convert
    monkeypatch.setattr(job, "convert", keeping)
    with pytest.raises(EdgefkpError, match=r"integer only in part of it \(in float: .*FULLY_CONNECTED"):
        export_network(exported.network, tmp_path, ["int8"], source)
    assert not list(tmp_path.glob("*"))


def test_an_unknown_layer_names_those_there_are(exported: Exported, source: Dataset, tmp_path: Path) -> None:
    with pytest.raises(EdgefkpError, match="no layer 'third'") as caught:
        export_network(exported.network, tmp_path, ["int8"], source, ExportOptions(keep_float=("third",)))
    assert "first, second, keypoints" in caught.value.hint
    assert not list(tmp_path.glob("*"))


def test_explain_finds_every_layer(exported: Exported, source: Dataset) -> None:
    from edgefkp.export.bias_correction import output_unit
    from edgefkp.export.job import ExportJob
    from edgefkp.export.layer_report import explain

    job = ExportJob(exported.network, source, ExportOptions(), ExportProgress())
    found = explain(job.network, "tiny", job.calibration.samples, job.settings("int8"), *output_unit(job.spec))
    assert {layer.layer for layer in found.layers} == {"first", "second", "keypoints"}
    assert found.unit == "px"
    assert 0 < found.shift <= found.worst
    assert max(layer.gain for layer in found.layers) > 0


def test_a_users_own_network(tmp_path: Path, source: Dataset) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((24, 32, 3), name="camera")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(inputs))
    outputs = [layers.Dense(5, activation="softmax")(x), layers.Dense(1, activation="sigmoid")(x)]
    network = tmp_path / "own.keras"
    keras.Model(inputs, outputs).save(network)
    (path,) = export_network(network, tmp_path, ["float32"], source)
    inspection = inspect(path)
    assert {port.shape for port in inspection.outputs} == {(1, 5), (1, 1)}
    assert read_card(path).parity is None  # type: ignore[union-attr]
    with pytest.raises(EdgefkpError, match=r"takes \(24, 32, 3\), and faces of drawn cannot calibrate"):
        export_network(network, tmp_path, ["int8"], source)
    samples = tmp_path / "samples.npy"
    np.save(samples, np.random.default_rng(0).integers(0, 256, (20, 24, 32, 3)).astype(np.uint8))
    (path,) = export_network(network, tmp_path, ["int8"], source, ExportOptions(u8=True, calibration=samples))
    assert path.name == "own.int8.u8.tflite"
    assert inspect(path).integer_share == 1
    # Three layers of a few weights each: the converter leaves them as they are, and a float file is not "dynamic".
    with pytest.raises(EdgefkpError, match=r"own\.dynamic\.tflite was not written: no layer"):
        export_network(network, tmp_path, ["dynamic"], source)
    assert not (tmp_path / "own.dynamic.tflite").exists()


def test_model_card_has_every_file_and_the_numbers_of_the_json(exported: Exported) -> None:
    text = (exported.folder / "tiny-masked.md").read_text()
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "## What it is",
        "## Files",
        "## Accuracy before and after conversion",
        "## Data and license",
        "## Calibration",
        "## Limits",
        "## How it was made",
    ]
    for path in exported.files.values():
        card = read_card(path)
        assert card is not None
        assert f"`{path.name}`" in text
        assert card.parity is None or f"{card.parity['rmse_after']:.4f}" in text


def test_a_file_that_cannot_run_on_its_target_is_not_written(
    exported: Exported, source: Dataset, tmp_path: Path
) -> None:
    new = dataclasses.replace(TARGETS["any"], per_tensor_dense=False)  # as the converter makes it by itself
    with pytest.raises(EdgefkpError, match=r"tiny-masked\.dynamic\.tflite was not written: .*CONNECTED 12") as caught:
        export_network(exported.network, tmp_path, ["dynamic"], source, ExportOptions(target=new))
    assert "--target litert-2" in caught.value.hint
    assert not list(tmp_path.glob("*"))
    (path,) = export_network(
        exported.network, tmp_path, ["dynamic"], source, ExportOptions(target=TARGETS["litert-2"], parity=False)
    )
    assert read_card(path).runs_on == ["litert-2"]  # type: ignore[union-attr]


def test_settings_that_do_not_go_together() -> None:
    with pytest.raises(UsageError, match="unknown scheme 'int4'"):
        ConversionSettings("int4")
    with pytest.raises(UsageError, match="--keep-float goes with int8"):
        ConversionSettings("float16", keep_float=("a",))
    assert schemes_of(["all"]) == SCHEMES.names()
    assert schemes_of(["int8", "all"])[0] == "int8"
    assert schemes_of([]) == ("float32", "int8")
