"""Labeled faces in memory: the one type that every data format returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_arrays
from edgefkp.geometry import Box, crop_face, crop_matrix, move_points
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout, input_of

# How a point came to be (Faces.label_src).
PLACED, DERIVED, AGREED, AUTOMATIC = 1, 2, 3, 4

SHOWN = 12  # faces of a sheet of predictions
_COLUMNS = ("images", "keypoints", "ids", "groups", "label_src")  # fields of Faces with a row for each face

SomeFaces = TypeVar("SomeFaces", bound="Faces")


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces as the network's pixels and true points.

    Raises ValueError where shapes or types differ from those below, UsageError for images of a side that no network
    takes.
    """

    # (N, side, side) uint8 for gray, (N, side, side, 3) for rgb, red first.
    images: np.ndarray
    # (N, K, 2) float32 pixels, NaN = missing.
    keypoints: np.ndarray
    # (N,) str, a name for each row within its dataset.
    ids: np.ndarray
    # (N,) str, the person.
    groups: np.ndarray
    # (N, K) uint8: 1 placed by hand, 2 derived from such, 3 agreed by two models, 4 published automatic points; 0
    # where unknown.
    label_src: np.ndarray
    # The K points.
    layout: PointLayout = KAGGLE15

    def __post_init__(self) -> None:
        n = len(self.images)
        expected = {
            "images": (n, *self.input.image_shape),
            "keypoints": (n, self.layout.count, 2),
            "ids": (n,),
            "groups": (n,),
            "label_src": (n, self.layout.count),
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

    @cached_property
    def input(self) -> InputSpec:
        """What a network is fed that takes these images as they are."""
        return input_of(self.images)

    def take(self: SomeFaces, rows: np.ndarray) -> SomeFaces:
        """The faces at `rows` (indices or a mask), in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def at(self: SomeFaces, spec: InputSpec) -> SomeFaces:
        """The same faces at the side and in the colors of `spec`, the points moved with them; itself where it fits."""
        if spec.image_shape == self.input.image_shape:
            return self
        points = move_points(crop_matrix(_whole(self.input.side), spec.side), self.keypoints)
        return replace(self, images=resampled(self.images, spec), keypoints=points)

    def in_layout(self: SomeFaces, layout: PointLayout) -> SomeFaces:
        """The same faces with the points of `layout`, which have to be among theirs; itself where it fits.

        Raises EdgefkpError where the faces lack one of the points.
        """
        if layout == self.layout:
            return self
        if missing := [name for name in layout.points if not self.layout.has(name)]:
            raise EdgefkpError(
                f"the faces have the {self.layout.count} points of {self.layout.name}, and not "
                f"{', '.join(missing[:3])} of {layout.name}",
                f"give faces with the points of {layout.name}, or ask for {self.layout.name}",
            )
        rows = self.layout.rows(*layout.points)
        return replace(self, keypoints=self.keypoints[:, rows], label_src=self.label_src[:, rows], layout=layout)

    @property
    def complete(self) -> np.ndarray:
        """(N,) bool: every point is labeled."""
        return ~np.isnan(self.keypoints).any((1, 2))

    @property
    def labeled(self) -> np.ndarray:
        """(N,) bool: at least one point is labeled."""
        return ~np.isnan(self.keypoints).all((1, 2))

    @cached_property
    def hash(self) -> str:
        """Of pixels and points, in order."""
        return sha256_arrays(self.images, self.keypoints)


def _whole(side: int) -> Box:
    return Box((side - 1) / 2, (side - 1) / 2, side)


def resampled(images: np.ndarray, spec: InputSpec) -> np.ndarray:
    """(N, side, side[, 3]) uint8 images, rgb with red first, as (N, *spec.image_shape)."""
    if images.shape[1:] == spec.image_shape:
        return images
    box = _whole(images.shape[1])
    resized = np.empty((len(images), *spec.image_shape), np.uint8)
    for row, image in enumerate(images):
        # The crop takes images as cv2 reads them: blue first.
        resized[row] = crop_face(image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1]), box, spec)
    return resized


def faces_of(
    images: np.ndarray,
    keypoints: np.ndarray,
    ids: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    label_src: np.ndarray | None = None,
    layout: PointLayout = KAGGLE15,
) -> Faces:
    """`Faces` with what is not known filled in: rows numbered, each face a person of its own, label_src 0."""
    n = len(images)
    rows = np.arange(n).astype(str)
    return Faces(
        images=images,
        keypoints=np.asarray(keypoints, np.float32),
        ids=rows if ids is None else np.asarray(ids),
        groups=rows if groups is None else np.asarray(groups),
        label_src=np.zeros((n, layout.count), np.uint8) if label_src is None else np.asarray(label_src, np.uint8),
        layout=layout,
    )


def joined(parts: list[Faces]) -> Faces:
    """All faces of `parts`, one after the other. Raises EdgefkpError where their points or inputs differ."""
    kinds = list(dict.fromkeys((part.layout, part.input) for part in parts))
    if len(kinds) > 1:
        (layout, spec), (other, other_spec) = kinds[:2]
        raise EdgefkpError(
            f"faces of {spec} with the points of {layout.name}, and of {other_spec} with those of {other.name}",
            "open all of them with one layout and one input",
        )
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Faces(**columns, layout=parts[0].layout)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Faces to train on and, where the source has its own, faces to test on."""

    name: str
    train: Faces
    # The source's own test part; else the split makes one.
    test: Faces | None
    # The terms in one line, copied into the card of every model trained on it.
    license: str
    # (M, 2) int, for Kaggle's test files: the test row and the coordinate (0..29) of every number that the competition
    # scores, in the order of RowId.
    lookup: np.ndarray | None = None
    # False where `groups` were made from near-duplicates instead of persons.
    persons_known: bool = True
    # Faces of other datasets, for training only (`with_extra_training_faces`).
    extra_training_faces: Faces | None = None
    # The source's own validation part; else the split makes one.
    validation: Faces | None = None

    @property
    def layout(self) -> PointLayout:
        return self.train.layout

    @property
    def input(self) -> InputSpec:
        return self.train.input

    def with_parts(self, change: Callable[[Faces], Faces]) -> Dataset:
        """The same dataset with `change` of each part that it has."""
        test, validation = (None if part is None else change(part) for part in (self.test, self.validation))
        return replace(self, train=change(self.train), test=test, validation=validation)


def with_license(source: Dataset, license: str | None) -> Dataset:
    """`source` under the terms that its owner states; unchanged if that is None."""
    return source if license is None else replace(source, license=" ".join(license.split()))


def with_extra_training_faces(source: Dataset, others: list[Dataset]) -> Dataset:
    """`source` with the training faces of `others` added to what is trained on, and with their licenses.

    Validation and test stay those of `source`; the split leaves out every added face of their persons.
    """
    if not others:
        return source
    license = "; ".join(dict.fromkeys([source.license, *(other.license for other in others)]))
    name = "+".join([source.name, *(other.name for other in others)])
    return replace(source, name=name, license=license, extra_training_faces=joined([other.train for other in others]))


def shown_rows(count: int) -> np.ndarray:
    """Rows for a sheet of predictions out of `count` faces: evenly spaced, so nobody picked the good ones."""
    return np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int)
