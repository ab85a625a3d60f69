"""Fine-tuning: a trained network learns from faces of its user's own, as much of it as they can teach.

There are two schedules, and the start itself, untouched. What scores best on persons that were not trained on is kept,
so that a network never leaves worse than it came (docs/YOUR_FACES.md has the measurements behind the choices here).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.data.split import Split, cross_validated
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import ModelSpec
from edgefkp.training.batches import Relabel
from edgefkp.training.features import HEAD as LAST_LAYER
from edgefkp.training.features import features_of
from edgefkp.training.fit import EpochLog, fit
from edgefkp.training.least_squares import Chosen, Examples, Layer, choose_pull, examples, solve
from edgefkp.training.recipe import Recipe
from edgefkp.training.schedule import ALL, AUTO, FEW, HEAD, UNTOUCHED
from edgefkp.training.shown_again import ShownAgain
from edgefkp.training.start import Kept, Start, carry_over
from edgefkp.training.step_plan import Plan


@dataclass(frozen=True)
class Finetuned:
    """A finished fine-tuning."""

    model: Any  # keras.Model
    plan: Plan
    history: list[EpochLog]  # the start as epoch 0 where it has all points, the head as epoch 1, then those of fit
    best: EpochLog
    facts: dict[str, Any]  # for the card: schedule, by what it was chosen, RMSE of each candidate in px, what was kept


@dataclass(frozen=True, eq=False)
class OwnFaces:
    """What is learned from, and what it is judged by."""

    faces: TrainingSet
    persons: np.ndarray  # (N,) of each of these
    parts: Split  # by `parts_for`

    @property
    def crossed(self) -> bool:
        """No face is left out: folds over persons judge."""
        return self.parts.validation is self.parts.train


def has_few(parts: Split) -> bool:
    return len(parts.train) + len(parts.validation) < FEW


def parts_for(parts: Split, schedule: str) -> Split:
    """What is learned from and judged by: of few faces all but the test part, each left out once."""
    return cross_validated(parts) if has_few(parts) and schedule != ALL else parts


def finetune(
    start: Start,
    make: Callable[[], Any],
    network: str,
    schedule: str,
    own: OwnFaces,
    recipe: Recipe,
    plan: Plan,
    spec: ModelSpec,
    online: bool,
    checkpoint: Path | None = None,
    on_batch: Callable[[int], None] = lambda images: None,
    on_epoch: Callable[[EpochLog], None] = lambda row: None,
    relabel: Relabel | None = None,
    again: ShownAgain | None = None,
) -> Finetuned:
    """Train what `make` builds, a `network` for `spec`, from the weights of `start`.

    relabel, again: as `fit` takes them; the last layer alone learns from labels.
    Raises UsageError for a start of another architecture, EdgefkpError if all faces are of one person or the loss
    stops being a number.
    """
    import keras

    plan.apply()
    keras.utils.set_random_seed(recipe.seed)  # layers that are not kept
    clock = time.monotonic()
    model = make()
    kept = carry_over(start, model, spec, network)
    head = model.get_layer(LAST_LAYER)
    body, layers = keras.Model(model.input, head.input), {UNTOUCHED: Layer(*head.get_weights())}
    known = examples(body, own.faces, own.persons, spec, recipe.online if online else None, recipe.seed)
    chosen = choose_pull(known, layers[UNTOUCHED], spec, recipe.seed)
    layers[HEAD] = solve(known, layers[UNTOUCHED], chosen.pull)
    judge = _Judge(body, known, own, spec, chosen)
    rows: dict[str, EpochLog] = {}
    if start.spec.layout == spec.layout and start.spec.input.image_shape == spec.input.image_shape:
        rows[UNTOUCHED] = judge.row(layers[UNTOUCHED], 0, 0, time.monotonic() - clock)
    rows[HEAD] = judge.row(layers[HEAD], 1, len(known.features), time.monotonic() - clock)
    for row in rows.values():
        on_epoch(row)
    history, trained = list(rows.values()), None
    if schedule == ALL or (schedule == AUTO and not own.crossed):
        _put(layers[HEAD], head)
        begun, after = model.get_weights(), rows[HEAD]
        recipe = replace(recipe, start="random")  # the weights stay as they are given
        calls = (checkpoint, on_batch, lambda row: on_epoch(_later(row, after)), relabel, again)
        trained = fit(
            lambda: _with_weights(make(), begun), own.faces, own.parts.validation, recipe, plan, spec, online, *calls
        )
        history += [_later(row, after) for row in trained.history]
        rows[ALL] = _later(trained.best, after)
    best = schedule if schedule != AUTO else min(rows, key=lambda name: rows[name]["validation_rmse"])
    facts = _facts(best, schedule, rows, chosen, kept, own.crossed)
    if best == ALL and trained:
        return Finetuned(trained.model, trained.plan, history, rows[best], facts)
    _put(layers[best], head)
    return Finetuned(model, plan, history, rows[best], facts)


def _put(layer: Layer, head: Any) -> None:
    head.set_weights([layer.kernel, layer.bias])


def _facts(
    best: str, schedule: str, rows: dict[str, EpochLog], chosen: Chosen, kept: Kept, crossed: bool
) -> dict[str, Any]:
    by = f"{chosen.folds}-fold cross-validation over persons" if crossed else "validation persons"
    return {
        "schedule": best,
        "asked": schedule,
        "chosen_by": by,
        "rmse": {name: row["validation_rmse"] for name, row in rows.items()},
        "pull": chosen.pull,
        "kept": str(kept),
    }


def _with_weights(model: Any, weights: list[np.ndarray]) -> Any:
    model.set_weights(weights)
    return model


def _later(row: EpochLog, head: EpochLog) -> EpochLog:
    """A row of fit, which counts from its own beginning, after that of the head."""
    return row | {
        "epoch": row["epoch"] + head["epoch"],
        "images": row["images"] + head["images"],
        "seconds": round(row["seconds"] + head["seconds"], 2),
    }


class _Judge:
    """Scores a last layer on the training faces and on persons that it did not learn from."""

    def __init__(self, body: Any, known: Examples, own: OwnFaces, spec: ModelSpec, chosen: Chosen) -> None:
        self._known, self._spec, self._chosen = known, spec, chosen
        self._targets, self._truth = own.faces.targets, own.parts.validation.keypoints
        self._held_out = None if own.crossed else features_of(body, own.parts.validation.images, spec.input)

    def row(self, layer: Layer, epoch: int, images: int, seconds: float) -> EpochLog:
        """epoch: 0 for the layer at the start, 1 for the one that was learned."""
        known, spec = self._known, self._spec
        off = layer(known.features) - known.targets
        if self._held_out is None:
            validation = self._chosen.rmse if epoch else self._chosen.rmse_before
        else:
            validation = rmse(spec.decode(layer(self._held_out)), self._truth)
        return {
            "epoch": epoch,
            "images": images,
            "loss": float(np.nanmean(off**2)),
            "train_rmse": rmse(spec.decode(layer(known.features[: known.untouched])), self._targets),
            "validation_rmse": validation,
            "seconds": round(seconds, 2),
        }
