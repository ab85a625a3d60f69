"""The training loop: epochs of batches, validation on other persons, checkpoints."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import ModelSpec
from edgefkp.runtime import signals
from edgefkp.training.batches import Relabel, epoch_batches, epoch_size
from edgefkp.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from edgefkp.training.learner import Learner
from edgefkp.training.recipe import Recipe
from edgefkp.training.shown_again import AGAIN, ShownAgain
from edgefkp.training.step_plan import Plan

SAVE_SECONDS = 15.0  # between checkpoints, at least
GAP_FACES = 512  # training faces that are scored beside the validation faces, to show the gap


EpochLog = dict[str, Any]  # what the history has of an epoch: epoch, images, loss, RMSEs in pixels, seconds


class Diverged(EdgefkpError):
    """The loss stopped being a number: of this network, by this recipe, it would do so again."""


class Labeled(Protocol):
    """Images (or their features) with (N, K, 2) true points in pixels: `Faces`, for one."""

    @property
    def images(self) -> np.ndarray: ...
    @property
    def keypoints(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Fit:
    """A finished training."""

    model: Any  # the averaged network with the weights of its best epoch
    history: list[EpochLog]
    best: EpochLog
    plan: Plan


def fit(
    make: Callable[[], Any],
    faces: TrainingSet,
    validation: Labeled,
    recipe: Recipe,
    plan: Plan,
    spec: ModelSpec,
    online: bool = False,
    checkpoint: Path | None = None,
    on_batch: Callable[[int], None] = lambda images: None,
    on_epoch: Callable[[EpochLog], None] = lambda row: None,
    relabel: Relabel | None = None,
    again: ShownAgain | None = None,
) -> Fit:
    """Train to the recipe's end, or until the validation RMSE has not improved for `recipe.patience` epochs.

    spec: of the network that `make` builds.
    online: images are altered on the fly. relabel: gives each altered batch its targets.
    again: what is shown in place of `faces`, altered already.
    checkpoint: a file that is read if it exists, and written at the end of epochs and on Ctrl-C; with the same
    plan in float32 a run that was killed and continued gives the history and weights of one that was not.
    Raises Diverged if the loss stops being a number.
    """
    saved = read_checkpoint(checkpoint) if checkpoint else None
    plan = saved.plan if saved else plan
    plan.apply()
    epoch_steps = epoch_size(len(faces), recipe.batch)
    steps = epoch_steps * recipe.epochs if recipe.images is None else max(1, recipe.images // recipe.batch)
    learner = Learner(make, recipe, steps, plan, spec)
    now = Checkpoint(0, [], plan, [], [])
    if not saved and recipe.start == "mean_shape":
        learner.start_at(np.nanmean(faces.targets, 0))
    if saved:
        now = saved
        learner.restore(now.state)
        on_batch(min(steps, now.epoch * epoch_steps) * recipe.batch)
        for row in now.history:
            on_epoch(row)
    gap = np.random.default_rng(recipe.seed).permutation(len(faces))[:GAP_FACES]
    spent = now.history[-1]["seconds"] if now.history else 0.0
    start = last_save = time.monotonic()
    settled_from = math.ceil((1 - recipe.settled) * steps / epoch_steps)  # epoch
    end = math.ceil(steps / epoch_steps)
    shown = contextlib.closing(again.epochs(now.epoch, settled_from, end)) if again else contextlib.nullcontext()
    try:
        with shown as copies, signals.deferred() as raise_held:
            while now.epoch * epoch_steps < steps and not _stalled(now.history, recipe.patience):
                count = min(epoch_steps, steps - now.epoch * epoch_steps)
                settled = now.epoch >= settled_from
                config = (recipe.online.halved() if settled else recipe.online) if online else None
                images, config = (copies(now.epoch), AGAIN) if copies else (faces, config)
                losses = []
                for batch in epoch_batches(images, recipe, now.epoch, config, count, spec, relabel):
                    losses.append(learner.step(*batch))
                    on_batch(recipe.batch)
                    raise_held()
                row = {
                    "epoch": now.epoch + 1,
                    "images": (now.epoch * epoch_steps + count) * recipe.batch,
                    "loss": float(np.mean(losses)),
                    "train_rmse": rmse(learner.predict(faces.images[gap]), faces.targets[gap]),
                    "validation_rmse": rmse(learner.predict(validation.images), validation.keypoints),
                    "seconds": round(spent + time.monotonic() - start, 2),
                }
                if not np.isfinite(row["loss"]):
                    raise Diverged(
                        f"the loss became NaN or infinite in epoch {row['epoch']}",
                        "lower --learning-rate, or use another --loss",
                    )
                is_best = row["validation_rmse"] < min((r["validation_rmse"] for r in now.history), default=np.inf)
                best = learner.averaged.get_weights() if is_best else now.best
                now = Checkpoint(now.epoch + 1, [*now.history, row], now.plan, learner.state(), best)
                on_epoch(row)
                if checkpoint and time.monotonic() - last_save >= SAVE_SECONDS:
                    write_checkpoint(checkpoint, now)
                    last_save = time.monotonic()
    except KeyboardInterrupt:
        if checkpoint and now.epoch:
            write_checkpoint(checkpoint, now)
        raise
    learner.averaged.set_weights(now.best)
    return Fit(learner.averaged, now.history, min(now.history, key=lambda row: row["validation_rmse"]), plan)


def _stalled(history: list[EpochLog], patience: int) -> bool:
    if not patience or not history:
        return False
    best = min(range(len(history)), key=lambda index: history[index]["validation_rmse"])
    return len(history) - 1 - best >= patience
