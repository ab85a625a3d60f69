"""One trained network: split, impute, augment, fit, and write models/<model>.keras with its card."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import NETWORK, Card, CardData, model_name, read_card, versions, write_with_card
from edgefkp.data.augment import AUGMENTS, paper_set
from edgefkp.data.faces import Dataset
from edgefkp.data.imputation import IMPUTATIONS, TrainingSet, impute
from edgefkp.data.split import Split, split
from edgefkp.errors import UsageError
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import json_text, require_writable, sha256_file
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import Network, build, resolve
from edgefkp.training.batches import epoch_size
from edgefkp.training.distillation import copies, taught
from edgefkp.training.features import fit_head
from edgefkp.training.fit import Row, fit
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import choose_plan


@dataclass(frozen=True)
class Experiment:
    """network: a name of the registry, "tuned", or the .json of a network that `edgefkp tune` found.

    weights: for pretrained networks "imagenet" or a path. options: in place of the network's own, {"resolution": 96}.
    teachers: model files whose mean answer is `teacher_share` of every target, given for the faces or, where
    `teacher_copies` is not 0, for so many altered copies of each. automatic_weight: see `impute`.
    """

    network: str
    treatment: str = "masked"
    augment: str = "online"
    recipe: Recipe = field(default_factory=Recipe)
    weights: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    teachers: tuple[Path, ...] = ()
    teacher_share: float = 0.5
    teacher_copies: int = 0
    automatic_weight: float = 1.0

    def __post_init__(self) -> None:
        for axis, known in (("treatment", IMPUTATIONS), ("augment", AUGMENTS)):
            if getattr(self, axis) not in known:
                raise UsageError(f"unknown {axis} '{getattr(self, axis)}'", f"choose one of: {', '.join(known)}")
        resolve(self.network, self.treatment, self.augment)

    @property
    def resolved(self) -> Network:
        return resolve(self.network, self.treatment, self.augment)

    @property
    def model(self) -> str:
        return model_name(self.resolved.name, self.treatment, self.augment)

    def key(self, source: Dataset, parts: Split) -> str:
        """Hash of all that decides the result: a finished or stopped run is known by it."""
        recipe = {name: value for name, value in asdict(self.recipe).items() if name != "precision"}
        for younger in ("dark", "peaked"):  # than the first results, whose keys stay what they were
            if not recipe["online"][younger]:
                del recipe["online"][younger]
        if recipe["start"] == "random":  # younger, too
            del recipe["start"]
        weights = sha256_file(self.weights) if self.weights and Path(self.weights).is_file() else self.weights
        options = {**self.resolved.options, **self.options}
        identity = [self.resolved.name, options, self.treatment, self.augment, recipe, weights]
        identity += [source.train.hash, parts.hash, *self.extras(source).values()]
        return hashlib.sha256(json_text(identity).encode()).hexdigest()

    def extras(self, source: Dataset) -> dict[str, Any]:
        """What most experiments do not have: more faces, weights of faces, teachers."""
        extras: dict[str, Any] = {}
        if source.extra_training_faces is not None:
            extras["more"] = source.extra_training_faces.hash
        if self.automatic_weight != 1:
            extras["automatic_weight"] = self.automatic_weight
        if self.teachers:
            extras["teachers"] = {teacher.name: sha256_file(teacher) for teacher in self.teachers}
            extras["teacher_share"] = self.teacher_share
        if self.teachers and self.teacher_copies:
            extras["teacher_copies"] = self.teacher_copies
        return extras


@dataclass(frozen=True)
class Progress:
    """What train() calls as it goes: once before the first step, after each batch, after each epoch."""

    on_start: Callable[[int], None] = lambda images: None
    on_batch: Callable[[int], None] = lambda images: None
    on_epoch: Callable[[Row], None] = lambda row: None


def train(
    experiment: Experiment, source: Dataset, out: Path, resume: bool = False, progress: Progress | None = None
) -> tuple[Path, Card]:
    """Train and write `out`/<model>.keras and its card; returns the file and the card.

    resume: go on from the checkpoint of the same experiment, and do nothing where it is finished. A checkpoint
    is `out`/.checkpoints/<model>-<key>.npz until the model is written.
    Raises EdgefkpError where the data leave nothing to train on or the loss stops being a number.
    """
    progress = progress or Progress()
    require_writable(out)
    parts = split(source)
    key = experiment.key(source, parts)
    path = out / f"{experiment.model}.keras"
    if resume and path.exists() and (card := read_card(path)) and card.key == key:
        return path, card
    checkpoint = out / ".checkpoints" / f"{experiment.model}-{key[:12]}.npz"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    faces = training_faces(parts, experiment)
    recipe, network = experiment.recipe, experiment.resolved
    images = recipe.images or recipe.epochs * epoch_size(len(faces), recipe.batch) * recipe.batch
    progress.on_start(images)
    make = partial(build, network, weights=experiment.weights, **experiment.options)
    calls = (checkpoint, progress.on_batch, progress.on_epoch)
    if network.frozen and experiment.augment != "online":
        result = fit_head(make, faces, parts.validation, recipe, *calls)
    else:
        # A candidate of `edgefkp tune` has no known cost: one of many short trainings, not worth trials of its own.
        cost = cost_of(network.name)
        work = images * cost.macs if cost else 0.0
        plan = choose_plan(network.name, experiment.options, recipe.batch, recipe.precision, work)
        result = fit(make, faces, parts.validation, recipe, plan, experiment.augment == "online", *calls)
    card = Card(
        NETWORK,
        experiment.model,
        key=key,
        network=network.name,
        imputation=experiment.treatment,
        augment=experiment.augment,
        weights=Path(experiment.weights).name if experiment.weights else None,
        parameters=parameters(result.model),
        macs=macs(result.model),
        data=CardData(
            name=source.name,
            hash=source.train.hash,
            split=parts.hash,
            faces={"train": len(parts.train), "treated": len(faces), "validation": len(parts.validation)},
            persons={name: len(np.unique(getattr(parts, name).groups)) for name in ("train", "validation")},
            license=source.license,
        ),
        training={"recipe": asdict(recipe), "plan": asdict(result.plan), "best_epoch": result.best["epoch"]}
        | experiment.extras(source),
        metrics={
            "validation_rmse": result.best["validation_rmse"],
            "validation_rmse_mean_shape": mean_shape_rmse(parts),
        },
        history=result.history,
        versions=versions("tensorflow", "keras", "numpy", "opencv-python", "scikit-learn"),
    )
    card = write_with_card(path, card, result.model.save)
    checkpoint.unlink(missing_ok=True)
    return path, card


def training_faces(parts: Split, experiment: Experiment) -> TrainingSet:
    """What the experiment's network is shown, before any change on the fly."""
    treated = impute(parts.train, experiment.treatment, experiment.automatic_weight)
    if experiment.teachers:
        recipe = experiment.recipe
        treated = copies(treated, experiment.teacher_copies, recipe.online, recipe.seed)
        treated = taught(treated, list(experiment.teachers), experiment.teacher_share)
    return paper_set(treated, experiment.recipe.seed) if experiment.augment == "paper" else treated


def mean_shape_rmse(parts: Split) -> float:
    """What always answering the mean training face would score on the validation faces."""
    mean = np.nanmean(parts.train.keypoints, 0)
    return rmse(np.broadcast_to(mean, parts.validation.keypoints.shape), parts.validation.keypoints)
