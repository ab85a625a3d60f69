"""Teachers: larger networks whose answers become the targets of a smaller one (distillation).

A person's points are placed with an error of a pixel or more; what several networks agree on is nearer to what can
be learnt. The answers are made once, on the untouched faces or on altered copies of them, and then move with every
altered picture as labels do. A teacher knows the untouched faces from its own training; on a copy that it never saw
its answer says more.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.geometry import mirror, move_points
from edgefkp.layout import MIRROR, SIZE
from edgefkp.runtime.predictor import Predictor, open_predictor


def taught(faces: TrainingSet, teachers: list[Path], share: float) -> TrainingSet:
    """Targets of `share` the teachers' mean answer and the rest the label; all the answer where a point is missing."""
    answers = np.mean([both_ways(open_predictor(teacher), faces.images) for teacher in teachers], axis=0)
    mixed = share * answers + (1 - share) * faces.targets
    return replace(faces, targets=np.where(np.isnan(faces.targets), answers, mixed).astype(np.float32))


def copies(faces: TrainingSet, count: int, strength: AugmentConfig, seed: int = 0) -> TrainingSet:
    """`count` altered copies of every face, each by its own draw; the faces themselves where `count` is 0."""
    if not count:
        return faces
    parts = [
        online_batch(faces.images, faces.targets, np.random.default_rng([seed, number]), strength, faces.layout)
        for number in range(count)
    ]
    images, targets = (np.concatenate(column) for column in zip(*parts, strict=True))
    return TrainingSet(images, targets, np.tile(faces.weights, count))


def both_ways(predictor: Predictor, images: np.ndarray) -> np.ndarray:
    """(N, 15, 2) pixels: the mean of the answers for each picture and for its mirror image."""
    mirrored = predictor.predict(np.ascontiguousarray(images[:, :, ::-1]))
    return (predictor.predict(images) + move_points(mirror(SIZE), mirrored, MIRROR)) / 2
