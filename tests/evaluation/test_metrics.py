"""The score is what its definition says, on numbers small enough to check by hand."""

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import rmse, score
from edgefkp.layout import KAGGLE15
from tests.layouts import THREE

MEAN_SHAPE, NAMES = KAGGLE15.mean_points(), KAGGLE15.points
LEFT_EYE, RIGHT_EYE = KAGGLE15.rows("left_eye_center", "right_eye_center")


def faces(count):
    return np.repeat(MEAN_SHAPE[None], count, 0), np.arange(count).astype(str)


def test_rmse_is_pooled_over_coordinates_not_averaged_over_faces():
    truth, groups = faces(2)
    truth[1, 1:] = np.nan  # one face with 30 coordinates, one with 2
    predicted = MEAN_SHAPE + np.array([3.0, 4.0]).reshape(1, 1, 2) * np.array([0, 1]).reshape(2, 1, 1)
    result = score(predicted, truth, groups, KAGGLE15)
    assert result.coordinates == 32
    assert (result.faces, result.complete_faces) == (2, 1)
    assert result.rmse == pytest.approx(np.sqrt((9 + 16) / 32))
    assert result.rmse_complete == pytest.approx(0)
    assert result.rmse_per_point[NAMES[0]] == pytest.approx(np.sqrt(25 / 4))
    assert rmse(predicted, truth) == pytest.approx(result.rmse)


def test_nme_is_the_mean_distance_over_the_distance_of_the_eyes():
    truth, groups = faces(1)
    result = score(truth + np.array([3.0, 4.0]), truth, groups, KAGGLE15)
    eyes = np.linalg.norm(truth[0, LEFT_EYE] - truth[0, RIGHT_EYE])
    assert result.nme == pytest.approx(100 * 5 / eyes, rel=1e-5)
    assert result.percentiles["p50"] == pytest.approx(5, rel=1e-5)


def test_a_mean_shape_without_eyes_has_no_nme():
    truth, groups = faces(1)
    truth[0, LEFT_EYE] = np.nan
    assert score(faces(1)[0], truth, groups, KAGGLE15).nme is None


def test_only_the_wanted_label_sources_count():
    truth, groups = faces(1)
    sources = np.full((1, 15), 3, np.uint8)
    sources[0, :4] = [1, 2, 1, 2]
    predicted = truth.copy()
    predicted[0, 4:] += 10
    result = score(predicted, truth, groups, KAGGLE15, sources, (1, 2))
    assert result.coordinates == 8
    assert result.rmse == pytest.approx(0)
    assert result.rmse_per_point[NAMES[10]] is None


def test_nothing_to_count_and_no_number_are_errors():
    truth, groups = faces(2)
    with pytest.raises(EdgefkpError, match="no labeled coordinate"):
        score(truth, truth * np.nan, groups, KAGGLE15)
    broken = truth.copy()
    broken[1, 3, 0] = np.nan
    with pytest.raises(EdgefkpError, match="1 of 2 faces"):
        score(broken, truth, groups, KAGGLE15)


def test_nme_is_over_the_layouts_own_pair():
    truth = THREE.mean_points(64)[None]
    result = score(truth + np.array([3.0, 4.0]), truth, np.array(["a"]), THREE)
    assert result.nme == pytest.approx(100 * 5 / (64 / 3), rel=1e-5)
    assert result.coordinates == 6
    assert list(result.rmse_per_point) == ["eye_left", "eye_right", "chin"]
