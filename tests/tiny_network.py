"""A network that trains in a second, in the form of our own: convolutions and maps at two scales."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.synthetic import draw_all
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.networks.ours import plain
from edgefkp.networks.registry import NETWORKS, Network, build
from edgefkp.training.recipe import Recipe, read_recipe
from edgefkp.training.step_plan import Plan

TINY = Network("tiny", "three layers", plain, {"channels": (4, 8), "strides": (4, 2), "head": "pyramid", "maps": 6})
TERMS = "faces of a stranger, for research"
FAST = Recipe(epochs=2, batch=16, precision="float32", learning_rate=1e-3, online=read_recipe("finetune").online)


def own_faces(count: int = 40, offset: float = 3.0, persons: int = 10) -> Dataset:
    """Drawn faces whose owner places every point `offset` pixels further down than the start has learned."""
    images, keypoints = draw_all(count, seed=1)
    groups = np.array([f"person {number % persons}" for number in range(count)])
    moved = (keypoints + np.float32([0, offset])).astype(np.float32)
    return Dataset("mine", faces_of(images, moved, groups=groups), None, "mine alone")


@pytest.fixture
def tiny(monkeypatch) -> Iterator[Network]:
    monkeypatch.setattr("edgefkp.training.train.choose_plan", lambda *arguments: Plan("float32", 1))
    yield NETWORKS.add(TINY)
    NETWORKS.remove("tiny")


@pytest.fixture(scope="session")
def trained_tiny(tmp_path_factory) -> Path:
    """models/tiny-masked-online.keras with its card; its last layer fits drawn faces by least squares."""
    import keras

    from edgefkp.card import Card, CardData, write_with_card
    from edgefkp.training.features import HEAD
    from edgefkp.training.least_squares import Examples, Layer, solve

    keras.utils.set_random_seed(0)
    model, spec = build(TINY), ModelSpec()
    images, keypoints = draw_all(60, seed=0)
    head = model.get_layer(HEAD)
    features = keras.Model(model.input, head.input)(spec.input.to_network(images)).numpy().astype(np.float64)
    known = Examples(features, spec.encode(keypoints).astype(np.float64), np.ones(60), np.arange(60), 60)
    learned = solve(known, Layer(np.zeros(head.kernel.shape), np.zeros(spec.numbers)), 0.1)
    head.set_weights([learned.kernel, learned.bias])
    data = CardData("strangers", "h" * 64, "s" * 64, {"train": 60}, {"train": 60}, TERMS)
    about = {"layout": KAGGLE15, "network": "tiny", "imputation": "masked", "augment": "online", "data": data}
    card = Card("network", "tiny-masked-online", **about)
    path = tmp_path_factory.mktemp("models") / "tiny-masked-online.keras"
    write_with_card(path, card, model.save)
    return path


@pytest.fixture(scope="session")
def doubted_tiny(trained_tiny, tmp_path_factory) -> Path:
    """The same network with deviations that nobody trained, but that differ from face to face."""
    import keras

    from edgefkp.card import read_card, write_with_card
    from edgefkp.networks.deviation import DEVIATION, POINTS, deviation_layers, feature_network, with_deviation
    from edgefkp.runtime.keras_safety import remember_keras

    keras.utils.set_random_seed(0)
    model, card = keras.models.load_model(trained_tiny), read_card(trained_tiny)
    seen, layers = feature_network(model), deviation_layers(KAGGLE15.count)
    random, width = np.random.default_rng(0), sum(tensor.shape[-1] for tensor in seen.outputs[1:])
    for layer, given, bias in zip(layers, (width, layers[0].units), (0.0, -3.5), strict=True):
        layer.build((None, given))
        layer.set_weights([random.normal(0, 0.3, (given, layer.units)), np.full(layer.units, bias)])
    whole = with_deviation(seen, layers)
    path = tmp_path_factory.mktemp("doubted") / trained_tiny.name
    output = replace(card.output, points=POINTS, deviation=DEVIATION)
    write_with_card(path, replace(card, output=output), whole.save)
    remember_keras(path)  # its check takes minutes on a busy machine
    return path
