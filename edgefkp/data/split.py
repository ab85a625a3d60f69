"""The first step of all: persons are divided into training, validation and test.

What comes later (imputation, augmentation) takes only `TrainingFaces`, which only this module makes;
so imputed or altered faces can never get into validation or test.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from weakref import WeakKeyDictionary

import numpy as np

from edgefkp.data.faces import Dataset, Faces, joined
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_arrays

PARTS = ("test", "validation", "train", "all")  # of a dataset; all: what it has to train on
SPLIT_SEED = 0  # one split for every model, so that their scores can be compared
VALIDATION_SHARE = 0.1
TEST_SHARE = 0.1  # only of datasets without a test part of their own


@dataclass(frozen=True, eq=False)
class TrainingFaces(Faces):
    """Faces of the training persons, with their labels as they came."""


@dataclass(frozen=True, eq=False)
class Split:
    train: TrainingFaces
    validation: Faces
    test: Faces
    hash: str  # of the ids in each part


# The splits of every dataset in memory, by seed: each is made once.
_SPLITS: WeakKeyDictionary[Dataset, dict[int, Split]] = WeakKeyDictionary()


def split(source: Dataset, seed: int = SPLIT_SEED) -> Split:
    """Divide by person: a dataset's own test and validation parts stay whole, else they come out of the training
    persons.

    `source.extra_training_faces` are added to training, but for the persons of the other two parts. Faces without any
    label are left out of training and validation. A dataset is divided once: later calls return the same split.
    Raises EdgefkpError if there are too few persons for three parts.
    """
    splits = _SPLITS.setdefault(source, {})
    if seed not in splits:
        splits[seed] = _divide(source, seed)
    return splits[seed]


def _divide(source: Dataset, seed: int) -> Split:
    persons = source.train.take(source.train.labeled)
    order = np.random.default_rng(seed).permutation(np.unique(persons.groups))
    if source.validation is not None:
        rest, validation = persons, source.validation.take(source.validation.labeled)
    else:
        rest, validation = _draw(persons, order, VALIDATION_SHARE)
    test = source.test
    if test is None:
        rest_order = order[np.isin(order, rest.groups)]
        rest, test = _draw(rest, rest_order, TEST_SHARE)
    if not (len(rest) and len(validation)):
        raise EdgefkpError(
            f"{source.name}: {len(order)} labeled persons are too few to split into training and validation",
            "add faces of more persons; with no persons known, near-duplicates count as one",
        )
    if (extra := source.extra_training_faces) is not None:
        held_out = np.concatenate([validation.groups, test.groups])
        added = extra.labeled & ~np.isin(extra.groups, held_out)
        rest = joined([rest, extra.take(added)])
    train = _to_train_on(rest)
    digest = sha256_arrays(*(np.array(sorted(part.ids)) for part in (train, validation, test)))
    return Split(train, validation, test, digest)


def _to_train_on(faces: Faces) -> TrainingFaces:
    return TrainingFaces(**{field.name: getattr(faces, field.name) for field in fields(Faces)})


def cross_validated(parts: Split) -> Split:
    """The parts where faces are too few to leave some out for validation: these are trained on, too, and training and
    validation are the same faces, for folds that leave each of them out once. The test part stays out."""
    every = _to_train_on(joined([parts.train, parts.validation]))
    return replace(parts, train=every, validation=every)


def _draw(faces: Faces, order: np.ndarray, share: float) -> tuple[Faces, Faces]:
    """(the rest, the faces of the first persons in `order` that together hold `share` of the faces)."""
    names, counts = np.unique(faces.groups, return_counts=True)
    size = dict(zip(names.tolist(), counts.tolist(), strict=True))
    drawn: list[str] = []
    count = 0
    for person in order.tolist():
        if count >= share * len(faces) or len(drawn) >= len(order) - 1:
            break
        drawn.append(person)
        count += size[person]
    picked = np.isin(faces.groups, drawn)
    return faces.take(~picked), faces.take(picked)
