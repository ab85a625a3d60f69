"""One trained network: split, impute, augment, fit, and write models/<model>.keras with its card."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import (
    NETWORK,
    Card,
    CardData,
    is_whole_zip,
    model_name,
    readable_cards,
    restate,
    versions,
    write_card,
    write_with_card,
)
from edgefkp.data.augment import AUGMENTS, paper_set
from edgefkp.data.faces import Dataset
from edgefkp.data.imputation import IMPUTATIONS, TrainingSet, impute
from edgefkp.data.split import Split, split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import plain, require_writable, sha256_file
from edgefkp.layout import KAGGLE15, LAYOUTS, ModelSpec
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import Network, build, resolve
from edgefkp.runtime.keras_safety import remember_keras
from edgefkp.training.autotune import choose_plan
from edgefkp.training.batches import epoch_size
from edgefkp.training.distillation import augmented_copies, distill_targets
from edgefkp.training.features import fit_head
from edgefkp.training.finetune import Finetuned, OwnFaces, finetune, parts_for
from edgefkp.training.fit import EpochLog, Fit, fit
from edgefkp.training.key import deciding, key_of
from edgefkp.training.recipe import RIDGE, Recipe, require_within
from edgefkp.training.ridge import Solved, fit_ridge
from edgefkp.training.schedule import AUTO, SCHEDULES
from edgefkp.training.start import facts_of, find_start, inherited, open_start
from edgefkp.training.step_plan import Plan

FINETUNED = ".finetuned"  # follows the network in the names of models that started from a trained one


@dataclass(frozen=True)
class Experiment:
    """One training: network, what it is shown, and how it is trained. Raises UsageError for an unknown name."""

    network: str  # a name of the registry, "tuned", or the .json of a network that `edgefkp tune` found
    imputation: str = "masked"
    augment: str = "online"
    recipe: Recipe = field(default_factory=Recipe)
    weights: str | None = None  # for pretrained networks: "imagenet" or a path
    options: dict[str, Any] = field(default_factory=dict)  # in place of the network's own: {"resolution": 96}
    teachers: tuple[Path, ...] = ()  # model files whose mean prediction becomes a part of every target
    teacher_share: float = 0.5  # that part
    teacher_copies: int = 0  # augmented copies of each face that the teachers label; 0: the face itself
    automatic_weight: float = 1.0  # in the loss, of faces whose every point was placed automatically
    start: str | None = None  # a trained network to start from: a .keras file, or one that comes with edgefkp
    schedule: str = AUTO  # one of SCHEDULES; for a `start` alone
    # A word that follows the network in the model's name, for a second one of the kind: "free".
    variant: str = field(default="", metadata={"decides": False})

    def __post_init__(self) -> None:
        for axis, known in (("imputation", IMPUTATIONS), ("augment", AUGMENTS), ("schedule", SCHEDULES)):
            if getattr(self, axis) not in known:
                raise UsageError(f"unknown {axis} '{getattr(self, axis)}'", f"choose one of: {', '.join(known)}")
        for name, most in (("teacher_share", 1), ("teacher_copies", 1000), ("automatic_weight", 1000)):
            require_within(name.replace("_", " "), getattr(self, name), 0, most)
        if not re.fullmatch("[a-z0-9]*", self.variant) or self.variant in LAYOUTS.names():
            raise UsageError(f"'{self.variant}' is no variant", "give one lowercase word, as free")
        network = resolve(self.network, self.imputation, self.augment)
        if self.recipe.head == RIDGE and (self.start or not network.frozen):
            raise UsageError(
                f"the head of {network.name} cannot be solved: its backbone learns, too",
                'give a network whose name ends in _frozen and no --from, or leave "head" out of the recipe',
            )
        if self.start is not None and (self.augment == "paper" or self.teacher_copies):
            raise UsageError(
                "fine-tuning does not take the paper's offline set or copies for teachers",
                "leave out --augment paper and --teacher-copies",
            )

    @property
    def resolved(self) -> Network:
        return resolve(self.network, self.imputation, self.augment)

    def model_name(self, spec: ModelSpec = ModelSpec()) -> str:  # noqa: B008
        """What the trained model is called: the stem of its file."""
        name = self.resolved.name + (FINETUNED if self.start else "") + (f".{self.variant}" if self.variant else "")
        return model_name(name, self.imputation, self.augment, spec)

    def key(self, source: Dataset, parts: Split) -> str:
        """Hash of all that decides the result: a finished or stopped run is known by it."""
        weights = sha256_file(self.weights) if self.weights and Path(self.weights).is_file() else self.weights
        options = {**self.resolved.options, **self.options}
        identity = [self.resolved.name, options, self.imputation, self.augment, deciding(self.recipe), weights]
        identity += [source.train.hash, parts.hash, *self.extras(source).values()]
        if others := self._others(source.spec):
            identity.append(others)
        return key_of(identity)

    def _others(self, spec: ModelSpec) -> dict[str, Any]:
        """What the first results did not have: other points, another input, younger fields that are not neutral."""
        others = {name: value for name, value in deciding(self).items() if name not in _KEYED}
        if self.start:
            others["start"] = sha256_file(find_start(self.start))
        if spec.layout != KAGGLE15:
            others["layout"] = spec.layout.to_json()
        return others | ({"input": changed} if (changed := deciding(spec.input)) else {})

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


# Fields that `key` takes in its own way; a younger one is in the key where it is not neutral.
_KEYED = {"network", "imputation", "augment", "recipe", "weights", "options"} | {
    "teachers", "teacher_share", "teacher_copies", "automatic_weight"
}  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """What train() calls as it goes."""

    on_start: Callable[[int], None] = lambda images: None  # once, with the images of the whole run
    on_batch: Callable[[int], None] = lambda images: None  # after each batch, with its images
    on_epoch: Callable[[EpochLog], None] = lambda row: None
    on_note: Callable[[str], None] = lambda text: None  # a line for people


def train(
    experiment: Experiment,
    source: Dataset,
    out: Path,
    resume: bool = False,
    progress: Progress | None = None,
    replace: bool = False,
) -> tuple[Path, Card]:
    """Train and write `out`/<model>.keras and its card; returns the file and the card.

    resume: go on from the checkpoint of the same experiment, and do nothing where it is finished and whole. A
    checkpoint is `out`/.checkpoints/<model>-<key>.npz until the model is written.
    replace: where the model of another experiment has that name, train all the same.
    Raises EdgefkpError for such a model without `replace`, and if the data leave nothing to train on or the loss stops
    being a number.
    """
    progress = progress or Progress()
    require_writable(out)
    parts = split(source)
    key = experiment.key(source, parts)
    spec = source.spec
    name = experiment.model_name(spec)
    path = out / f"{name}.keras"
    terms = _terms(experiment, source)
    if (known := _standing(path, key, replace, progress.on_note)) and resume:
        return path, _under(known, terms, path)
    checkpoint = out / ".checkpoints" / f"{name}-{key[:12]}.npz"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    start = open_start(find_start(experiment.start)) if experiment.start else None
    parts = parts_for(parts, experiment.schedule) if start else parts
    faces = training_faces(parts, experiment)
    recipe, network = experiment.recipe, experiment.resolved
    images = recipe.images or recipe.epochs * epoch_size(len(faces), recipe.batch) * recipe.batch
    progress.on_start(images)
    make = partial(build, network, spec, experiment.weights, **experiment.options)
    calls = (checkpoint, progress.on_batch, progress.on_epoch)
    online = experiment.augment == "online"
    result: Fit | Finetuned
    if start:
        rows = parts.train.complete if experiment.imputation == "drop" else slice(None)
        own = OwnFaces(faces, parts.train.groups[rows], parts)
        plan = _plan(experiment, spec, images)
        result = finetune(start, make, network.name, experiment.schedule, own, recipe, plan, spec, online, *calls)
    elif recipe.head == RIDGE:
        result = fit_ridge(make, faces, parts.validation, recipe, spec, online, *calls)
    elif network.frozen and not online:
        result = fit_head(make, faces, parts.validation, recipe, spec, *calls)
    else:
        plan = _plan(experiment, spec, images)
        result = fit(make, faces, parts.validation, recipe, plan, spec, online, *calls)
    card = Card(
        NETWORK,
        name,
        key=key,
        layout=spec.layout,
        input=spec.input,
        output=spec.output,
        network=network.name,
        imputation=experiment.imputation,
        augment=experiment.augment,
        weights=Path(experiment.weights).name if experiment.weights else None,
        start=start.facts if start else None,
        parameters=parameters(result.model),
        macs=macs(result.model),
        data=CardData(
            name=source.name,
            hash=source.train.hash,
            split=parts.hash,
            faces={"train": len(parts.train), "treated": len(faces), "validation": len(parts.validation)},
            persons={name: len(np.unique(getattr(parts, name).groups)) for name in ("train", "validation")},
            license=terms,
            labels=source.judgment.options.to_json(),
        ),
        training={"recipe": plain(recipe), "plan": plain(result.plan), "best_epoch": result.best["epoch"]}
        | experiment.extras(source)
        | ({"finetuning": result.facts} if isinstance(result, Finetuned) else {})
        | ({"head": result.facts} if isinstance(result, Solved) else {}),
        metrics={
            "validation_rmse": result.best["validation_rmse"],
            "validation_rmse_mean_shape": mean_shape_rmse(parts),
        },
        history=result.history,
        versions=versions("tensorflow", "keras", "numpy", "opencv-python", "scikit-learn"),
    )
    card = write_with_card(path, card, result.model.save)
    remember_keras(path)
    checkpoint.unlink(missing_ok=True)
    return path, card


def _terms(experiment: Experiment, source: Dataset) -> str:
    """Those of the faces, and of whatever else the model learns from: its start, and its teachers' faces."""
    terms = inherited(source.license, facts_of(find_start(experiment.start))) if experiment.start else source.license
    taught = dict.fromkeys(facts_of(teacher).license for teacher in experiment.teachers)
    return "; ".join([terms, *(f"taught by a model of: {one}" for one in taught if one not in terms)])


