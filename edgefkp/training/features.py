"""Frozen backbones: what they see in an image never changes, so it is computed once and only the head is trained."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.layout import InputSpec, ModelSpec
from edgefkp.training.fit import EpochLog, Fit, Labeled, fit
from edgefkp.training.learner import to_network
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import Plan

HEAD = "keypoints"  # the last layer of every network
BATCH = 64
PLAN = Plan("float32", 1)  # a head is one matrix: nothing to divide


@dataclass(frozen=True, eq=False)
class Features:
    """What stands for images once a backbone has seen them."""

    images: np.ndarray  # (N, F) float32, what the backbone made of N images
    keypoints: np.ndarray  # (N, K, 2) pixels


def fit_head(
    make: Callable[[], Any],
    faces: TrainingSet,
    validation: Labeled,
    recipe: Recipe,
    spec: ModelSpec,
    checkpoint: Path | None = None,
    on_batch: Callable[[int], None] = lambda images: None,
    on_epoch: Callable[[EpochLog], None] = lambda row: None,
) -> Fit:
    """As `fit`, for images that are not altered on the fly: the whole network, with a trained head, comes back."""
    PLAN.apply()
    import keras

    keras.utils.set_random_seed(recipe.seed)  # a backbone without given weights must be the same after a resume
    whole = make()
    head = whole.get_layer(HEAD)
    body = keras.Model(whole.input, head.input)
    result = fit(
        lambda: _head_of(head),
        TrainingSet(features_of(body, faces.images, spec.input), faces.targets, layout=faces.layout),
        Features(features_of(body, validation.images, spec.input), validation.keypoints),
        recipe,
        PLAN,
        spec,
        False,
        checkpoint,
        on_batch,
        on_epoch,
    )
    head.set_weights(result.model.get_layer(HEAD).get_weights())
    return replace(result, model=whole)


class Backbone:
    """A network without its last layer, as a function of images: (N, *image_shape) uint8 -> (N, F) float32."""

    def __init__(self, body: Any, spec: InputSpec) -> None:
        import tensorflow as tf

        self._forward = tf.function(lambda pixels: body(to_network(pixels, spec), training=False))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        padded = np.resize(images, (-(-len(images) // BATCH) * BATCH, *images.shape[1:]))  # full batches: one trace
        parts = [self._forward(padded[i : i + BATCH]).numpy() for i in range(0, len(padded), BATCH)]
        return np.concatenate(parts)[: len(images)]


def features_of(body: Any, images: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(N, *image_shape) uint8 -> (N, F) float32."""
    return Backbone(body, spec)(images)


def _head_of(head: Any) -> Any:
    import keras

    inputs = keras.Input(head.input.shape[1:])
    return keras.Model(inputs, head.__class__.from_config(head.get_config())(inputs))
