"""The last layer of a network by least squares, held near where it started: what a few faces can teach.

The last layer is linear in what the body makes of an image, so the best one for the training faces is solved for
instead of searched. A penalty on its distance from the start (ridge regression) decides how much is learned; how strong
it has to be is found by cross-validation over persons. Without any penalty 40 faces would fit by chance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import ModelSpec
from edgefkp.training.features import features_of

# How strongly the last layer is held, relative to the variance of what it is fed. The last one moves all faces'
# points by the same amount, and no more.
PULLS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0, 1000.0)
FOLDS = 5  # of persons
COPIES, ROWS = 8, 6000  # altered copies of each face; fewer where there would be more images than ROWS


@dataclass(frozen=True, eq=False)
class Examples:
    """What the last layer learns from."""

    features: np.ndarray  # (N, F) float64, of the faces and then of their altered copies
    targets: np.ndarray  # (N, 2 K) float64 in the network's units, NaN = missing
    weights: np.ndarray  # (N,) float64, of each face in the sum of squares
    persons: np.ndarray  # (N,) of each row
    untouched: int  # rows that are no copies

    def take(self, rows: np.ndarray) -> "Examples":
        """The rows of a (N,) mask."""
        untouched = int(rows[: self.untouched].sum())
        return Examples(self.features[rows], self.targets[rows], self.weights[rows], self.persons[rows], untouched)


@dataclass(frozen=True, eq=False)
class Layer:
    """A linear layer: outputs = features @ kernel + bias."""

    kernel: np.ndarray  # (F, 2 K)
    bias: np.ndarray  # (2 K,)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = features @ self.kernel + self.bias
        return outputs


@dataclass(frozen=True)
class Chosen:
    """How the strength of the penalty was chosen."""

    pull: float
    folds: int
    rmse: float  # px, pooled over the faces of the persons that each fold left out
    rmse_before: float  # px, what the layer at the start scores on the same faces


def examples(
    body: Any,
    faces: TrainingSet,
    persons: np.ndarray,
    spec: ModelSpec,
    online: AugmentConfig | None,
    seed: int,
) -> Examples:
    """What `body`, a network without its last layer, makes of the faces; `online`: and of copies altered that way.

    persons: (N,) of each face.
    """
    count = min(COPIES, max(1, ROWS // len(faces))) if online else 0
    images, targets = [faces.images], [faces.targets]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        copies, moved = online_batch(faces.images, faces.targets, rng, online or AugmentConfig(), faces.layout)
        images.append(copies)
        targets.append(moved)
    features = features_of(body, np.concatenate(images), spec.input).astype(np.float64)
    times = count + 1
    return Examples(
        features,
        spec.encode(np.concatenate(targets)).astype(np.float64),
        np.tile(faces.weights, times).astype(np.float64),
        np.tile(persons, times),
        len(faces),
    )


def solve(known: Examples, start: Layer, pull: float) -> Layer:
    """The layer with the least weighted sum of squares on `known` plus the penalty on its distance from `start`.

    A coordinate that no face has stays as it starts.
    """
    kernel, bias = start.kernel.astype(np.float64), start.bias.astype(np.float64)
    scale = max(float(known.features[: known.untouched].var(0).mean()), 1e-12)
    residual = known.targets - Layer(kernel, bias)(known.features)
    labeled = np.isfinite(residual)
    for mask, columns in alike(labeled):
        if not mask.any():
            continue
        weights = known.weights[mask] / known.weights[mask].sum()
        x, y = known.features[mask], residual[mask][:, columns]
        x_mean, y_mean = weights @ x, weights @ y
        x, y = (x - x_mean) * np.sqrt(weights)[:, None], (y - y_mean) * np.sqrt(weights)[:, None]
        hold = pull * scale
        if len(x) < x.shape[1]:  # fewer faces than features: the smaller of the two equal systems
            change = x.T @ np.linalg.solve(x @ x.T + hold * np.eye(len(x)), y)
        else:
            change = np.linalg.solve(x.T @ x + hold * np.eye(x.shape[1]), x.T @ y)
        kernel[:, columns] += change
        bias[columns] += y_mean - x_mean @ change
    return Layer(kernel, bias)


def alike(labeled: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The columns of a (N, M) mask that are labeled in the same rows: (the rows, the columns) of each kind."""
    patterns, which = np.unique(labeled, axis=1, return_inverse=True)
    which = which.ravel()
    return [(patterns[:, kind], np.flatnonzero(which == kind)) for kind in range(patterns.shape[1])]


def choose_pull(known: Examples, start: Layer, spec: ModelSpec, seed: int = 0) -> Chosen:
    """The strength of PULLS with the least pooled RMSE on the faces of persons that were left out, FOLDS times.

    Raises EdgefkpError if all faces are of one person.
    """
    fold = folds_of(known.persons[: known.untouched], seed)
    count = int(fold.max()) + 1
    if count < 2:
        raise EdgefkpError(
            "all faces to learn from are of one person: nothing would show whether others gain by it",
            "add faces of more persons, or use the model as it is",
        )
    every = np.tile(fold, len(known.persons) // known.untouched)
    predicted = {pull: np.empty((known.untouched, spec.numbers)) for pull in PULLS}
    for number in range(count):
        learned, left_out = known.take(every != number), np.flatnonzero(fold == number)
        for pull in PULLS:
            predicted[pull][left_out] = solve(learned, start, pull)(known.features[left_out])
    truth = spec.decode(known.targets[: known.untouched])
    scores = {pull: rmse(spec.decode(outputs), truth) for pull, outputs in predicted.items()}
    best = min(scores, key=lambda pull: scores[pull])
    before = rmse(spec.decode(start(known.features[: known.untouched])), truth)
    return Chosen(best, count, scores[best], before)


def folds_of(persons: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N,) int: the fold of each face, at most FOLDS of about equal size; a person's faces share one."""
    names, counts = np.unique(persons, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]  # the largest first, each to the smallest fold
    sizes = np.zeros(min(FOLDS, len(names)), int)
    fold = {}
    for person in order.tolist():
        smallest = int(sizes.argmin())
        fold[names[person]] = smallest
        sizes[smallest] += counts[person]
    return np.array([fold[person] for person in persons], int)
