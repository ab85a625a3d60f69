"""Training of a network's own deviations: the body and the points stay as they are, two small layers learn.

What a frozen body makes of an image never changes, so it is computed once for a large set of altered faces. Two pairs
of layers learn from it at once, one by the Gaussian and one by the Laplace likelihood of the errors; the pair that
makes the errors on validation persons more likely is kept, and one factor calibrates it on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.data.augment import painted_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.deviations import (
    DeviationScore,
    auroc,
    calibrating_factor,
    log_likelihood,
    score_deviations,
)
from edgefkp.layout import LIKELIHOODS, ModelSpec
from edgefkp.networks.deviation import deviation_layers, feature_network, points_only, with_deviation
from edgefkp.training.fit import Labeled
from edgefkp.training.learner import to_network
from edgefkp.training.recipe import Recipe

BATCH = 64  # images that the body sees at once
FIRST = 0.03  # the deviation before training, in halves of the image's side
# The second part of the loss: a painted-over point is told from others by its deviation, compared with what is usual
# for that point in the batch.
PAINTED_SHARE = 0.3  # of this part in the loss
PAINTED_WEIGHT = 10.0  # of painted-over points, which are few
PAINTED_AT, PAINTED_STEEPNESS = 0.7, 3.0  # logarithm of the ratio at which both are equally likely: twice the usual
LEAST_SPREAD = 0.2  # of the median deviation of features of a kind
COPIES = 4  # altered ones of each validation face, for the AUROC of painted-over points


@dataclass(frozen=True, eq=False)
class Examples:
    """What a frozen network makes of faces."""

    features: np.ndarray  # (N, F) float32
    errors: np.ndarray  # (N, K, 2) float32 in halves of the image's side, NaN = missing
    painted: np.ndarray  # (N, K) bool: the points that were painted over
    weights: np.ndarray  # (N,) float32, of each face in the loss

    @property
    def known(self) -> np.ndarray:
        """(N, K) bool"""
        return ~np.isnan(self.errors).any(-1)


@dataclass(frozen=True)
class DeviationFit:
    """A network with deviations."""

    model: Any  # keras.Model: the points as before, then the deviations
    likelihood: str  # one of LIKELIHOODS
    facts: dict[str, Any]  # for the card


def fit_deviation(
    model: Any,
    faces: TrainingSet,
    validation: Labeled,
    recipe: Recipe,
    spec: ModelSpec,
    on_images: Callable[[int], None] = lambda images: None,
) -> DeviationFit:
    """Give `model`, a trained keras.Model of points, deviations that are learned from `faces`, altered on the fly.

    recipe: `images` altered images, `epochs` passes over what the network makes of them. on_images: receives how many
    images the network has seen since the last time. Raises EdgefkpError without labeled validation faces.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    seen = feature_network(points_only(model))
    see = _Eyes(seen, spec, on_images)
    judged = see.as_they_are(validation)
    if not judged.known.any():
        raise EdgefkpError("no validation face has a labeled point, by which deviations are calibrated")
    known = see.altered(faces, recipe.images or len(faces), recipe, recipe.seed)
    layers = {name: deviation_layers(spec.layout.count) for name in LIKELIHOODS}
    _learn(layers, known, recipe, [tensor.shape[-1] for tensor in seen.outputs[1:]])
    fits = {name: _judged(pair, judged, name) for name, pair in layers.items()}
    best = max(fits, key=lambda name: fits[name][1])
    factor, _ = fits[best]
    last = layers[best][-1]
    last.bias.assign(np.array(last.bias) + np.log(factor))
    whole = with_deviation(seen, layers[best])
    score = _score(layers[best], judged, best, spec)
    validation_set = TrainingSet(validation.images, validation.keypoints, layout=faces.layout)
    hidden = see.altered(validation_set, COPIES * len(validation_set), recipe, recipe.seed + 1)
    deviations = _deviations(layers[best], hidden.features)
    painted = auroc(deviations[hidden.known], hidden.painted[hidden.known])
    facts = {
        "likelihood": best,
        "log_likelihood": {name: likelihood for name, (_, likelihood) in fits.items()},
        "factor": factor,
        "images": len(known.features),
        "within": list(score.within),
        "nominal": list(score.nominal),
        "far_auroc": score.far_auroc,
        "painted_auroc": painted,
    }
    return DeviationFit(whole, best, facts)


