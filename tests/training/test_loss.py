"""Missing points never touch the loss."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from edgefkp.training.loss import labeled_weight, masked_sum
from edgefkp.training.recipe import LOSSES

ONES = np.ones(4, np.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_missing_points_have_no_loss_and_no_gradient(name):
    rng = np.random.default_rng(0)
    targets = rng.uniform(-1, 1, (4, 30)).astype(np.float32)
    targets[:, 7:] = np.nan
    outputs = tf.Variable(rng.uniform(-1, 1, (4, 30)).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = masked_sum(name, 0.1, outputs, targets, ONES)
    gradient = tape.gradient(loss, outputs).numpy()
    assert np.isfinite(gradient).all()
    assert (gradient[:, 7:] == 0).all()
    assert (gradient[:, :7] != 0).all()
    assert float(loss) == pytest.approx(float(masked_sum(name, 0.1, outputs[:, :7], targets[:, :7], ONES)), rel=1e-6)
    assert float(labeled_weight(targets, ONES)) == 28


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_zero_at_the_truth_grows_with_the_error_and_has_no_jump(name):
    sizes = np.linspace(0, 0.6, 2001, dtype=np.float32)
    values = np.array(
        [float(masked_sum(name, 0.1, s.reshape(1, 1), np.zeros((1, 1), np.float32), ONES[:1])) for s in sizes[::20]]
    )
    assert values[0] == 0
    assert (np.diff(values) > 0).all()
    assert np.diff(values).max() < 5 * np.median(np.diff(values)) + 1e-3


def test_a_batch_without_any_label_is_not_a_division_by_zero():
    assert float(labeled_weight(np.full((4, 30), np.nan, np.float32), ONES)) > 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_face_of_weight_two_counts_as_two_faces(name):
    rng = np.random.default_rng(0)
    targets, outputs = (rng.uniform(-1, 1, (2, 30)).astype(np.float32) for _ in range(2))
    weights = np.array([2, 1], np.float32)
    twice = [0, 0, 1]
    ones = np.ones(3, np.float32)
    assert float(masked_sum(name, 0.1, outputs, targets, weights)) == pytest.approx(
        float(masked_sum(name, 0.1, outputs[twice], targets[twice], ones)), rel=1e-5
    )
    assert float(labeled_weight(targets, weights)) == float(labeled_weight(targets[twice], ones))
