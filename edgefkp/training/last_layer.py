"""The last layer, solved once training is over: the least squared error, on faces as they come.

Training steps learn from altered images, half of them mirrored, by a loss that counts large errors less. RMSE counts
them squared, and a network sees faces as they are: where people place a point a little to one side of where its mirror
image would be, mirrored images teach the middle. The last layer is linear in what the body makes of an image, so its
best values for the labels of unmirrored faces, as they are and altered, are solved for (least_squares.py).
"""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from edgefkp.data.augment import AugmentConfig
from edgefkp.data.imputation import TrainingSet
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import ModelSpec
from edgefkp.training.features import HEAD, features_of
from edgefkp.training.finetune import Finetuned
from edgefkp.training.fit import Fit, Labeled
from edgefkp.training.least_squares import Layer, choose_pull, examples, solve

AnyFit = TypeVar("AnyFit", bound=Fit | Finetuned)


def with_solved_last(
    result: AnyFit,
    faces: TrainingSet,
    persons: np.ndarray,
    validation: Labeled | None,
    spec: ModelSpec,
    online: AugmentConfig | None,
    seed: int,
) -> tuple[AnyFit, dict[str, Any]]:
    """The result with its last layer solved on the faces, if that lessens the RMSE on `validation`; facts for the card.

    validation: faces of other persons; None where there are none: folds over the persons judge, as of the penalty.
    persons: (N,) of the faces. online: how altered copies are altered, but for the mirror; None for no copies.
    Raises EdgefkpError if all faces are of one person.
    """
    import keras

    head = result.model.get_layer(HEAD)
    body, before = keras.Model(result.model.input, head.input), Layer(*head.get_weights())
    known = examples(body, faces, persons, spec, online and replace(online, mirror=0.0), seed)
    chosen = choose_pull(known, before, spec, seed)
    after, errors = solve(known, before, chosen.pull), [chosen.rmse_before, chosen.rmse]
    if validation is not None:
        held_out = features_of(body, validation.images, spec.input)
        errors = [rmse(spec.decode(layer(held_out)), validation.keypoints) for layer in (before, after)]
    facts = {"pull": chosen.pull, "before": errors[0], "after": errors[1], "kept": errors[1] < errors[0]}
    if not facts["kept"]:
        return result, facts
    head.set_weights([after.kernel, after.bias])
    last, untouched = result.history[-1], known.features[: known.untouched]
    row = last | {
        "epoch": last["epoch"] + 1,
        "loss": float(np.nanmean((after(known.features) - known.targets) ** 2)),
        "train_rmse": rmse(spec.decode(after(untouched)), faces.targets),
        "validation_rmse": errors[1],
    }
    return replace(result, history=[*result.history, row], best=row), facts
