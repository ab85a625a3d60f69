"""Labeled faces in memory: the one type that every data format returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from edgefkp.data.labels.findings import NOT_JUDGED, Judgment
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_arrays
from edgefkp.geometry import Box, crop_face, crop_matrix, move_points, reframed
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, PointLayout, input_of
from edgefkp.layouts.maps import conversion

# How a point came to be (Faces.label_src).
PLACED, DERIVED, AGREED, AUTOMATIC = 1, 2, 3, 4

# The attribute that holds the side of a face's box in its source, pixels: a crop does not show it any more.
SOURCE_SIDE = "face side"

SHOWN = 12  # faces of a sheet of predictions
_COLUMNS = ("images", "keypoints", "ids", "groups", "label_src")  # fields of Faces with a row for each face

SomeFaces = TypeVar("SomeFaces", bound="Faces")


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces as the network's pixels and true points.

    Raises ValueError if shapes or types differ from those below, UsageError for images of a side that no network
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
    # What else is known of each face, (N,) text or numbers by name: further columns of a table ("" or NaN = unknown).
    # It decides nothing of a training, and is in no hash.
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.images)
        expected = {
            "images": (n, *self.input.image_shape),
            "keypoints": (n, self.layout.count, 2),
            "ids": (n,),
            "groups": (n,),
            "label_src": (n, self.layout.count),
        }
        found = [(name, getattr(self, name), shape) for name, shape in expected.items()]
        for name, array, shape in [*found, *((name, array, (n,)) for name, array in self.attributes.items())]:
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
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
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return replace(self, **columns, attributes={name: array[rows] for name, array in self.attributes.items()})

    def at(self: SomeFaces, spec: InputSpec) -> SomeFaces:
        """The same faces at the side and in the colors of `spec`, the points moved with them; itself where it fits."""
        return self._cut(_whole(self.input.side), spec)

    def _cut(self: SomeFaces, box: Box, spec: InputSpec) -> SomeFaces:
        """`box` of each image as an image of `spec`, the points moved with it; itself where nothing changes."""
        if spec.image_shape == self.input.image_shape and box == _whole(self.input.side):
            return self
        points = move_points(crop_matrix(box, spec.side), self.keypoints)
        return replace(self, images=resampled(self.images, spec, box), keypoints=points)

    def framed_for(self: SomeFaces, layout: PointLayout, spec: InputSpec) -> SomeFaces:
        """The same faces and points, as much of each image as a training crop of `layout` has, in images of `spec`;
        itself where nothing changes."""
        return self._cut(reframed(_whole(self.input.side), self.layout, layout), spec)

    def in_layout(self: SomeFaces, layout: PointLayout) -> SomeFaces:
        """The same faces with the points of `layout`, cut as its training crops are; itself where it fits.

        Raises EdgefkpError if its points do not follow from those of the faces.
        """
        if layout == self.layout:
            return self
        convert = conversion(self.layout, layout)
        framed = self.framed_for(layout, self.input)
        points, label_src = convert(framed.keypoints), convert.label_sources(self.label_src)
        return replace(framed, keypoints=points, label_src=label_src, layout=layout)

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


def resampled(images: np.ndarray, spec: InputSpec, box: Box | None = None) -> np.ndarray:
    """`box` (None: the whole) of (N, side, side[, 3]) uint8 images, rgb with red first, as (N, *spec.image_shape)."""
    box = box or _whole(images.shape[1])
    if images.shape[1:] == spec.image_shape and box == _whole(images.shape[1]):
        return images
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
    attributes: Mapping[str, np.ndarray] | None = None,
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
        attributes=attributes or {},
    )


def joined(parts: list[Faces]) -> Faces:
    """All faces of `parts`, one after the other. Raises EdgefkpError if their points or inputs differ."""
    kinds = list(dict.fromkeys((part.layout, part.input) for part in parts))
    if len(kinds) > 1:
        (layout, spec), (other, other_spec) = kinds[:2]
        raise EdgefkpError(
            f"faces of {spec} with the points of {layout.name}, and of {other_spec} with those of {other.name}",
            "open all of them with one layout and one input",
        )
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Faces(**columns, layout=parts[0].layout, attributes=_joined_attributes(parts))


def _joined_attributes(parts: list[Faces]) -> dict[str, np.ndarray]:
    """Those of all parts, as text where one of them has text; unknown for the faces of a part without that name."""
    names = dict.fromkeys(name for part in parts for name in part.attributes)
    joined = {}
    for name in names:
        columns = [part.attributes.get(name) for part in parts]
        is_text = any(column is not None and column.dtype.kind not in "uif" for column in columns)
        unknown = "" if is_text else np.nan
        joined[name] = np.concatenate(
            [
                np.full(len(part), unknown) if column is None else column.astype(str) if is_text else column
                for part, column in zip(parts, columns, strict=True)
            ]
        )
    return joined


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
    # What was found in the labels when they were opened, and how they were read.
    judgment: Judgment = NOT_JUDGED

    @property
    def layout(self) -> PointLayout:
        return self.train.layout

    @property
    def input(self) -> InputSpec:
        return self.train.input

    @property
    def spec(self) -> ModelSpec:
        """Of a network for these points and images."""
        return ModelSpec(self.layout, self.input)

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
