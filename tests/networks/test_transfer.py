"""Networks on a backbone: the head learns, the backbone only where it is not frozen, and the pixels are scaled for it.

A backbone of two layers stands for MobileNetV2, which takes a minute to trace; the slow test takes the real ones.
"""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.networks.registry import NETWORKS, build
from edgefkp.training.learner import Learner
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import Plan

SPEC = ModelSpec()


def two_layers(include_top, weights, input_shape, alpha=1.0):
    import keras

    assert not include_top
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, strides=8)(inputs)
    return keras.Model(inputs, keras.layers.BatchNormalization()(x))


@pytest.fixture
def small_backbone(monkeypatch):
    import keras

    monkeypatch.setattr(keras.applications, "MobileNetV2", two_layers)


def trained(name, weights=None, **recipe):
    """(the learner after two steps, its backbone's weights before them); the schedule starts at 0."""
    learner = Learner(lambda: build(NETWORKS[name], SPEC, weights), Recipe(batch=2, **recipe), 10, Plan(), SPEC)
    before = learner.model.get_layer("backbone").get_weights()
    images = np.random.default_rng(0).integers(0, 255, (2, 96, 96), np.uint8)
    losses = [learner.step(images, np.zeros((2, 30), np.float32), np.ones(2, np.float32)) for _ in range(2)]
    assert np.isfinite(losses).all()
    return learner, before


def check_training_and_conversion(name):
    learner, before = trained(name)
    backbone = learner.model.get_layer("backbone")
    changed = [(a != b).any() for a, b in zip(before, backbone.get_weights(), strict=True)]
    assert any(changed) != name.endswith("_frozen")
    assert bool(backbone.trainable_weights) != name.endswith("_frozen")
    assert convert(learner.averaged, ConversionSettings("float32"))[4:8] == b"TFL3"


@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv2_frozen"])
def test_a_backbone_trains_unless_it_is_frozen_and_the_network_converts(name, small_backbone):
    check_training_and_conversion(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv2_frozen", "nasnetmobile"])
def test_so_do_the_real_backbones(name):
    check_training_and_conversion(name)


def test_given_weights_are_loaded_and_their_batchnorm_statistics_kept(tmp_path, small_backbone):
    saved = two_layers(False, None, (96, 96, 3))
    file = tmp_path / "backbone.weights.h5"
    saved.save_weights(file)
    learner, before = trained("mobilenetv2", str(file), ema=0)
    for one, other in zip(before, saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    backbone = learner.model.get_layer("backbone")
    assert (backbone.get_weights()[0] != before[0]).any()
    moving = [index for index, weight in enumerate(backbone.weights) if "moving" in weight.path]
    assert len(moving) == 2
    for index in moving:
        np.testing.assert_array_equal(backbone.get_weights()[index], before[index])


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(),
        InputSpec(64, "rgb", "0..255"),
        InputSpec(64, "rgb", "-1..1"),
        InputSpec(64, "rgb", "standardized", (120, 110, 100), (60, 50, 40)),
    ],
    ids=lambda spec: f"{spec.colors} {spec.scaling}",
)
def test_the_backbone_sees_pixels_between_minus_1_and_1(spec, small_backbone):
    import keras

    model = build(NETWORKS["mobilenetv2"], ModelSpec(KAGGLE15, spec), resolution=32)
    backbone = model.get_layer("backbone")
    rng = np.random.default_rng(0)
    image = np.broadcast_to(rng.integers(0, 256, (1, 1, 1, spec.channels)), (1, *spec.shape)).astype(np.uint8)
    before = model.layers[model.layers.index(backbone) - 1]
    seen = keras.Model(model.input, before.output)(spec.to_network(image)).numpy()
    assert seen.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(seen, np.broadcast_to(image[:, :1, :1] / 127.5 - 1, seen.shape), atol=1e-5)


def test_wrong_weights_are_named(tmp_path, small_backbone):
    with pytest.raises(EdgefkpError, match="no weights file"):
        build(NETWORKS["mobilenetv2"], SPEC, str(tmp_path / "none.h5"))
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(b"not h5")
    with pytest.raises(EdgefkpError, match="does not hold weights"):
        build(NETWORKS["mobilenetv2"], SPEC, str(broken))
    with pytest.raises(UsageError):
        build(NETWORKS["small"], SPEC, "imagenet")


def test_imagenet_without_network_says_what_to_do(monkeypatch):
    import keras

    def offline(*args, **kwargs):
        if kwargs.get("weights") == "imagenet":
            raise Exception("URL fetch failure on https://example.invalid: None -- unreachable")

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(EnvironmentProblem, match="could not be downloaded"):
        build(NETWORKS["mobilenetv2"], SPEC, "imagenet")
