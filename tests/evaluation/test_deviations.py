import numpy as np
import pytest

from edgefkp.evaluation.deviations import (
    auroc,
    calibrating_factor,
    log_likelihood,
    score_deviations,
    shares_within,
)
from edgefkp.layout import LIKELIHOODS

POINTS = 4000


def drawn(likelihood: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Errors (M, 2) and the deviations (M,) that they were drawn with."""
    random = np.random.default_rng(seed)
    sizes = random.uniform(0.5, 4, POINTS)
    unit = random.normal(size=(POINTS, 2)) if likelihood == "gaussian" else random.laplace(0, 0.5**0.5, (POINTS, 2))
    return unit * sizes[:, None], sizes


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_right_deviations_hold_the_nominal_shares(likelihood):
    errors, sizes = drawn(likelihood)
    assert np.abs(np.subtract(shares_within(errors, sizes), LIKELIHOODS[likelihood])).max() < 0.015


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_factor_makes_up_for_deviations_that_are_all_too_small(likelihood):
    errors, sizes = drawn(likelihood)
    assert calibrating_factor(errors, sizes / 2.5, likelihood) == pytest.approx(2.5, rel=0.05)


def test_the_likelihood_that_errors_come_from_is_the_larger_one():
    for name in LIKELIHOODS:
        errors, sizes = drawn(name)
        found = {other: log_likelihood(errors, sizes, other) for other in LIKELIHOODS}
        assert max(found, key=found.get) == name


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    scores, positive = random.integers(0, 20, 300).astype(float), random.random(300) < 0.2
    assert auroc(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert auroc(scores, np.ones(300, bool)) is None


def test_missing_points_do_not_count_and_large_errors_are_found():
    errors, sizes = drawn("gaussian")
    truth = np.zeros((POINTS // 5, 5, 2))
    predicted, deviations = errors.reshape(truth.shape), sizes.reshape(truth.shape[:2])
    truth[:10, 3] = np.nan
    found = score_deviations(predicted, truth, deviations, "gaussian")
    assert found.points == POINTS - 10
    assert found.far_points == int((np.linalg.norm(predicted - truth, axis=-1) > 4).sum()) > 50
    assert found.far_auroc > 0.8
    assert found.off < 0.02
    assert [one.points for one in found.reliability] == [POINTS // 10 - 1] * 10
    for one in found.reliability:
        assert one.rmse == pytest.approx(one.deviation, rel=0.1)
    assert score_deviations(predicted, np.full_like(truth, np.nan), deviations, "gaussian") is None


def test_lengths_belong_to_the_size_of_the_image():
    errors, sizes = drawn("gaussian")
    points, size = errors[:, None], sizes[:, None]
    small = score_deviations(points, np.zeros_like(points), size, "gaussian", 96)
    large = score_deviations(2 * points, np.zeros_like(points), 2 * size, "gaussian", 192)
    assert (large.far, large.far_points) == (2 * small.far, small.far_points)
    assert large.within == small.within
