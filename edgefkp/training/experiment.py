"""An experiment: one training as a value, what its model is called, and the key that it is known by."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgefkp.card import model_name
from edgefkp.data.augment import AUGMENTS
from edgefkp.data.faces import Dataset
from edgefkp.data.imputation import IMPUTATIONS
from edgefkp.data.split import Split
from edgefkp.errors import UsageError
from edgefkp.files import sha256_file
from edgefkp.layout import KAGGLE15, LAYOUTS, ModelSpec
from edgefkp.networks.registry import Network, resolve
from edgefkp.training.key import deciding, key_of
from edgefkp.training.recipe import RIDGE, Recipe, require_within
from edgefkp.training.schedule import ALL, AUTO, SCHEDULES
from edgefkp.training.start import find_start

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
    # Augmented copies of each face that the teachers label; 0: the face itself. With `teacher_online`: so many copies
    # are drawn and kept with the answers, and shown again (shown_again.py); 0: every image is drawn anew.
    teacher_copies: int = 0
    teacher_online: bool = False  # the teachers label every altered image
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
        if self.teacher_online and (not self.teachers or self.augment != "online"):
            raise UsageError(
                "teachers that label every altered image need --teacher and --augment online",
                "give --teacher FILE, or leave out --teacher-online",
            )
        if self.teacher_online and self.recipe.head == RIDGE:
            raise UsageError(
                "a head that is solved learns from labels, and from no teacher of altered images",
                'leave out --teacher-online, or "head" in the recipe',
            )
        if self.teacher_online and self.start is not None and self.schedule != ALL:
            raise UsageError(
                "teachers that label every altered image teach all layers, and the last layer alone learns from labels",
                "add --schedule all, or leave out --teacher-online",
            )
        copies = self.teacher_copies and not self.teacher_online  # made once, before the training
        if self.recipe.solved and (self.recipe.head == RIDGE or self.augment == "paper" or copies):
            raise UsageError(
                'a recipe with "solved" is for a head that learns by steps, of faces altered as they are drawn',
                'leave "solved" out of the recipe, or take --augment online',
            )
        if self.start is not None and (self.augment == "paper" or copies):
            raise UsageError(
                "fine-tuning takes neither the paper's offline set nor copies that are made before it",
                "leave out --augment paper, and give --teacher-copies with --teacher-online",
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

    def _teachers_by_name(self) -> dict[str, str]:
        """Name -> SHA-256; of several files of one name in different folders, all but the first get a number."""
        found: dict[str, str] = {}
        for teacher in self.teachers:
            count = sum(known.name == teacher.name for known in self.teachers[: len(found)])
            found[f"{teacher.name} ({count + 1})" if count else teacher.name] = sha256_file(teacher)
        return found

    def extras(self, source: Dataset) -> dict[str, Any]:
        """What most experiments do not have: more faces, weights of faces, teachers."""
        extras: dict[str, Any] = {}
        if source.extra_training_faces is not None:
            extras["more"] = source.extra_training_faces.hash
        if self.automatic_weight != 1:
            extras["automatic_weight"] = self.automatic_weight
        if self.teachers:
            extras["teachers"] = self._teachers_by_name()
            extras["teacher_share"] = self.teacher_share
        if self.teachers and self.teacher_copies:
            extras["teacher_copies"] = self.teacher_copies
        if self.teacher_online:
            extras["teacher_online"] = True
        return extras


# Fields that `key` takes in its own way; a younger one is in the key where it is not neutral.
_KEYED = {"network", "imputation", "augment", "recipe", "weights", "options"} | {
    "teachers", "teacher_share", "teacher_copies", "teacher_online", "automatic_weight"
}  # fmt: skip