def _under(card: Card, terms: str, path: Path) -> Card:
    """The card of a finished model, under the terms as they are stated now."""
    if card.data is None or card.data.license == terms:
        return card
    card = restate(path, changed(card, data=changed(card.data, license=terms)))
    remember_keras(path)
    return card


def _plan(experiment: Experiment, spec: ModelSpec, images: int) -> Plan:
    recipe, network = experiment.recipe, experiment.resolved
    # A candidate of `edgefkp tune` has no known cost: one of many short trainings, not worth trials of its own.
    cost = cost_of(network.name)
    work = images * cost.macs if cost else 0.0
    return choose_plan(network.name, experiment.options, recipe.batch, spec, recipe.precision, work)


def _standing(path: Path, key: str, replace: bool, note: Callable[[str], None]) -> Card | None:
    """The card of the model that stands at `path` if it is whole and this experiment's; None if it has to be trained.

    Raises EdgefkpError for the model of another experiment, unless it may be replaced.
    """
    if not path.exists():
        return None
    digest = sha256_file(path)
    cards = readable_cards(path)
    for card in cards:
        if card.key != key:
            continue
        if card.sha256 == digest:
            return card
        if not card.sha256 and is_whole_zip(path):  # only the card inside: the one beside it is lost or damaged
            note(f"the card of {path.name} is written again from the one inside")
            return write_card(path, card)
        note(f"{path.name} is not what its card describes, and trained again")
        return None
    if not replace:
        which = (
            "the model of another training (other data, recipe or seed)" if cards else "a model without a whole card"
        )
        raise EdgefkpError(f"{path} is {which}", "--replace trains over it; another --out keeps both")
    return None


def training_faces(parts: Split, experiment: Experiment) -> TrainingSet:
    """What the experiment's network is shown, before any change on the fly."""
    faces, recipe = impute(parts.train, experiment.imputation, experiment.automatic_weight), experiment.recipe
    if experiment.teachers:
        faces = augmented_copies(faces, experiment.teacher_copies, recipe.online, recipe.seed)
        faces = distill_targets(faces, list(experiment.teachers), experiment.teacher_share)
    return paper_set(faces, recipe.seed) if experiment.augment == "paper" else faces


def mean_shape_rmse(parts: Split) -> float:
    """What always predicting the mean training face would score on the validation faces."""
    mean = np.nanmean(parts.train.keypoints, 0)
    return rmse(np.broadcast_to(mean, parts.validation.keypoints.shape), parts.validation.keypoints)
