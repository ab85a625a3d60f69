"""A frozen backbone sees each image once, and the network that comes back is the one that was scored."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.data.faces import faces_of
from edgefkp.data.imputation import TrainingSet
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.training import batches
from edgefkp.training.features import fit_head
from edgefkp.training.recipe import Recipe


def network():
    import keras
    from keras import layers

    inputs = keras.Input((96, 96, 1))
    x = layers.Conv2D(4, 3, strides=4, activation="relu", trainable=False, name="backbone")(inputs)
    return keras.Model(inputs, layers.Dense(30, name="keypoints")(layers.Flatten()(x)))


def test_head_on_features(monkeypatch):
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 64)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (70, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (70, 15, 2))).astype(np.float32)
    made = []

    def make():
        made.append(network())
        return made[-1]

    faces, validation = TrainingSet(images[:50], keypoints[:50]), faces_of(images[50:], keypoints[50:])
    result = fit_head(make, faces, validation, Recipe(images=256, batch=16), ModelSpec())
    assert len(made) == 1  # training never ran the backbone
    outputs = result.model(validation.images[..., None].astype(np.float32) / 255).numpy()
    assert rmse(ModelSpec().decode(outputs), validation.keypoints) == pytest.approx(
        result.best["validation_rmse"], rel=1e-4
    )
    assert result.best["validation_rmse"] < result.history[0]["validation_rmse"]
