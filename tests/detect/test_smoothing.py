import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.detect.smoothing import OneEuro

FPS = 30


def smoothed(points: np.ndarray, seconds: np.ndarray, side: float = 100.0) -> np.ndarray:
    one_euro = OneEuro()
    return np.stack([one_euro(own, side, when) for own, when in zip(points, seconds, strict=True)])


def noisy(frames: int, noise: float = 0.3, speed: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    seconds = np.arange(frames) / FPS
    rest = np.random.default_rng(0).normal(0, noise, (frames, 15, 2))
    return rest + speed * seconds[:, None, None], seconds


def test_a_face_at_rest_jitters_less():
    points, seconds = noisy(300)
    assert smoothed(points, seconds)[30:].std() < 0.6 * points[30:].std()


def test_a_fast_face_is_followed():
    # A face that crosses its own side in a second lags by less than 1.5 % of it.
    points, seconds = noisy(120, noise=0, speed=100)
    assert np.abs(smoothed(points, seconds) - points)[30:].max() < 1.5


def test_a_face_that_comes_moving_is_followed_from_the_start():
    points, seconds = noisy(10, noise=0, speed=50)
    assert np.abs(smoothed(points, seconds) - points).max() < 0.6


@given(st.floats(0.1, 20))
def test_near_and_far_faces_are_treated_alike(scale):
    points, seconds = noisy(40, speed=30)
    near = smoothed(points * scale, seconds, side=100 * scale)
    assert np.allclose(near, smoothed(points, seconds) * scale, rtol=1e-6, atol=1e-6)


@given(st.floats(1e-3, 1e3))
def test_the_clock_may_start_anywhere(start):
    points, seconds = noisy(40, speed=30)
    assert np.allclose(smoothed(points, seconds + start), smoothed(points, seconds), atol=1e-3)


@given(st.lists(st.floats(0.001, 0.5), min_size=2, max_size=30))
def test_what_does_not_move_stays_whatever_the_gaps(gaps):
    seconds = np.cumsum(gaps)
    points = np.full((len(seconds), 15, 2), 42.0)
    assert np.allclose(smoothed(points, seconds), 42)


def test_after_a_long_gap_the_new_place_counts():
    one_euro = OneEuro()
    one_euro(np.zeros((15, 2)), 100, 0.0)
    assert one_euro(np.full((15, 2), 50.0), 100, 10.0) == pytest.approx(50, abs=1)


def test_a_time_that_does_not_advance_changes_nothing():
    one_euro = OneEuro()
    first = one_euro(np.zeros((15, 2), np.float32), 100, 1.0)
    assert np.array_equal(one_euro(np.ones((15, 2), np.float32), 100, 1.0), first)
    assert np.array_equal(one_euro(np.ones((15, 2), np.float32), 100, 0.5), first)
    assert one_euro(np.ones((15, 2), np.float32), 100, 1.1).dtype == np.float32
