from dataclasses import replace

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.deviations import auroc
from edgefkp.layout import LIKELIHOODS
from edgefkp.networks.deviation import deviation_layers
from edgefkp.runtime.predictor import open_predictor
from edgefkp.training.deviate import deviate
from edgefkp.training.deviation import Examples, _deviations, _learn
from edgefkp.training.recipe import read_recipe
from edgefkp.training.start import open_start
from edgefkp.training.train import Progress
from tests.tiny_network import own_faces

pytest.importorskip("tensorflow")
IMAGES = draw_all(20, seed=4)[0]
RECIPE = replace(read_recipe("deviation"), images=600, epochs=20, batch=64)


@pytest.fixture(scope="module")
def source():
    return own_faces(60, offset=0.0)


@pytest.fixture(scope="module")
def made(trained_tiny, source, tmp_path_factory):
    seen = []
    progress = Progress(on_start=seen.append, on_batch=seen.append)
    path, card = deviate("tiny", str(trained_tiny), source, RECIPE, tmp_path_factory.mktemp("out"), progress)
    assert seen[0] == sum(seen[1:])
    return path, card


def test_points_stay_what_they_were(made, trained_tiny):
    path, card = made
    assert path.name == trained_tiny.name
    points, deviations = open_predictor(path).predict_with_deviation(IMAGES)
    assert (points == open_predictor(trained_tiny).predict(IMAGES)).all()
    assert deviations.shape == (20, 15)
    assert (deviations > 0).all()
    assert np.ptp(deviations, axis=0).min() > 0  # of each point, from face to face
    before = read_card(trained_tiny)
    assert (card.network, card.imputation, card.data) == (before.network, before.imputation, card.data)
    assert card.macs > before.macs
    assert (card.output.points, card.output.deviation) == ("keypoints", "deviation")


def test_deviations_are_calibrated_on_validation_persons(made):
    facts = made[1].training["deviation"]
    assert facts["likelihood"] == made[1].output.likelihood
    assert facts["log_likelihood"][facts["likelihood"]] == max(facts["log_likelihood"].values())
    assert np.abs(np.subtract(facts["within"], facts["nominal"])).max() < 0.12  # of few validation faces
    assert 0 < facts["painted_auroc"] < 1  # so few faces teach little; see the next test


def test_what_shows_errors_and_paint_is_learned():
    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 6)).astype(np.float32)
    painted = np.repeat(features[:, :1] > 1, 3, 1)
    sizes = 0.03 * np.exp(0.5 * features[:, 1:4])  # of three points
    errors = (random.normal(size=(2000, 3, 2)) * sizes[..., None]).astype(np.float32)
    errors[:100, 0] = np.nan
    known = Examples(features, errors, painted, np.ones(2000, np.float32))
    layers = {name: deviation_layers(3) for name in LIKELIHOODS}
    _learn(layers, known, replace(RECIPE, epochs=40), [6])
    for pair in layers.values():
        found = _deviations(pair, features)
        for point in range(3):
            shown = ~painted[:, point]
            assert np.corrcoef(np.log(found[shown, point]), np.log(sizes[shown, point]))[0, 1] > 0.8
        assert auroc(found.ravel(), painted.ravel()) > 0.75


def test_a_feature_that_hardly_moves_gets_no_weights_beside_which_the_others_are_nothing():
    import keras

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 8)).astype(np.float32)
    features[:, 2] *= 1e-3  # the center of a map that nothing lights up
    features[:, 4:] *= 0.01  # another kind, on a scale of its own
    sizes = 0.03 * np.exp(0.5 * features[:, :1] + 50 * features[:, 4:5])
    errors = (random.normal(size=(2000, 3, 2)) * sizes[..., None]).astype(np.float32)
    known = Examples(features, errors, np.zeros((2000, 3), bool), np.ones(2000, np.float32))
    layers = {name: deviation_layers(3) for name in LIKELIHOODS}
    _learn(layers, known, replace(RECIPE, epochs=40), [4, 4])
    for pair in layers.values():
        largest = np.abs(pair[0].get_weights()[0]).max(1)
        assert largest[2] < 50 * np.median(largest[:4])  # and not 400 times
        assert np.corrcoef(np.log(sizes[:, 0]), np.log(_deviations(pair, features)[:, 0]))[0, 1] > 0.9


def test_what_is_there_is_neither_made_again_nor_replaced_unasked(made, trained_tiny, source):
    path, card = made
    notes = []
    progress = Progress(on_note=notes.append)
    for start in (trained_tiny, path):
        again = deviate("tiny", str(start), source, RECIPE, path.parent, progress)
        assert again == (path, card)
    assert len(notes) == 2
    with pytest.raises(EdgefkpError, match="--replace"):
        deviate("tiny", str(trained_tiny), source, replace(RECIPE, seed=1), path.parent, progress)


def test_a_network_with_deviations_is_a_start_for_others(made, trained_tiny):
    start, before = open_start(made[0]), open_start(trained_tiny)
    assert start.spec == before.spec
    assert len(start.model.outputs) == 1
    assert [layer.name for layer in start.model.layers] == [layer.name for layer in before.model.layers]


def test_the_start_has_to_be_what_was_asked_for(trained_tiny, source, tmp_path):
    with pytest.raises(UsageError, match="'tiny', and 'nano'"):
        deviate("nano", str(trained_tiny), source, RECIPE, tmp_path, Progress())
