"""Teachers: larger networks whose predictions become the targets of a smaller one (distillation).

A person's points are placed with an error of a pixel or more; what several networks agree on is nearer to what can
be learned. The predictions are made once, on the untouched faces or on altered copies of them, and then move with every
altered image as labels do; or the teachers are asked about every altered image as it is drawn. A teacher knows the
untouched faces from its own training; on a copy that it never saw its prediction carries more information.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import UsageError
from edgefkp.geometry import invert, mirror, move_image, move_points, similarity
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.training.batches import Relabel

# Turned by degrees and enlarged, and whether mirrored: how `predict_views` looks at an image. On validation persons
# `best` errs by 0.835 px as the image is, 0.809 with its mirror image, and 0.798 with these four.
VIEWS = ((0.0, 1.0, False), (0.0, 1.0, True), (6.0, 1.04, False), (-6.0, 1.04, True))


def distill_targets(faces: TrainingSet, teachers: Sequence[Path], share: float) -> TrainingSet:
    """Targets: `share` of the teachers' mean prediction, the rest of the label; a missing point: the prediction.

    Raises UsageError for a teacher of other points or another input than the faces have.
    """
    answers = np.mean([predict_with_flip(open_teacher(path, faces), faces.images) for path in teachers], axis=0)
    return replace(faces, targets=mixed(answers, faces.targets, share))


def online_teachers(faces: TrainingSet, teachers: Sequence[Path], share: float) -> Relabel:
    """As `distill_targets`, of every altered batch. No mirror image is asked: half of the batch is mirrored already.

    Raises UsageError as `distill_targets`.
    """
    predictors = [open_teacher(path, faces) for path in teachers]

    def relabel(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return mixed(np.mean([predictor.predict(images) for predictor in predictors], axis=0), targets, share)

    return relabel


def mixed(answers: np.ndarray, targets: np.ndarray, share: float) -> np.ndarray:
    """`share` of the answers and the rest of the targets; the answer where a target is missing."""
    both = share * answers + (1 - share) * targets
    return np.where(np.isnan(targets), answers, both).astype(np.float32)


def open_teacher(teacher: Path, faces: TrainingSet) -> Predictor:
    predictor = open_predictor(teacher)
    spec = predictor.spec
    if spec.layout != faces.layout or spec.input.image_shape != faces.input.image_shape:
        raise UsageError(
            f"the teacher {teacher} has {spec}; the faces are {faces.input} with the points of {faces.layout.name}",
            "give a teacher that was trained on such faces",
        )
    return predictor


def augmented_copies(faces: TrainingSet, count: int, config: AugmentConfig, seed: int = 0) -> TrainingSet:
    """`count` altered copies of every face, each by its own draw; the faces themselves where `count` is 0."""
    if not count:
        return faces
    parts = [
        online_batch(faces.images, faces.targets, np.random.default_rng([seed, number]), config, faces.layout)
        for number in range(count)
    ]
    images, targets = (np.concatenate(column) for column in zip(*parts, strict=True))
    return TrainingSet(images, targets, np.tile(faces.weights, count), faces.layout)


def predict_with_flip(predictor: Predictor, images: np.ndarray) -> np.ndarray:
    """(N, K, 2) pixels: the mean of the predictions for each image and for its mirror image."""
    return predict_views(predictor, images, VIEWS[:2])


def predict_views(
    predictor: Predictor, images: np.ndarray, views: Sequence[tuple[float, float, bool]] = VIEWS
) -> np.ndarray:
    """(N, K, 2) pixels: the mean of the predictions for all views of each image."""
    spec = predictor.spec
    side, order = spec.input.side, spec.layout.mirror_order
    found = []
    for degrees, scale, mirrored in views:
        matrix = similarity(spec.input.center, degrees, scale)
        seen = images if (degrees, scale) == (0, 1) else np.stack([move_image(matrix, one, side) for one in images])
        if mirrored:
            seen = np.ascontiguousarray(seen[:, :, ::-1])
        points = predictor.predict(seen)
        points = move_points(mirror(side), points, order) if mirrored else points
        found.append(move_points(invert(matrix), points))
    return np.mean(found, axis=0)
