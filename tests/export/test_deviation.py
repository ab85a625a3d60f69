"""A network with two outputs, points and deviations, in every form of a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.data.synthetic import draw_all
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect
from edgefkp.export.options import ExportOptions
from edgefkp.export.parity import parity_of
from edgefkp.export.schemes import SCHEMES
from edgefkp.runtime.interpreters import load
from edgefkp.runtime.metadata import read_metadata
from edgefkp.runtime.predictor import open_predictor
from tests.tiny_network import doubted_tiny, trained_tiny  # noqa: F401

pytest.importorskip("tensorflow")
IMAGES = draw_all(12, seed=9)[0]


USUAL = ("float32", "dynamic", "int8")


@pytest.fixture(scope="module")
def files(doubted_tiny, source, tmp_path_factory) -> dict[str, Path]:  # noqa: F811
    written = export_network(doubted_tiny, tmp_path_factory.mktemp("export"), USUAL, source, ExportOptions())
    return dict(zip(USUAL, written, strict=True))


@pytest.mark.slow
def test_the_other_schemes_have_both_outputs_too(doubted_tiny, source, tmp_path):  # noqa: F811
    others, options = [name for name in SCHEMES if name not in USUAL], ExportOptions(parity=False)
    written = dict(zip(others, export_network(doubted_tiny, tmp_path, others, source, options), strict=True))
    (written["int8.u8"],) = export_network(doubted_tiny, tmp_path, ["int8"], source, replace(options, u8=True))
    require_both(written)
    require_near(written, doubted_tiny)


@pytest.mark.slow
def test_a_microcontroller_runs_both_outputs(doubted_tiny, source, tmp_path):  # noqa: F811
    pytest.importorskip("tflite_micro")
    from edgefkp.export.micro import measure, write_c

    (file,) = export_network(doubted_tiny, tmp_path, ["int8io"], source, ExportOptions(parity=False))
    measured = measure(file, IMAGES[:2])
    assert measured.outputs == 2 * 30
    assert measured.steps <= 2
    header = write_c(file, measured)[1].read_text()
    assert "// Output 0, keypoints: 1x30 int8" in header
    assert "// Output 1, deviation: 1x15 int8" in header


def test_the_points_come_first_and_both_outputs_are_known_by_name(files):
    require_both(files)


def require_both(files: dict[str, Path]) -> None:
    for path in files.values():
        model = load(path)
        assert [detail["name"] for detail in model.outputs] == ["keypoints", "deviation"]
        assert (model.points_output, model.deviation_output) == (0, 1)
        assert model.is_keypoint_model
        assert read_metadata(path).output.deviation == read_card(path).output.deviation == "deviation"


def test_every_file_gives_the_points_and_deviations_of_its_network(files, doubted_tiny):  # noqa: F811
    require_near(files, doubted_tiny)


def require_near(files: dict[str, Path], network: Path) -> None:
    points, deviations = open_predictor(network).predict_with_deviation(IMAGES)
    assert deviations.shape == points.shape[:2]
    for name, path in files.items():
        model = open_predictor(path)
        found, sizes = model.predict_with_deviation(IMAGES)
        scheme = SCHEMES[name.removesuffix(".u8")]
        assert np.abs(found - points).max() < (1.5 if scheme.integer else 0.05), name
        assert np.abs(np.log(sizes / deviations)).max() < (0.2 if scheme.integer else 0.02), name
        assert (found == model.predict(IMAGES)).all()


def test_points_are_those_of_the_network_without_deviations(files, trained_tiny, source, tmp_path):  # noqa: F811
    for path in export_network(trained_tiny, tmp_path, USUAL, source, ExportOptions(parity=False)):
        plain = open_predictor(path)
        assert plain.predict_with_deviation(IMAGES)[1] is None
        same = open_predictor(files[path.name.split(".")[-2]]).predict(IMAGES)
        assert np.abs(plain.predict(IMAGES) - same).max() < 0.01, path.name


def test_the_card_has_the_parity_and_the_correction_of_points_alone(files):
    for path in files.values():
        card = read_card(path)
        assert parity_of(card).outputs == 12 * 30
        assert not card.bias_correction or card.bias_correction["unit"] == "px"
    inspection = inspect(files["int8"])
    ports = inspection.outputs
    assert inspection.points_port is ports[0]
    low, high = ports[1].range  # in the network's own unit: logarithms
    assert -10 < low < high < 3


def test_a_float_file_is_quantized_with_both_outputs(files, source, tmp_path):
    pytest.importorskip("litert_quantizer")
    points, deviations = open_predictor(files["float32"]).predict_with_deviation(IMAGES)
    for path in export_network(files["float32"], tmp_path, ("dynamic", "int8"), source, ExportOptions()):
        found, sizes = open_predictor(path).predict_with_deviation(IMAGES)
        assert np.abs(found - points).max() < 1.5
        assert np.abs(np.log(sizes / deviations)).max() < 0.2
