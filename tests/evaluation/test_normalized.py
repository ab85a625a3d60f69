"""The field's metrics on numbers that were computed by hand, and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import score
from edgefkp.evaluation.normalized import (
    area_under_curve,
    curve_errors,
    face_errors,
    failure_rate,
    normalized,
    own_normalization,
    shares,
)
from edgefkp.files import plain
from edgefkp.layout import KAGGLE15, PointLayout
from tests.layouts import THREE

PEOPLE = np.array(["a", "b", "c", "d"])


def test_four_errors_by_hand():
    errors = np.array([2.0, 4.0, 9.0, 12.0])
    result = normalized(errors, PEOPLE)
    assert result.nme == pytest.approx(6.75)
    assert result.failure_rate == {"8": 50.0, "10": 25.0}
    # Steps of 1/4 that begin at 2, 4, 9 and end at the limit: (6 + 4) / 4 / 8 and (8 + 6 + 1) / 4 / 10.
    assert result.auc == pytest.approx({"8": 10 / 32, "10": 15 / 40})
    assert len(result.curve) == 101
    assert [result.curve[place] for place in (0, 19, 20, 40, 90, 100)] == [0, 0, 0.25, 0.5, 0.75, 0.75]
    assert result.interval[0] <= 6.75 <= result.interval[1]
    assert result.faces == 4


@pytest.mark.parametrize("limit", [8, 10])
def test_evenly_spread_errors_have_the_area_of_a_triangle(limit):
    """Errors spread evenly over 0 to 2 limits: the curve rises to 1/2 at the limit, the area below it is 1/4."""
    errors = (np.arange(20_000) + 0.5) / 10_000 * limit
    assert area_under_curve(errors, limit) == pytest.approx(0.25, abs=1e-4)
    assert failure_rate(errors, limit) == pytest.approx(50, abs=0.01)


@pytest.mark.parametrize("limit", [8, 10])
def test_the_area_is_what_trapezoids_over_a_fine_grid_come_to(limit):
    errors = np.random.default_rng(3).gamma(3, 2, 500)
    grid = np.arange(0, limit + 1e-9, 1e-4)
    curve = np.array([(errors <= place).mean() for place in grid[::1000]])
    assert shares(errors, grid[::1000]) == pytest.approx(curve)
    fine = shares(errors, grid)
    trapezoids = ((fine[1:] + fine[:-1]) / 2 * np.diff(grid)).sum() / limit
    assert area_under_curve(errors, limit) == pytest.approx(trapezoids, abs=1e-4)


def test_an_error_at_the_limit_is_no_failure():
    assert failure_rate(np.array([8.0, 8.0 + 1e-9]), 8) == 50
    assert area_under_curve(np.array([0.0]), 8) == 1
    assert area_under_curve(np.array([8.0, 50.0]), 8) == 0
    assert curve_errors()[-1] == 10


def test_each_length_by_hand():
    truth = KAGGLE15.mean_points()[None].astype(np.float32)
    errors = face_errors(truth + np.array([3.0, 4.0]), truth, KAGGLE15)
    left, right = truth[0, KAGGLE15.rows("left_eye_outer_corner", "right_eye_outer_corner")]
    pupil, other = truth[0, KAGGLE15.rows("left_eye_center", "right_eye_center")]
    width, height = truth[0].max(0) - truth[0].min(0)
    assert set(errors) == {"interocular", "interpupil", "box"}
    assert errors["interocular"][0] == pytest.approx(500 / np.linalg.norm(left - right), rel=1e-5)
    assert errors["interpupil"][0] == pytest.approx(500 / np.linalg.norm(pupil - other), rel=1e-5)
    assert errors["box"][0] == pytest.approx(500 / np.sqrt(width * height), rel=1e-5)
    assert own_normalization(KAGGLE15) == "interpupil"


def test_a_length_with_a_missing_point_does_not_count():
    truth = np.stack([KAGGLE15.mean_points()] * 3)
    truth[1, KAGGLE15.rows("left_eye_outer_corner")] = np.nan
    truth[2] = np.nan
    result = score(np.stack([KAGGLE15.mean_points()] * 3) + 1, truth, PEOPLE[:3], KAGGLE15)
    assert {name: one.faces for name, one in result.normalized.items()} == {"interocular": 1, "interpupil": 2, "box": 1}
    assert result.own.nme == pytest.approx(result.nme)
    assert result.nme_by == "interpupil"


def test_other_layouts_name_their_own_pairs():
    truth = THREE.mean_points()[None]
    assert set(face_errors(truth + 1, truth, THREE)) == {"pair", "box"}
    named = replace(THREE, eye_corners=(("eye_left",), ("eye_right",)), pupils=(("eye_left", "eye_left"), ("chin",)))
    errors = face_errors(truth + np.array([3.0, 4.0]), truth, named)
    assert set(errors) == {"interocular", "interpupil", "box"}
    assert own_normalization(named) == "interocular"
    assert errors["interocular"][0] == pytest.approx(500 / 32, rel=1e-5)
    with pytest.raises(EdgefkpError, match="no point 'ear'"):
        replace(THREE, pupils=(("ear",), ("chin",)))
    assert PointLayout.from_json(plain(named.to_json())) == named


def test_a_layout_of_before_there_were_these_pairs_is_read_as_the_same():
    older = {name: value for name, value in plain(THREE.to_json()).items() if name not in ("eye_corners", "pupils")}
    assert PointLayout.from_json(older) == THREE


def test_nothing_known_is_nothing_reported():
    assert normalized(np.array([np.nan, np.nan]), PEOPLE[:2]) is None
    truth = KAGGLE15.mean_points()[None].copy()
    truth[0, :10] = np.nan  # eyes and brows
    result = score(np.zeros((1, 15, 2)), truth, PEOPLE[:1], KAGGLE15)
    assert result.normalized == {}
    assert result.own is None
