"""Altered images that are drawn once, kept with the teachers' answers, and shown again and again.

An answer costs more than a step of a small network. A set of this size (a hundred copies of every face) is seen a few
times in a long training, mirrored and toned anew, and teaches as well as images that are drawn each time; it pays for
several views of each image, and all trainings on the same faces share it, whatever their network or seed.
"""

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError, writing
from edgefkp.files import cache_dir, locked, sha256_arrays, sha256_file
from edgefkp.runtime.predictor import Predictor
from edgefkp.training.distillation import VIEWS, mixed, open_teacher, predict_views
from edgefkp.training.key import deciding, key_of

FOLDER = "shown"  # in the cache
# What is new each time that a kept image is shown: nothing that would change a teacher's answer.
AGAIN = AugmentConfig(
    degrees=0, scale=0, stretch=0, shift=0, contrast=0.1, brightness=10, gamma=0.1, noise=0, blur=0, occlusion=0
)
_SEED = 0  # of the draws: the set is the same for every seed of a training
_ASKED = 1024  # images for which the teachers are asked at a time
_PATIENCE = 600.0  # seconds for a copy that another training is drawing; after that it is drawn twice


@dataclass(frozen=True)
class ShownAgain:
    """`count` altered copies of the faces, each kept as a file of its own once it is first needed.

    settled: how many more there are of half as much alteration, for the end of a training.
    Raises UsageError for a teacher of other points or another input than the faces have.
    """

    faces: TrainingSet
    teachers: tuple[Path, ...]
    share: float  # of the teachers in every target
    config: AugmentConfig
    count: int
    settled: int = 0

    def __post_init__(self) -> None:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        every = [*range(self.count), *(~number for number in range(self.settled))]
        missing = sum(not self._path(number).exists() for number in every)
        needed = missing * (self.faces.images.nbytes + 2 * self.faces.targets.nbytes)
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise EdgefkpError(
                f"the altered images take {needed / 1e9:.1f} GB in {self.folder}, and {free / 1e9:.1f} GB are free",
                "give fewer --teacher-copies, or set EDGEFKP_CACHE to a folder with more room",
            )

    @cached_property
    def folder(self) -> Path:
        faces = sha256_arrays(self.faces.images, self.faces.targets)
        teachers = [sha256_file(path) for path in self.teachers]
        return cache_dir() / FOLDER / key_of([faces, teachers, deciding(self.config), len(VIEWS), _SEED])[:16]

    def epochs(self, first: int, settled_from: int, end: int) -> "Epochs":
        """Those from `first` to the one before `end`; images are altered half as much from `settled_from` on."""
        return Epochs(self, first, settled_from, end)

    def copy(self, number: int) -> TrainingSet:
        """Copy `number` of the faces, with the targets to learn; drawn where it is not kept yet.

        The copies of less alteration have the numbers -1, -2 and so on.
        """
        path = self._path(number)
        if not path.exists():
            with locked(path.with_suffix(".lock"), _PATIENCE):  # another training may be drawing it
                if not path.exists():
                    self._draw(path, number)
        kept = read_arrays(path, f"delete {path}")
        images, labels, answers = (kept[name] for name in ("images", "labels", "answers"))
        return replace(self.faces, images=images, targets=mixed(answers, labels, self.share))

    def _path(self, number: int) -> Path:
        return self.folder / (f"{number:04}.npz" if number >= 0 else f"settled-{~number:04}.npz")

    @cached_property
    def _predictors(self) -> list[Predictor]:
        return [open_teacher(path, self.faces) for path in self.teachers]

    def _draw(self, path: Path, number: int) -> None:
        config = self.config if number >= 0 else self.config.halved()
        rng = np.random.default_rng([_SEED, number] if number >= 0 else [_SEED, ~number, 1])
        images, labels = online_batch(self.faces.images, self.faces.targets, rng, config, self.faces.layout)
        answers = [
            np.mean([predict_views(one, images[start : start + _ASKED]) for one in self._predictors], axis=0)
            for start in range(0, len(images), _ASKED)
        ]
        kept = {"images": images, "labels": labels, "answers": np.concatenate(answers).astype(np.float32)}
        write_arrays(path, kept)


class Epochs:
    """The copies in the order of a training's epochs; the next one is made while one is shown."""

    def __init__(self, source: ShownAgain, first: int, settled_from: int, end: int) -> None:
        self._source, self._settled_from, self._end = source, settled_from, end
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="altered")
        self._coming: dict[int, Future[TrainingSet]] = {}  # epoch -> its copy
        self._prepare(first)

    def number(self, epoch: int) -> int:
        """Of the copy that the epoch shows."""
        if self._source.settled and epoch >= self._settled_from:
            return ~((epoch - self._settled_from) % self._source.settled)
        return epoch % self._source.count

    def __call__(self, epoch: int) -> TrainingSet:
        shown = self._coming.pop(epoch).result()
        self._prepare(epoch + 1)
        return shown

    def _prepare(self, epoch: int) -> None:
        if epoch < self._end:
            self._coming[epoch] = self._pool.submit(self._source.copy, self.number(epoch))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
