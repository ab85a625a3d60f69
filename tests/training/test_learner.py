import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.training.learner import Learner, to_network
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import LIBRARY, MATMUL, Plan


def with_dropout():
    import keras
    from keras import layers

    inputs = keras.Input((96, 96, 1))
    x = layers.Dropout(0.5)(layers.Flatten()(layers.AveragePooling2D(16)(inputs)))
    return keras.Model(inputs, layers.Dense(30)(x))


def test_what_dropout_drops_next_is_part_of_the_state():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 96, 96), np.uint8)
    targets, weights = rng.normal(0, 0.5, (4, 30)).astype(np.float32), np.ones(4, np.float32)
    learner = Learner(with_dropout, Recipe(batch=4), 10, Plan("float32", 2), ModelSpec())
    learner.step(images, targets, weights)
    state = learner.state()
    onward = [learner.step(images, targets, weights) for _ in range(2)]
    learner.restore(state)
    assert [learner.step(images, targets, weights) for _ in range(2)] == onward


def test_a_dense_layer_starts_at_the_mean_shape():
    rng = np.random.default_rng(0)
    shape = rng.uniform(20, 76, (15, 2)).astype(np.float32)
    shape[3] = np.nan  # no face has this point
    learner = Learner(with_dropout, Recipe(batch=4), 10, Plan("float32", 1), ModelSpec())
    images = rng.integers(0, 256, (4, 96, 96), np.uint8)
    random = learner.predict(images)
    learner.start_at(shape)
    off = np.abs(learner.predict(images) - np.nan_to_num(shape, nan=47.5))
    assert off.max() < 0.06 * np.abs(random - 47.5).max()
    assert np.allclose(learner.model.get_weights()[-1], learner.averaged.get_weights()[-1])


def test_both_kernels_of_a_filters_gradient_take_the_same_step():
    import keras
    from keras import layers

    def network():
        inputs = x = keras.Input((96, 96, 1))
        for filters in (16, 32):
            x = layers.MaxPooling2D()(layers.LeakyReLU()(layers.Conv2D(filters, 3, padding="same")(x)))
        return keras.Model(inputs, layers.Dense(30)(layers.Flatten()(x)))

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 96, 96), np.uint8)
    targets, weights = rng.normal(0, 0.5, (4, 30)).astype(np.float32), np.ones(4, np.float32)
    losses = {}
    for how in (LIBRARY, MATMUL):
        learner = Learner(network, Recipe(batch=4, learning_rate=1e-4), 10, Plan("float32", 2, how), ModelSpec())
        kinds = [type(layer).__name__ for layer in learner.model.layers]
        assert ("MatmulConv2D" in kinds) == (how == MATMUL)
        losses[how] = [learner.step(images, targets, weights) for _ in range(4)]
    assert losses[MATMUL] == pytest.approx(losses[LIBRARY], rel=1e-3)
    assert losses[LIBRARY][3] < losses[LIBRARY][0]


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(),
        InputSpec(64, "rgb"),
        InputSpec(32, "gray", "-1..1"),
        InputSpec(64, "rgb", "0..255"),
        InputSpec(64, "rgb", "standardized", (120, 110, 100), (60, 50, 40)),
    ],
    ids=lambda spec: f"{spec} {spec.scaling}",
)
def test_the_graph_scales_pixels_as_the_spec_does(spec):
    import tensorflow as tf

    images = np.random.default_rng(0).integers(0, 256, (3, *spec.image_shape), np.uint8)
    np.testing.assert_allclose(to_network(tf.constant(images), spec).numpy(), spec.to_network(images), rtol=1e-6)
    features = tf.ones((3, 7))
    assert to_network(features, spec) is features


def test_points_are_answered_in_pixels_of_the_specs_image():
    import keras

    spec = ModelSpec(KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip"), InputSpec(64, "rgb"))

    def network():
        inputs = keras.Input((64, 64, 3))
        return keras.Model(inputs, keras.layers.Dense(6)(keras.layers.GlobalAveragePooling2D()(inputs)))

    learner = Learner(network, Recipe(batch=2), 10, Plan("float32", 1), spec)
    shape = np.array([[0, 0], [63, 63], [31.5, 20]], np.float32)
    learner.start_at(shape)
    answers = learner.predict(np.zeros((2, 64, 64, 3), np.uint8))
    np.testing.assert_allclose(answers, np.stack([shape, shape]), atol=1e-4)
