"""Train the finder on drawn scenes.

    nice -n 19 python -m bench.finder.train --photos photos.npz --out FOLDER --scenes 400000

Writes FOLDER/finder.npz every few minutes and at the end, and goes on from it when the same command is typed again; a
larger --scenes trains longer. FOLDER/history.jsonl has a row for each checkpoint. $EDGEFKP_CORES limits the cores.
"""

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import run
from bench.finder.photos import read_photos
from bench.finder.scenes import SURROUNDINGS, Artist
from bench.finder.targets import loss_of, targets_of
from edgefkp.networks.finder import make_finder
from edgefkp.runtime import signals
from edgefkp.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from edgefkp.training.kernels import fuse_batchnorm
from edgefkp.training.step_plan import Plan

SIDE = 192  # pixels of a scene
BATCH = 32
RATE, WARMUP, COOLDOWN = 5e-3, 150, 0.35  # learning rate; steps in which it rises; share of the run in which it falls
DECAY = 5e-4  # of the weights
AVERAGE = 0.995  # decay of the averaged weights
SAVE_SECONDS = 180.0
POOL = 512  # scenes that are kept: half of a batch is drawn anew, the rest comes from those of before
PLAN = Plan(shards=1)


class Pool:
    """Batches of scenes, each of which is seen about twice: drawing takes as long as learning."""

    def __init__(self, artist: Artist) -> None:
        self._artist = artist
        self._images: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._next = 0

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """(BATCH, SIDE, SIDE) uint8 images and their targets."""
        fresh = BATCH // 2 if len(self._images) >= BATCH else BATCH
        rows = self._artist.random.permutation(len(self._images))[: BATCH - fresh].tolist()
        scenes = [self._artist.scene(SIDE, SIDE) for _ in range(fresh)]
        images = [self._images[row] for row in rows] + [scene.image for scene in scenes]
        targets = [self._targets[row] for row in rows] + [targets_of(scene) for scene in scenes]
        for image, target in zip(images[len(rows) :], targets[len(rows) :], strict=True):
            place = self._next % POOL
            self._images[place : place + 1], self._targets[place : place + 1] = [image], [target]
            self._next += 1
        return np.stack(images), np.stack(targets)


class FinderLearner:
    """The network while it learns, and its averaged twin."""

    def __init__(self, seed: int = 0) -> None:
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(seed)
        self.averaged = make_finder(SIDE, SIDE)
        self.model = make_finder(SIDE, SIDE)
        self.model.set_weights(self.averaged.get_weights())
        fuse_batchnorm(self.model, 0.97)
        self.optimizer = keras.optimizers.AdamW(RATE, weight_decay=DECAY)
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(self.model.trainable_variables)
        self._step = tf.function(self._step_graph)

    def step(self, images: np.ndarray, targets: np.ndarray, rate: float) -> np.ndarray:
        """One step on (B, H, W) uint8 images and their targets: the losses of scores, boxes and points."""
        self.optimizer.learning_rate.assign(rate)
        return np.array([float(part) for part in self._step(images, targets)])

    def _step_graph(self, images: Any, targets: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = self.model(tf.cast(images[..., tf.newaxis], tf.float32) / 255.0, training=True)
            losses = loss_of(outputs, targets)
            total = tf.add_n(losses)
        gradients = tape.gradient(total, self.model.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 10.0)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
        step = tf.cast(self.optimizer.iterations, tf.float32)
        decay = tf.minimum(AVERAGE, (1 + step) / (10 + step))
        for mean, live in zip(self.averaged.weights, self.model.weights, strict=True):
            mean.assign(mean + (1 - decay) * (live - mean))
        return losses

    @property
    def _variables(self) -> list[Any]:
        return [*self.model.weights, *self.averaged.weights, *self.optimizer.variables]

    def state(self) -> list[np.ndarray]:
        return [np.array(variable.numpy()) for variable in self._variables]

    def restore(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)


def rate_of(step: int, steps: int) -> float:
    """The learning rate: it rises, stays, and falls to zero at the end."""
    left = (steps - step) / max(1.0, COOLDOWN * steps)
    return RATE * min(1.0, (step + 1) / WARMUP, max(left, 0.0))


def train(
    photos: Path,
    out: Path,
    scenes: int,
    report: Any = click.echo,
    surroundings: float = SURROUNDINGS,
    patterns: float = 0.0,
) -> Path:
    """Train to that number of scenes; returns the checkpoint's file.

    surroundings, patterns: of `Artist`. Raises EdgefkpError for photos that cannot be read.
    """
    file, seen = out / "finder.npz", time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    PLAN.apply()
    learner = FinderLearner()
    now = read_checkpoint(file) or Checkpoint(0, [], PLAN, [], [])
    if now.state:
        learner.restore(now.state)
    steps, losses = scenes // BATCH, []
    pool = Pool(Artist(read_photos(photos).part("train"), now.epoch, surroundings, patterns))

    def save(step: int) -> Checkpoint:
        row = {
            "scenes": step * BATCH,
            "losses": np.mean(losses, 0).round(4).tolist(),
            "cpu": round(time.process_time()),
        }
        report(json.dumps(row))
        kept = Checkpoint(step, [*now.history, row], PLAN, learner.state(), learner.averaged.get_weights())
        write_checkpoint(file, kept)
        return kept

    with signals.deferred() as raise_held:
        try:
            for step in range(now.epoch, steps):
                losses.append(learner.step(*pool.batch(), rate_of(step, steps)))
                if time.monotonic() - seen > SAVE_SECONDS or step == steps - 1:
                    now, losses, seen = save(step + 1), [], time.monotonic()
                raise_held()
        except KeyboardInterrupt:
            if losses:
                save(step + 1)
            raise
    return file


@click.command()
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="Of bench.finder.photos.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--scenes", default=400_000, show_default=True)
@click.option(
    "--surroundings", default=SURROUNDINGS, show_default=True, help="Share of backgrounds that are parts of photos."
)
@click.option("--patterns", default=0.0, show_default=True, help="Share of backgrounds that are drawn patterns.")
def main(photos: Path, out: Path, scenes: int, surroundings: float, patterns: float) -> None:
    """Train the finder, or go on training it."""
    signals.unwind_on_signals()
    click.echo(train(photos, out, scenes, surroundings=surroundings, patterns=patterns))


if __name__ == "__main__":
    run(main)
