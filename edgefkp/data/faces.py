"""Labelled faces in memory: the one type that every data source gives."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from edgefkp.files import sha256_arrays
from edgefkp.layout import COUNT, SIZE

# How a point came to be (Faces.label_src).
PLACED, DERIVED, AGREED, AUTOMATIC = 1, 2, 3, 4

SHOWN = 12  # faces of a sheet of predictions

SomeFaces = TypeVar("SomeFaces", bound="Faces")


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces as the network's pixels and true points.

    images: (N, 96, 96) uint8. keypoints: (N, 15, 2) float32 pixels, NaN = missing.
    ids: (N,) str, a name for each row within its source. groups: (N,) str, the person.
    label_src: (N, 15) uint8, 1 placed by hand, 2 derived from such, 3 agreed by two models,
    4 published automatic points; 0 where unknown.
    Raises ValueError where shapes or types differ from these.
    """

    images: np.ndarray
    keypoints: np.ndarray
    ids: np.ndarray
    groups: np.ndarray
    label_src: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.images)
        expected = {
            "images": (n, SIZE, SIZE),
            "keypoints": (n, COUNT, 2),
            "ids": (n,),
            "groups": (n,),
            "label_src": (n, COUNT),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        if self.images.dtype != np.uint8 or self.keypoints.dtype != np.float32:
            raise ValueError(
                f"images are {self.images.dtype} and keypoints {self.keypoints.dtype}, expected uint8 and float32"
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self: SomeFaces, rows: np.ndarray) -> SomeFaces:
        """The faces at `rows` (indices or a mask), in that order."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def complete(self) -> np.ndarray:
        """(N,) bool: every point is there."""
        return ~np.isnan(self.keypoints).any((1, 2))

    @property
    def labelled(self) -> np.ndarray:
        """(N,) bool: at least one point is there."""
        return ~np.isnan(self.keypoints).all((1, 2))

    @cached_property
    def hash(self) -> str:
        """Of pixels and points, in order."""
        return sha256_arrays(self.images, self.keypoints)


def faces_of(
    images: np.ndarray,
    keypoints: np.ndarray,
    ids: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    label_src: np.ndarray | None = None,
) -> Faces:
    """`Faces` with what is not known filled in: rows numbered, each face a person of its own, label_src 0."""
    n = len(images)
    rows = np.arange(n).astype(str)
    return Faces(
        images=images,
        keypoints=np.asarray(keypoints, np.float32),
        ids=rows if ids is None else np.asarray(ids),
        groups=rows if groups is None else np.asarray(groups),
        label_src=np.zeros((n, COUNT), np.uint8) if label_src is None else np.asarray(label_src, np.uint8),
    )


def joined(parts: list[Faces]) -> Faces:
    """All faces of `parts`, one after the other."""
    return Faces(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Faces)}
    )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Faces to train on and, where the source has its own, faces to test on.

    licence: the terms in one line, copied into the card of every model trained on it.
    more: faces of other sources, for training only (`with_more`).
    lookup: (M, 2) int, for Kaggle's test files: the test row and the coordinate (0..29) of every number
        that the competition scores, in the order of RowId; else None.
    persons_known: False where `groups` were made from near-duplicates instead of persons.
    """

    name: str
    train: Faces
    test: Faces | None
    licence: str
    lookup: np.ndarray | None = None
    persons_known: bool = True
    more: Faces | None = None


def with_more(source: Dataset, others: list[Dataset]) -> Dataset:
    """`source` with the training faces of `others` added to what is trained on, and with their licences.

    Validation and test stay those of `source`; the split leaves out every added face of their persons.
    """
    if not others:
        return source
    licence = "; ".join(dict.fromkeys([source.licence, *(other.licence for other in others)]))
    name = "+".join([source.name, *(other.name for other in others)])
    return replace(source, name=name, licence=licence, more=joined([other.train for other in others]))


def shown_rows(count: int) -> np.ndarray:
    """Rows for a sheet of predictions out of `count` faces: evenly spaced, so nobody picked the good ones."""
    return np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int)
