"""Batches for training, made in background threads while the network computes.

What a batch holds depends only on (seed, epoch, position), so a resumed run sees what the uninterrupted one saw.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.layout import ModelSpec
from edgefkp.training.recipe import Recipe

AHEAD = 4  # batches made before they are needed
EPOCH_IMAGES = 2048  # an epoch shows at least this many: several passes over a small set

# (B, *image_shape) uint8 images, (B, 2 K) float32 targets with NaN = missing, (B,) float32 weights of the faces
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
# (B, *image_shape) uint8 images as the network is shown them, their (B, K, 2) targets -> other targets
Relabel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def epoch_size(faces: int, batch: int) -> int:
    """Full batches in one epoch over this many faces."""
    return max(1, _passes(faces) * faces // batch)


def _passes(faces: int) -> int:
    return -(-EPOCH_IMAGES // faces)


def epoch_batches(
    faces: TrainingSet,
    recipe: Recipe,
    epoch: int,
    online: AugmentConfig | None,
    count: int,
    spec: ModelSpec,
    relabel: Relabel | None = None,
) -> Iterator[Batch]:
    """Yield the first `count` batches of the epoch's own order of the faces, altered on the fly if `online` is given.

    relabel: asked about every batch, after it was altered.
    """
    size, seed = recipe.batch, recipe.seed
    rng = np.random.default_rng([seed, epoch])
    order = np.concatenate([rng.permutation(len(faces)) for _ in range(_passes(len(faces)))])
    order = np.resize(order, max(len(order), size))

    def make(index: int) -> Batch:
        rows = order[index * size : (index + 1) * size]
        images, targets = faces.images[rows], faces.targets[rows]
        if online:
            rng = np.random.default_rng([seed, epoch, index])
            images, targets = online_batch(images, targets, rng, online, spec.layout)
        if relabel:
            targets = relabel(images, targets)
        return images, spec.encode(targets), faces.weights[rows]

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        pending: deque[Future[Batch]] = deque()
        for index in range(count):
            pending.append(pool.submit(make, index))
            if len(pending) > AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
