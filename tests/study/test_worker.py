"""What a cell keeps of its one look at the test split adds up to its scores."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.evaluation import evaluate
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.study import worker


@pytest.fixture
def source() -> Dataset:
    """20 test faces of 8 persons, one point missing; the lookup asks for two points of every second face."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (60, 15, 2))).astype(np.float32)
    persons = [f"p{i % 12}" for i in range(40)] + [f"q{i % 8}" for i in range(20)]
    faces = faces_of(images, keypoints, groups=np.array(persons))
    test = faces.take(np.arange(40, 60))
    test.keypoints[1, 5] = np.nan
    lookup = np.array([(row, coordinate) for row in range(0, 20, 2) for coordinate in (0, 1, 20, 21)])
    return Dataset("made", faces.take(np.arange(40)), test, "free", lookup)


@pytest.fixture
def model(source, tmp_path, monkeypatch):
    """A file whose predictions are off by more in one half of the faces."""
    assert source.test is not None
    offset = np.where(np.arange(20) < 10, 1, 3)[:, None, None]
    predicted = (np.nan_to_num(source.test.keypoints, nan=50) + offset).astype(np.float32)
    predictor = SimpleNamespace(
        predict=lambda images: predicted, runtime="made", version="1", accelerator="cpu", spec=ModelSpec()
    )
    monkeypatch.setattr(evaluate, "open_predictor", lambda path, runtime, **stated: predictor)
    path = tmp_path / "m.keras"
    path.write_bytes(b"")
    return path


def pooled(squares: list[float], coordinates: list[float]) -> float:
    return float(np.sqrt(sum(squares) / sum(coordinates)))


def test_the_errors_of_the_persons_are_those_of_the_scores(source, model):
    scores, persons = worker._score(model, source, 1.5)
    assert {len(values) for values in persons.values()} == {8}
    assert pooled(persons["squares"], persons["coordinates"]) == pytest.approx(scores.test.score.rmse, rel=1e-5)
    kaggle = pooled(persons["kaggle_squares"], persons["kaggle_coordinates"])
    assert kaggle == pytest.approx(scores.test.kaggle_rmse, rel=1e-5)
    assert sum(persons["kaggle_coordinates"]) == len(source.lookup)
    assert sum(persons["coordinates"]) == 20 * 30 - 2


def test_a_few_predictions_are_kept(source, model):
    sheet = worker._score(model, source, 1.5)[0].sheet
    assert np.shape(sheet.predicted) == (len(sheet.rows), 15, 2)
    np.testing.assert_allclose(sheet.predicted[0], source.test.keypoints[0] + 1, atol=0.006)


def test_without_a_lookup_there_are_no_scores_of_kaggle(source, model):
    scores, persons = worker._score(model, replace(source, lookup=None), 1.5)
    assert sorted(persons) == ["coordinates", "squares"]
    assert scores.test.kaggle_rmse is None