class _Eyes:
    """The frozen network."""

    def __init__(self, seen: Any, spec: ModelSpec, on_images: Callable[[int], None]) -> None:
        import tensorflow as tf

        self._spec, self._on_images = spec, on_images
        self._forward = tf.function(lambda images: seen(to_network(images, spec.input), training=False))

    def altered(self, faces: TrainingSet, count: int, recipe: Recipe, seed: int) -> Examples:
        """`count` altered copies, each face as often as the others."""
        order = np.random.default_rng(seed)
        turns = [order.permutation(len(faces)) for _ in range(-(-count // len(faces)))]
        rows = np.concatenate(turns)[:count]
        parts = []
        for number, start in enumerate(range(0, count, BATCH)):
            some = rows[start : start + BATCH]
            rng = np.random.default_rng([seed, number])
            batch = painted_batch(faces.images[some], faces.targets[some], rng, recipe.online, self._spec.layout)
            parts.append(self._examples(*batch, faces.weights[some]))
        return _joined(parts)

    def as_they_are(self, faces: Labeled) -> Examples:
        parts = []
        for start in range(0, len(faces.images), BATCH):
            images, points = faces.images[start : start + BATCH], faces.keypoints[start : start + BATCH]
            nothing = np.zeros(points.shape[:2], bool)
            parts.append(self._examples(images, points, nothing, np.ones(len(images), np.float32)))
        return _joined(parts)

    def _examples(self, images: np.ndarray, points: np.ndarray, painted: np.ndarray, weights: np.ndarray) -> Examples:
        whole = np.resize(images, (BATCH, *images.shape[1:]))  # full batches: one trace
        outputs, *kinds = (part.numpy()[: len(images)] for part in self._forward(whole))
        errors = (outputs - self._spec.encode(points)).reshape(*points.shape)
        self._on_images(len(images))
        return Examples(np.concatenate(kinds, 1), errors, painted, weights)


def _joined(parts: list[Examples]) -> Examples:
    return Examples(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Examples.__dataclass_fields__)
    )


def _spread(features: np.ndarray, kinds: Sequence[int]) -> np.ndarray:
    """(F,) the deviation of each feature, but at least a share of what is usual for its kind.

    The center of a map that nothing lights up hardly moves. Counted in its own deviation, it would get weights hundreds
    of times as large as the others, and 8 bits, which have one scale for all, would leave nothing of those.
    kinds: how many features there are of each, in their order.
    """
    parts = np.split(features.std(0), np.cumsum(kinds)[:-1])
    return np.concatenate([np.maximum(part, LEAST_SPREAD * np.median(part) + 1e-3) for part in parts])


def _learn(layers: dict[str, list[Any]], known: Examples, recipe: Recipe, kinds: Sequence[int]) -> None:
    """Train each pair of layers by the likelihood it is named after; kinds: as `_spread`."""
    import keras
    import tensorflow as tf

    middle, spread = known.features.mean(0), _spread(known.features, kinds)
    features, errors = (known.features - middle) / spread, np.nan_to_num(known.errors)
    usual = np.log(FIRST)
    for pair in layers.values():
        for layer, shape in zip(pair, (features.shape, (None, pair[0].units)), strict=True):
            layer.build(shape)
        pair[-1].bias.assign(np.full(pair[-1].units, usual, np.float32))
    variables = [variable for pair in layers.values() for layer in pair for variable in layer.trainable_variables]
    batch = min(recipe.batch, len(features))
    steps = recipe.epochs * (len(features) // batch)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps), weight_decay=recipe.weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(variables)

    @tf.function
    def step(x: Any, error: Any, weight: Any, painted: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.add_n([_loss(name, _through(pair, x), error, weight, painted) for name, pair in layers.items()])
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    weights = (known.known * known.weights[:, None]).astype(np.float32)
    painted = known.painted.astype(np.float32)
    rng = np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs):
        order = rng.permutation(len(features))
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            step(features[rows], errors[rows], weights[rows], painted[rows])
    for pair in layers.values():  # they take features as the network has them
        kernel, bias = pair[0].get_weights()
        kernel = kernel / spread[:, None]
        pair[0].set_weights([kernel, bias - middle @ kernel])


def _through(pair: list[Any], x: Any) -> Any:
    for layer in pair:
        x = layer(x)
    return x


def _loss(likelihood: str, logs: Any, error: Any, weight: Any, painted: Any) -> Any:
    """The negative logarithm of the likelihood, without its constant, and what tells painted-over points from others.

    logs: (B, K) logarithms of deviations. error: (B, K, 2). weight: (B, K), 0 for missing points.
    """
    import tensorflow as tf

    times = tf.abs(error) * tf.exp(-logs)[..., None]
    each = 0.5 * times**2 if likelihood == "gaussian" else np.float32(np.sqrt(2)) * times
    unlikely = tf.reduce_sum((2 * logs + tf.reduce_sum(each, -1)) * weight) / tf.maximum(tf.reduce_sum(weight), 1e-6)
    beyond = logs - tf.stop_gradient(tf.reduce_mean(logs, 0))
    told = tf.nn.sigmoid_cross_entropy_with_logits(painted, PAINTED_STEEPNESS * (beyond - PAINTED_AT))
    return unlikely + PAINTED_SHARE * tf.reduce_mean(told * (1 + (PAINTED_WEIGHT - 1) * painted))


def _deviations(pair: list[Any], features: np.ndarray) -> np.ndarray:
    """(N, K) float64 in halves of the image's side."""
    return np.exp(np.array(_through(pair, features)).astype(np.float64))


def _judged(pair: list[Any], judged: Examples, likelihood: str) -> tuple[float, float]:
    """The calibrating factor, and the logarithm of the errors' likelihood with it."""
    errors, sizes = judged.errors[judged.known], _deviations(pair, judged.features)[judged.known]
    factor = calibrating_factor(errors, sizes, likelihood)
    return factor, log_likelihood(errors, factor * sizes, likelihood)


def _score(pair: list[Any], judged: Examples, likelihood: str, spec: ModelSpec) -> DeviationScore:
    errors, sizes = judged.errors * spec.unit, _deviations(pair, judged.features) * spec.unit
    found = score_deviations(errors, np.where(np.isnan(errors), np.nan, 0.0), sizes, likelihood, spec.input.side)
    assert found is not None
    return found
