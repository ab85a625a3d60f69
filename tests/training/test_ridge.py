"""The solved head of a frozen backbone is the best there is, and the same whether it was stopped on the way or not."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import Recipe
from edgefkp.training.ridge import STRENGTHS, Moments


@pytest.fixture
def images():
    """(features, targets with gaps, weights) of 200 images: two outputs share their gaps, one has none."""
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(200, 8)) + 5).astype(np.float32)
    targets = (features @ rng.normal(size=(8, 4)) + rng.normal(size=(200, 4))).astype(np.float32)
    targets[::3, :2] = np.nan
    targets[1::4, 2] = np.nan
    return features, targets, rng.random(200).astype(np.float32)


def summed(images, size: int) -> Moments:
    moments = Moments(8, 4)
    for start in range(0, len(images[0]), size):
        moments.add(*(part[start : start + size] for part in images))
    return moments


@pytest.mark.parametrize("size", [7, 200])
def test_without_a_penalty_each_output_has_the_least_squares_layer_of_the_images_that_have_it(images, size):
    features, targets, weights = images
    (layer,) = summed(images, size).layers((0.0,))
    for output in range(4):
        rows = np.isfinite(targets[:, output])
        root = np.sqrt(weights[rows].astype(np.float64))
        columns = np.hstack([features[rows], np.ones((rows.sum(), 1))]) * root[:, None]
        expected = np.linalg.lstsq(columns, targets[rows, output] * root, rcond=None)[0]
        found = np.append(layer.kernel[:, output], layer.bias[output])
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_penalty_holds_the_kernel_and_not_the_bias(images):
    _, targets, weights = images
    (layer,) = summed(images, 50).layers((1e9,))
    np.testing.assert_allclose(layer.kernel, 0, atol=1e-6)
    labeled = np.isfinite(targets)
    means = np.where(labeled, targets, 0).T @ weights / (labeled.T @ weights)
    np.testing.assert_allclose(layer.bias, means, rtol=1e-4)


def test_a_penalty_is_relative_to_the_variance_of_the_features(images):
    features, targets, weights = images
    (layer,) = summed(images, 50).layers((0.1,))
    (same,) = summed((10 * features, targets, weights), 50).layers((0.1,))
    np.testing.assert_allclose(10 * same.kernel, layer.kernel, atol=1e-4)


def test_an_output_that_no_image_has_stays_in_the_middle(images):
    features, targets, weights = images
    targets[:, 1] = np.nan
    (layer,) = summed((features, targets, weights), 50).layers((0.1,))
    assert not layer.kernel[:, 1].any()
    assert layer.bias[1] == 0
    assert np.isfinite(layer.kernel).all()


def test_sums_go_on_where_they_were_stored(images):
    whole = summed(images, 50)
    part = summed(tuple(array[:100] for array in images), 50)
    again = Moments(8, 4)
    again.restore([np.array(array) for array in part.state()])
    for start in (100, 150):
        again.add(*(array[start : start + 50] for array in images))
    for one, other in zip(whole.layers(STRENGTHS), again.layers(STRENGTHS), strict=True):
        np.testing.assert_array_equal(one.kernel, other.kernel)


def test_a_backbone_that_learns_has_no_head_to_solve():
    with pytest.raises(UsageError, match="the head of mobilenetv2 cannot be solved"):
        Experiment("mobilenetv2", recipe=Recipe(head="ridge"))
    assert Experiment("mobilenetv2_frozen", recipe=Recipe(head="ridge")).recipe.head == "ridge"
    with pytest.raises(UsageError, match="unknown head 'lasso'"):
        Recipe(head="lasso")


def network(last: str = "keypoints"):
    import keras
    from keras import layers

    inputs = keras.Input((96, 96, 1))
    x = layers.Conv2D(4, 3, strides=16, activation="relu", trainable=False, name="backbone")(inputs)
    return keras.Model(inputs, layers.Dense(30, name=last)(layers.Flatten()(x)))


@pytest.fixture
def faces(monkeypatch):
    """(to learn from, to validate): noise whose points follow the brightness of its four quarters."""
    from edgefkp.data.faces import faces_of
    from edgefkp.data.imputation import TrainingSet
    from edgefkp.layout import KAGGLE15
    from edgefkp.training import batches

    monkeypatch.setattr(batches, "EPOCH_IMAGES", 48)
    rng = np.random.default_rng(0)
    light = rng.uniform(60, 190, (70, 2, 2))
    images = np.clip(light.repeat(48, 1).repeat(48, 2) + rng.normal(0, 5, (70, 96, 96)), 0, 255).astype(np.uint8)
    moved = light.reshape(70, 4) @ rng.normal(0, 0.05, (4, 30))
    keypoints = (KAGGLE15.mean_points() + moved.reshape(70, 15, 2)).astype(np.float32)
    learned = keypoints[:48].copy()
    learned[::2, 5:] = np.nan
    return TrainingSet(images[:48], learned), faces_of(images[48:], keypoints[48:])


def test_the_network_that_comes_back_is_the_one_that_was_scored(faces):
    pytest.importorskip("tensorflow")
    from edgefkp.evaluation.metrics import rmse
    from edgefkp.layout import ModelSpec
    from edgefkp.training.ridge import fit_ridge

    learned, validation = faces
    result = fit_ridge(network, learned, validation, Recipe(images=96, batch=16, head="ridge"), ModelSpec())
    outputs = result.model(validation.images[..., None].astype(np.float32) / 255).numpy()
    scored = rmse(ModelSpec().decode(outputs), validation.keypoints)
    assert scored == pytest.approx(result.best["validation_rmse"], rel=1e-3)
    mean = np.broadcast_to(np.nanmean(learned.targets, 0), validation.keypoints.shape)
    assert scored < 0.2 * rmse(mean, validation.keypoints)
    assert [row["images"] for row in result.history] == [48]
    tried = dict(map(tuple, result.facts["tried"]))
    assert tried[result.facts["strength"]] == min(tried.values()) == pytest.approx(scored, abs=0.001)


def test_altered_images_are_those_of_training_and_a_stopped_run_goes_on(faces, tmp_path):
    pytest.importorskip("tensorflow")
    from edgefkp.layout import ModelSpec
    from edgefkp.training.ridge import fit_ridge

    recipe = Recipe(images=5 * 48, batch=16, head="ridge")
    whole = fit_ridge(network, *faces, recipe, ModelSpec(), True)
    assert [row["images"] for row in whole.history] == [48, 96, 192, 240]  # solved after 1, 2, 4 epochs and the last

    def stop(row):
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    file = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        fit_ridge(network, *faces, recipe, ModelSpec(), True, file, on_epoch=stop)
    shown: list[int] = []
    rest = fit_ridge(network, *faces, recipe, ModelSpec(), True, file, shown.append)
    assert shown[0] == 2 * 48  # what was stored after the second epoch
    for one, other in zip(rest.history, whole.history, strict=True):
        assert one["validation_rmse"] == pytest.approx(other["validation_rmse"])
    for one, other in zip(rest.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_last_layer_is_named(faces):
    pytest.importorskip("tensorflow")
    from edgefkp.layout import ModelSpec
    from edgefkp.training.ridge import fit_ridge

    with pytest.raises(EdgefkpError, match="is points, expected a dense layer 'keypoints'"):
        fit_ridge(lambda: network("points"), *faces, replace(Recipe(images=96), head="ridge"), ModelSpec())
