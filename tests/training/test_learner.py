import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.training.learner import Learner
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import LIBRARY, PRODUCTS, Plan


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
    learner = Learner(with_dropout, Recipe(batch=4), 10, Plan("float32", 2))
    learner.step(images, targets, weights)
    state = learner.state()
    onward = [learner.step(images, targets, weights) for _ in range(2)]
    learner.restore(state)
    assert [learner.step(images, targets, weights) for _ in range(2)] == onward


def test_a_dense_layer_starts_at_the_mean_shape():
    rng = np.random.default_rng(0)
    shape = rng.uniform(20, 76, (15, 2)).astype(np.float32)
    shape[3] = np.nan  # no face has this point
    learner = Learner(with_dropout, Recipe(batch=4), 10, Plan("float32", 1))
    images = rng.integers(0, 256, (4, 96, 96), np.uint8)
    random = learner.predict(images)
    learner.start_at(shape)
    off = np.abs(learner.predict(images) - np.nan_to_num(shape, nan=47.5))
    assert off.max() < 0.06 * np.abs(random - 47.5).max()
    assert np.allclose(learner.model.get_weights()[-1], learner.averaged.get_weights()[-1])


def test_both_ways_to_a_filters_gradient_take_the_same_step():
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
    for how in (LIBRARY, PRODUCTS):
        learner = Learner(network, Recipe(batch=4, learning_rate=1e-4), 10, Plan("float32", 2, how))
        kinds = [type(layer).__name__ for layer in learner.model.layers]
        assert ("ProductConv2D" in kinds) == (how == PRODUCTS)
        losses[how] = [learner.step(images, targets, weights) for _ in range(4)]
    assert losses[PRODUCTS] == pytest.approx(losses[LIBRARY], rel=1e-3)
    assert losses[LIBRARY][3] < losses[LIBRARY][0]
