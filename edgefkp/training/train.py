"""One trained network: split, impute, augment, fit, and write models/<model>.keras with its card."""

import math
from collections.abc import Callable
from dataclasses import dataclass
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
    readable_cards,
    restate,
    versions,
    write_card,
    write_with_card,
)
from edgefkp.data.augment import paper_set
from edgefkp.data.faces import Dataset
from edgefkp.data.imputation import TrainingSet, impute
from edgefkp.data.split import Split, split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import plain, require_writable, sha256_file
from edgefkp.layout import ModelSpec
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import build
from edgefkp.runtime.keras_safety import remember_keras
from edgefkp.training.autotune import choose_plan
from edgefkp.training.batches import epoch_size
from edgefkp.training.distillation import augmented_copies, distill_targets, online_teachers
from edgefkp.training.experiment import Experiment
from edgefkp.training.features import fit_head
from edgefkp.training.finetune import Finetuned, OwnFaces, finetune, parts_for
from edgefkp.training.fit import EpochLog, Fit, fit
from edgefkp.training.last_layer import with_solved_last
from edgefkp.training.recipe import RIDGE
from edgefkp.training.ridge import Solved, fit_ridge
from edgefkp.training.shown_again import ShownAgain
from edgefkp.training.start import facts_of, find_start, inherited, open_start
from edgefkp.training.step_plan import Plan


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
    again = _shown_again(experiment, faces)
    asked = experiment.teacher_online and not again
    relabel = online_teachers(faces, experiment.teachers, experiment.teacher_share) if asked else None
    result: Fit | Finetuned
    rows = parts.train.complete if experiment.imputation == "drop" else slice(None)
    persons = parts.train.groups[rows]  # of the faces, where no copies are made of them
    if recipe.solved and len(np.unique(persons)) < 2:
        raise UsageError(
            "the last layer is solved by folds over persons, and all training faces are of one",
            'leave "solved" out of the recipe',
        )
    if start:
        own = OwnFaces(faces, persons, parts)
        plan = _plan(experiment, spec, images)
        settings = (network.name, experiment.schedule, own, recipe, plan, spec, online)
        result = finetune(start, make, *settings, *calls, relabel, again)
    elif recipe.head == RIDGE:
        result = fit_ridge(make, faces, parts.validation, recipe, spec, online, *calls)
    elif network.frozen and not online:
        result = fit_head(make, faces, parts.validation, recipe, spec, *calls)
    else:
        plan = _plan(experiment, spec, images)
        result = fit(make, faces, parts.validation, recipe, plan, spec, online, *calls, relabel, again)
    solved: dict[str, Any] = {}
    if recipe.solved:
        others = None if parts.validation is parts.train else parts.validation
        config = recipe.online if online else None
        result, solved["solved"] = with_solved_last(result, faces, persons, others, spec, config, recipe.seed)
        if solved["solved"]["kept"]:
            progress.on_epoch(result.history[-1])
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
        | ({"head": result.facts} if isinstance(result, Solved) else {})
        | solved,
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


def _shown_again(experiment: Experiment, faces: TrainingSet) -> ShownAgain | None:
    count, recipe = experiment.teacher_copies, experiment.recipe
    if not experiment.teacher_online or not count:
        return None
    settled = math.ceil(count * recipe.settled)
    return ShownAgain(faces, experiment.teachers, experiment.teacher_share, recipe.online, count, settled)


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
    if experiment.teachers and not experiment.teacher_online:
        faces = augmented_copies(faces, experiment.teacher_copies, recipe.online, recipe.seed)
        faces = distill_targets(faces, experiment.teachers, experiment.teacher_share)
    return paper_set(faces, recipe.seed) if experiment.augment == "paper" else faces


def mean_shape_rmse(parts: Split) -> float:
    """What always predicting the mean training face would score on the validation faces."""
    mean = np.nanmean(parts.train.keypoints, 0)
    return rmse(np.broadcast_to(mean, parts.validation.keypoints.shape), parts.validation.keypoints)
