"""A network that a test defines is trained by its name, for points and an input that no other network knows."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout
from edgefkp.networks.registry import NETWORKS, Network
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import Recipe
from edgefkp.training.train import train

EARS = PointLayout(
    "ears", ("left_ear", "right_ear", "chin"), ((0.9, 0.5), (0.1, 0.5), (0.5, 0.9)), (("left_ear",), ("right_ear",))
)
RECIPE = Recipe(images=32, batch=16)


def one_layer(spec, width=4):
    import keras
    from keras import layers

    inputs = keras.Input(spec.input.shape, name="pixels")
    x = layers.Flatten()(layers.Conv2D(width, 3, strides=8, activation="relu")(inputs))
    return keras.Model(inputs, layers.Dense(spec.numbers, name="keypoints")(x))


@pytest.fixture
def pico():
    yield NETWORKS.add(Network("pico", "one layer", one_layer, {"width": 2}))
    NETWORKS.remove("pico")


def drawn(colors: str) -> Dataset:
    spec, rng = InputSpec(64, colors), np.random.default_rng(0)
    images = rng.integers(0, 256, (40, *spec.image_shape), np.uint8)
    points = (EARS.mean_points(64) + rng.normal(0, 2, (40, 3, 2))).astype(np.float32)
    points[::4, 1] = np.nan
    return Dataset("made", faces_of(images, points, layout=EARS), None, "drawn; free")


@pytest.mark.parametrize(("augment", "colors"), [("none", "rgb"), ("online", "gray"), ("online", "rgb")])
def test_two_steps_and_a_card_that_says_for_what(pico, augment, colors, tmp_path):
    source = drawn(colors)
    path, card = train(Experiment("pico", augment=augment, recipe=RECIPE), source, tmp_path)
    assert path.name == f"pico.ears.64{colors}-masked{'-online' if augment == 'online' else ''}.keras"
    assert read_card(path) == card
    assert (card.model, card.layout, card.input) == (path.stem, EARS, InputSpec(64, colors))
    assert card.history[-1]["images"] == 32
    # From the mean shape, not from a random one: most of the way is behind it.
    assert card.metrics["validation_rmse"] < 10


def test_a_frozen_network_trains_its_head(tmp_path):
    NETWORKS.add(Network("icy", "frozen", lambda spec, frozen: one_layer(spec), {"frozen": True}))
    try:
        _, card = train(Experiment("icy", augment="none", recipe=RECIPE), drawn("rgb"), tmp_path)
    finally:
        NETWORKS.remove("icy")
    assert card.model == "icy.ears.64rgb-masked"
    assert card.training["plan"]["lanes"] == 1


def test_a_plan_is_timed_for_what_is_trained(pico, monkeypatch):
    from edgefkp.layout import ModelSpec
    from edgefkp.training import autotune
    from edgefkp.training.step_plan import Plan

    monkeypatch.setattr(autotune, "TRIAL_SECONDS", 0.0)
    spec = ModelSpec(EARS, InputSpec(64, "rgb"))
    assert autotune.run_trial("pico", {"width": 3}, 4, spec, Plan("float32", 2)) > 0
    assert KAGGLE15.count != EARS.count
