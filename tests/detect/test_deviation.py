"""Faces of a model that knows its doubt."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edgefkp.demo.browser import _spec
from edgefkp.detect.detector import Face, KeypointDetector
from edgefkp.detect.overlay import DOUBTED, FAINTEST, annotated, opacity
from edgefkp.detect.points_table import PointsWriter, rows_of
from edgefkp.detect.smoothing import OneEuro
from edgefkp.detect.tracker import Tracker
from edgefkp.geometry import Box
from edgefkp.layout import KAGGLE15, LAYOUTS, ModelSpec, OutputSpec

SPEC = ModelSpec(output=OutputSpec("keypoints", deviation="deviation"))


class Doubting:
    """A predictor whose points are the mean shape, the later ones the more doubtful."""

    runtime, version = "none", "0"

    def __init__(self, spec: ModelSpec = SPEC) -> None:
        self.spec = spec

    def predict(self, images):
        return np.repeat(KAGGLE15.mean_points(96)[None].astype(np.float32), len(images), 0)

    def predict_with_deviation(self, images):
        return self.predict(images), np.repeat(np.arange(1, 16, dtype=np.float32)[None] / 5, len(images), 0)


class Everywhere:
    name = "everywhere"

    def find(self, image):
        from edgefkp.detect.finders.base import FaceBox

        return [FaceBox(Box(100, 100, 192), 1.0)]


def detector(spec: ModelSpec = SPEC) -> KeypointDetector:
    return KeypointDetector(finder=Everywhere(), predictor=Doubting(spec), presence=lambda *crop: 1.0)


def face(sigma: "np.ndarray | None") -> Face:
    points = (KAGGLE15.mean_points(200) + 20).astype(np.float32)
    return Face(Box(120, 120, 200), 0.9, points, KAGGLE15, sigma=sigma)


IMAGE = np.full((240, 240, 3), 90, np.uint8)


def test_a_face_has_the_deviations_in_pixels_of_the_photo():
    (found,) = detector()(IMAGE)
    assert found.sigma == pytest.approx(np.arange(1, 16) / 5 * found.box.side / 96)
    (plain,) = detector(ModelSpec())(IMAGE)
    assert plain.sigma is None
    assert (plain.keypoints == found.keypoints).all()
    five = found.in_layout(LAYOUTS["five"])
    assert five.sigma.shape == (5,)
    assert five.sigma.max() <= found.sigma.max()


def test_tracked_faces_have_them_too():
    (tracked,) = Tracker(detector())(IMAGE, 0.0)
    assert tracked.sigma.shape == (15,)
    (plain,) = Tracker(detector(ModelSpec()))(IMAGE, 0.0)
    assert plain.sigma is None


def test_doubtful_points_are_faint_and_others_as_ever():
    low, high = DOUBTED
    sigma = np.full(15, low * 200, np.float32)
    assert (annotated(IMAGE, [face(sigma)]) == annotated(IMAGE, [face(None)])).all()
    sigma[3] = 2 * high * 200
    drawn, usual = annotated(IMAGE, [face(sigma)]), annotated(IMAGE, [face(None)])
    assert opacity(face(sigma))[3] == pytest.approx(FAINTEST)
    x, y = face(None).keypoints[3].round().astype(int)
    far = np.abs(usual[y, x].astype(int) - IMAGE[y, x]).max()
    assert np.abs(drawn[y, x].astype(int) - IMAGE[y, x]).max() == pytest.approx(FAINTEST * far, abs=2)
    changed = np.argwhere((drawn != usual).any(-1))
    assert np.abs(changed - (y, x)).max() < 12  # nothing else


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_table_of_points_has_a_column_for_each(tmp_path, form):
    sigma = np.arange(15, dtype=np.float32)
    with PointsWriter(tmp_path, form, KAGGLE15, deviation=True) as table:
        table.write("one.png", rows_of([face(sigma)]))
        table.write("none.png", [])
    with PointsWriter(tmp_path, form, KAGGLE15, deviation=True) as table:
        assert table.done == {"one.png", "none.png"}
    first = next(path for path in tmp_path.iterdir()).read_text().splitlines()
    row = dict(zip(first[0].split(","), first[1].split(","), strict=True)) if form == "csv" else json.loads(first[0])
    assert [float(row[f"{name}_sigma"]) for name in KAGGLE15.points] == list(range(15))
    assert not any(name.endswith("_sigma") for name in rows_of([face(None)])[0])


def test_a_doubtful_point_moves_less_while_it_is_smoothed():
    random = np.random.default_rng(0)
    points = random.normal(100, 0.5, (60, 2, 2))
    sigma = np.array([1.0, 4.0])  # of a face of 100 pixels
    weighed, usual = OneEuro(), OneEuro()
    moved = np.stack([weighed(one, 100.0, number / 30, sigma) for number, one in enumerate(points)])
    plain = np.stack([usual(one, 100.0, number / 30) for number, one in enumerate(points)])
    assert moved[:, 0] == pytest.approx(plain[:, 0])
    assert moved[10:, 1].std() < 0.6 * plain[10:, 1].std()


def test_the_browser_reads_the_outputs_by_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("edgefkp.demo.browser.spec_of", lambda path: SPEC)
    monkeypatch.setattr("edgefkp.demo.browser._outputs", lambda path: (1, 0))
    assert (_spec(tmp_path / "a")["output"], _spec(tmp_path / "a")["deviationOutput"]) == (1, 0)
    monkeypatch.setattr("edgefkp.demo.browser.spec_of", lambda path: replace(SPEC, output=OutputSpec()))
    assert (_spec(tmp_path / "b")["output"], _spec(tmp_path / "b")["deviationOutput"]) == (0, None)
