"""The head of a frozen backbone, solved: the linear layer with the least squared error, by ridge regression.

A backbone that does not learn leaves a linear layer to find, and that has an exact answer, where training steps stop
somewhere on the way to it. Images enter as sums alone, so any number of altered copies takes the same memory. How
strongly the kernel is held at zero is chosen on validation persons; the bias is free. An output learns from the images
that have it. (least_squares.py holds a layer near a trained start, for few faces and by cross-validation.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import ModelSpec
from edgefkp.runtime import signals
from edgefkp.training.batches import epoch_batches, epoch_size
from edgefkp.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from edgefkp.training.features import HEAD, PLAN, Backbone
from edgefkp.training.fit import GAP_FACES, EpochLog, Fit, Labeled
from edgefkp.training.least_squares import Layer, alike
from edgefkp.training.recipe import Recipe

# How strongly the kernel is held at zero, relative to the mean variance of the features.
ROWS = 2048  # images that are added to the sums at once: to add them takes as long for one
STRENGTHS = tuple(float(f"{value:.3g}") for value in np.geomspace(1e-4, 100, 19))


@dataclass(eq=False)
class _Sums:
    """Over the images in which `columns` are labeled; features count from the origin of their Moments."""

    columns: np.ndarray  # (m,) of the outputs
    weight: np.ndarray  # () float64
    x: np.ndarray  # (F,) float64, features
    y: np.ndarray  # (m,) outputs
    xx: np.ndarray  # (F, F)
    xy: np.ndarray  # (F, m)

    def add(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        """(N, F) float32 features of images that have all of `targets`, (N, m), and the (N,) weights of the images."""
        heavy = weights[:, None] * features
        self.weight = self.weight + weights.sum(dtype=np.float64)
        self.x += heavy.sum(0, dtype=np.float64)
        self.y += weights.astype(np.float64) @ targets
        self.xx += heavy.T @ features
        self.xy += heavy.T @ targets

    def of(self, chosen: np.ndarray) -> "_Sums":
        """A copy for some of the columns, given by their positions in `columns`."""
        x, xx = self.x.copy(), self.xx.copy()
        return _Sums(self.columns[chosen], self.weight, x, self.y[chosen], xx, self.xy[:, chosen])


class Moments:
    """All that a linear layer's least squares need to know of any number of images."""

    def __init__(self, features: int, outputs: int) -> None:
        shapes = ((), (features,), (outputs,), (features, features), (features, outputs))
        self._sums = [_Sums(np.arange(outputs), *(np.zeros(shape) for shape in shapes))]
        self._origin: np.ndarray | None = None  # near the mean, so that float32 products keep their digits

    def add(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        """(N, F) float32 features, (N, M) targets with NaN = missing, (N,) weights of the images."""
        if self._origin is None:
            self._origin = features.mean(0)
        x = features - self._origin
        labeled = np.isfinite(targets)
        divided = []
        for sums in self._sums:
            kinds = alike(labeled[:, sums.columns])
            for rows, chosen in kinds:
                part = sums if len(kinds) == 1 else sums.of(chosen)
                if rows.any():
                    part.add(x[rows], targets[rows][:, part.columns], weights[rows])
                divided.append(part)
        self._sums = divided

    def layers(self, strengths: tuple[float, ...]) -> list[Layer]:
        """The best layer for each strength; the outputs that no image has stay 0."""
        count = len(self._sums[0].x)
        outputs = sum(len(sums.columns) for sums in self._sums)
        layers = [Layer(np.zeros((count, outputs)), np.zeros(outputs)) for _ in strengths]
        for sums in self._sums:
            if not sums.weight or self._origin is None:
                continue
            x, y = sums.x / sums.weight, sums.y / sums.weight
            values, vectors = np.linalg.eigh(sums.xx / sums.weight - np.outer(x, x))
            values = np.maximum(values, 0)
            turned = vectors.T @ (sums.xy / sums.weight - np.outer(x, y))
            hold = max(float(values.mean()), 1e-12)
            for strength, layer in zip(strengths, layers, strict=True):
                kernel = vectors @ (turned / (values + strength * hold)[:, None])
                layer.kernel[:, sums.columns] = kernel
                layer.bias[sums.columns] = y - (self._origin + x) @ kernel
        return layers

    def state(self) -> list[np.ndarray]:
        """Everything, as arrays for a checkpoint."""
        origin = [] if self._origin is None else [self._origin]
        return origin + [array for sums in self._sums for array in vars(sums).values()]

    def restore(self, state: list[np.ndarray]) -> None:
        self._origin, size = state[0], len(vars(self._sums[0]))
        self._sums = [_Sums(*state[start : start + size]) for start in range(1, len(state), size)]


@dataclass(frozen=True)
class Solved(Fit):
    """A network with a solved head."""

    facts: dict[str, Any]  # for the card: the strength, and the validation RMSE in px of each that was tried


@dataclass(frozen=True, eq=False)
class _Shown:
    """Faces as the backbone sees them, and their points."""

    features: np.ndarray  # (N, F)
    keypoints: np.ndarray  # (N, K, 2) px
    spec: ModelSpec

    def rmse(self, layer: Layer) -> float:
        return rmse(self.spec.decode(layer(self.features)), self.keypoints)

    def loss(self, layer: Layer) -> float:
        """Mean squared error in the network's units."""
        return float(np.nanmean((layer(self.features) - self.spec.encode(self.keypoints)) ** 2))


def fit_ridge(
    make: Callable[[], Any],
    faces: TrainingSet,
    validation: Labeled,
    recipe: Recipe,
    spec: ModelSpec,
    online: bool = False,
    checkpoint: Path | None = None,
    on_batch: Callable[[int], None] = lambda images: None,
    on_epoch: Callable[[EpochLog], None] = lambda row: None,
) -> Solved:
    """As `fit`, for a network whose head alone learns: the whole network, with the solved head, comes back.

    online: learn from the altered images that training steps would see, as many of them, and solve after the epochs
    1, 2, 4 and so on; else from each face once.
    Raises EdgefkpError for a network that does not end in a dense layer of that name.
    """
    PLAN.apply()
    import keras

    keras.utils.set_random_seed(recipe.seed)  # a backbone without given weights must be the same after a resume
    whole = make()
    head = _dense_head(whole)
    backbone = Backbone(keras.Model(whole.input, head.input), spec.input)
    gap = np.random.default_rng(recipe.seed).permutation(len(faces))[:GAP_FACES]
    learned = _Shown(backbone(faces.images[gap]), faces.targets[gap], spec)
    held_out = _Shown(backbone(validation.images), validation.keypoints, spec)
    moments = Moments(learned.features.shape[1], spec.numbers)
    now = (read_checkpoint(checkpoint) if checkpoint and online else None) or Checkpoint(0, [], PLAN, [], [])
    size = epoch_size(len(faces), recipe.batch)
    steps = size * recipe.epochs if recipe.images is None else max(1, recipe.images // recipe.batch)
    if now.epoch:
        moments.restore(now.state)
        on_batch(min(steps, now.epoch * size) * recipe.batch)
        for row in now.history:
            on_epoch(row)
    spent = now.history[-1]["seconds"] if now.history else 0.0
    start = time.monotonic()
    with signals.deferred() as raise_held:
        for epoch in range(now.epoch, -(-steps // size) if online else 1):
            if online:
                count = min(size, steps - epoch * size)
                rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
                for images, targets, weights in epoch_batches(faces, recipe, epoch, recipe.online, count, spec):
                    rows.append((backbone(images), targets, weights))
                    if len(rows) * recipe.batch >= ROWS:
                        moments.add(*map(np.concatenate, zip(*rows, strict=True)))
                        rows.clear()
                    on_batch(recipe.batch)
                    raise_held()
                if rows:
                    moments.add(*map(np.concatenate, zip(*rows, strict=True)))
                last = epoch * size + count == steps
            else:
                moments.add(backbone(faces.images), spec.encode(faces.targets), faces.weights)
                on_batch(steps * recipe.batch)
                last = True
            if epoch & (epoch + 1) and not last:
                continue
            layers = moments.layers(STRENGTHS)
            scores = [held_out.rmse(layer) for layer in layers]
            layer = layers[int(np.argmin(scores))]
            row = {
                "epoch": epoch + 1,
                "images": (epoch * size + count) * recipe.batch if online else len(faces),
                "loss": learned.loss(layer),
                "train_rmse": learned.rmse(layer),
                "validation_rmse": min(scores),
                "seconds": round(spent + time.monotonic() - start, 2),
            }
            is_best = row["validation_rmse"] < min((r["validation_rmse"] for r in now.history), default=np.inf)
            best = [np.array(scores), layer.kernel, layer.bias] if is_best else now.best
            now = Checkpoint(epoch + 1, [*now.history, row], PLAN, moments.state(), best)
            on_epoch(row)
            if checkpoint and online and not last:
                write_checkpoint(checkpoint, now)
            raise_held()
    tried, kernel, bias = now.best
    head.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return Solved(whole, now.history, min(now.history, key=lambda row: row["validation_rmse"]), PLAN, _facts(tried))


def _dense_head(network: Any) -> Any:
    import keras

    head = network.layers[-1]
    if head.name != HEAD or not isinstance(head, keras.layers.Dense) or not head.use_bias:
        raise EdgefkpError(
            f"the last layer of {network.name} is {head.name}, expected a dense layer '{HEAD}' with a bias",
            'leave "head" out of the recipe: training steps learn any last layer',
        )
    return head


def _facts(scores: np.ndarray) -> dict[str, Any]:
    tried = [[strength, round(float(score), 4)] for strength, score in zip(STRENGTHS, scores, strict=True)]
    return {"strength": STRENGTHS[int(np.argmin(scores))], "tried": tried}
