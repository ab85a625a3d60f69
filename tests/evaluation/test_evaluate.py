"""A model is scored in the pixels of its own input, on its own points."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from edgefkp.data.faces import Dataset
from edgefkp.data.synthetic import drawn_faces
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation import evaluate as evaluation
from edgefkp.evaluation import robustness
from edgefkp.evaluation.evaluate import Evaluation, evaluate, lookup_mask, mean_shape_score
from edgefkp.files import plain
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.records import NewerField, read_record
from tests.layouts import SMALL_RGB, THREE


class MeanFace:
    """Predicts the layout's mean face for every image."""

    runtime, version, accelerator = "mean", "1", ""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def predict(self, images: np.ndarray) -> np.ndarray:
        assert images.shape[1:] == self.spec.input.image_shape
        return np.stack([self.spec.layout.mean_points(self.spec.input.side)] * len(images))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mean.tflite"
    path.write_bytes(b"model")
    return path


@pytest.fixture
def use(monkeypatch):
    def open_as(spec: ModelSpec) -> None:
        for room in (evaluation, robustness):
            monkeypatch.setattr(room, "open_predictor", lambda path, runtime=None, **stated: MeanFace(spec))

    return open_as


@cache
def source(spec: ModelSpec) -> Dataset:
    faces = drawn_faces(24, spec, seed=2)
    return Dataset("drawn", faces.take(np.arange(14)), faces.take(np.arange(14, 24)), "none")


def test_faces_are_brought_to_the_models_input(file, use):
    scores = {}
    for side in (96, 48, 192):
        use(ModelSpec(THREE, InputSpec(side, "rgb")))
        result, predicted = evaluate(file, source(ModelSpec(THREE)))
        assert predicted.shape == (10, 3, 2)
        assert result.side == side
        assert result.data["hash"] == source(ModelSpec(THREE)).test.hash
        scores[side] = result.score
    assert scores[48].rmse == pytest.approx(scores[96].rmse / 2, rel=1e-4)
    assert scores[192].rmse == pytest.approx(scores[96].rmse * 2, rel=1e-4)
    assert scores[48].nme == pytest.approx(scores[192].nme, rel=1e-4)
    assert list(scores[96].rmse_per_point) == list(THREE.points)


def test_other_points_are_refused_by_name(file, use):
    use(ModelSpec())
    with pytest.raises(EdgefkpError, match=r"points of kaggle15 \(15\), .* of three \(3\)") as caught:
        evaluate(file, source(SMALL_RGB))
    assert "three" in caught.value.hint
    with pytest.raises(EdgefkpError, match="points of kaggle15"):
        robustness.robustness(file, source(SMALL_RGB).train, {})


def test_a_stored_evaluation_stays_readable(file, use):
    use(SMALL_RGB)
    result, _ = evaluate(file, source(SMALL_RGB), label_sources=(0,))
    stored = plain(result)
    assert plain(read_record(Evaluation, stored, "it")) == stored
    older = {name: value for name, value in stored.items() if name != "side"}
    assert read_record(Evaluation, older, "it").side == 96
    with pytest.warns(NewerField, match="mood"):
        read_record(Evaluation, stored | {"mood": 1}, "it")
    with warnings.catch_warnings(), pytest.raises(EdgefkpError, match=r"score\.rmse is str"):
        read_record(Evaluation, stored | {"score": stored["score"] | {"rmse": "low"}}, "it")


def test_kaggles_score_needs_kaggles_pixels(file, use):
    lookup = np.array([(face, k) for face in range(10) for k in range(6)])
    whole = replace(source(ModelSpec()), lookup=lookup)
    use(ModelSpec())
    result, predicted = evaluate(file, whole)
    error = (predicted - whole.test.keypoints)[lookup_mask(lookup, predicted.shape)]
    assert result.kaggle_rmse == pytest.approx(np.sqrt(np.mean(error.astype(float) ** 2)))
    assert result.kaggle_coordinates == 60
    use(ModelSpec(KAGGLE15, InputSpec(64)))
    assert evaluate(file, whole)[0].kaggle_rmse is None


def test_robustness_of_another_kind_of_model(file, use):
    faces = source(ModelSpec(THREE)).train.take(np.arange(4))
    use(SMALL_RGB)
    result = robustness.robustness(file, faces, {"name": "drawn"}, through=lambda all: iter(all[:3]))
    assert [row.condition for row in result.rows] == ["as it is", "darkness", "darkness"]
    assert {row.coordinates for row in result.rows} == {4 * 6}
    assert result.rows[0].rmse == pytest.approx(result.rows[1].rmse)


def test_the_mean_training_face_is_scored():
    whole = source(SMALL_RGB)
    assert 0 < mean_shape_score(whole, "validation").rmse < 10
