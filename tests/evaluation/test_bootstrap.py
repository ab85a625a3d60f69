"""Intervals are over persons, and a pair of models is drawn alike."""

import numpy as np
import pytest

from edgefkp.evaluation.bootstrap import by_person, drawn_rmse, interval, paired_interval, rmse_interval


def test_the_interval_is_over_persons():
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(40), 25)
    scale = rng.uniform(0.5, 2, 40)[persons]
    squares, counts = 30 * scale**2, np.full(1000, 30)
    low, high = rmse_interval(squares, counts, persons)
    alone = rmse_interval(squares, counts, np.arange(1000))
    value = np.sqrt(squares.sum() / counts.sum())
    assert low < value < high
    # Faces of one person are no independent evidence: counting them as such makes the interval too narrow.
    assert high - low > 3 * (alone[1] - alone[0])


def test_sums_are_by_person():
    squares, counts = by_person(np.array(["b", "a", "b"]), np.array([1.0, 2, 4]), np.array([1, 1, 2]))
    assert (squares.tolist(), counts.tolist()) == ([2, 5], [1, 3])


def test_a_draw_in_which_nothing_counts_is_left_out():
    drawn = drawn_rmse(np.array([9.0, 0]), np.array([1, 0]))
    assert np.isnan(drawn).any()
    assert interval(drawn) == (3, 3)


def test_the_same_seed_draws_the_same_persons():
    squares, counts = np.arange(1.0, 9), np.ones(8)
    assert (drawn_rmse(squares, counts) == drawn_rmse(squares, counts)).all()
    assert (drawn_rmse(squares, counts) != drawn_rmse(squares, counts, seed=1)).any()


def test_what_is_hard_for_both_cancels_out():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 60, (200, 3, 2))
    groups = np.arange(200) // 4
    before = truth + rng.normal(0, rng.uniform(0.5, 4, 200))[:, None, None]
    after = truth + (before - truth) * 1.01
    low, high = paired_interval(before, after, truth, groups)
    assert 0 < low < high
    single = rmse_interval(((before - truth) ** 2).sum((1, 2)), np.full(200, 6), groups)
    assert high - low < 0.1 * (single[1] - single[0])
    truth[5] = np.nan
    assert paired_interval(before, before, truth, groups) == pytest.approx((0, 0))
