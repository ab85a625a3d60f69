"""Labeled faces on whole photos, as a file of labels has them: what is judged, and then cut into `Faces`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.face_table import PERSON_WORDS, word
from edgefkp.data.labels.findings import NOT_JUDGED, Judgment
from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions
from edgefkp.data.license import NOT_STATED
from edgefkp.data.own_layout import layout_of
from edgefkp.data.photo_size import photo_size
from edgefkp.layout import PointLayout
from edgefkp.layouts.maps import conversion

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Reading:
    """How files of labels are read, beyond what their form says: the options that every command with --data has."""

    # Go on without the images that are missing or unreadable; they are counted and named.
    skip_missing_images: bool = False
    # What turns the numbers that were read into pixels.
    labels: LabelOptions = AS_THEY_ARE


@dataclass(frozen=True, eq=False)
class Photos:
    """N labeled faces on photos, in the order of their source; a photo may have several.

    Raises ValueError if a shape or type differs from those below.
    """

    # Of the dataset.
    name: str
    # The file, or the folder of files, that holds the labels: for messages.
    source: Path
    # The K points.
    layout: PointLayout
    # N: the photo of each face.
    paths: tuple[Path, ...]
    # (N, K, 2) float32 pixels of the upright photo, exactly as they were read; NaN = missing.
    points: np.ndarray
    # (N, 2) int32, width and height of the upright photo in pixels; 0 where it is missing or no image.
    sizes: np.ndarray
    # (N,) uint8, Exif's orientation of the stored photo, 1 to 8; 1 is upright.
    orientations: np.ndarray
    # (N,) str, a name for each face within its dataset: the photo's as the labels have it, "#2" after that of its
    # second face. A crop depends on it (`cutting.scattered`).
    ids: np.ndarray
    # (N,) str, where the face stands in `source`, for messages: "line 5", "annotation 12".
    rows: np.ndarray
    # (N,) str, of PARTS.
    parts: np.ndarray
    # (N, K) uint8, as `Faces.label_src`; 0 = unknown.
    label_src: np.ndarray
    # (N,) str, the person; None where the labels name none.
    persons: np.ndarray | None = None
    # (N, K) uint8 as in COCO: 0 not labeled, 1 labeled but hidden, 2 visible; None where the labels do not have it.
    visibility: np.ndarray | None = None
    # (N, 4) float32 pixels, the face's box: left, top, width, height; NaN = none. None where the labels have none.
    boxes: np.ndarray | None = None
    # Other columns of the labels, by name: (N,) str each.
    columns: tuple[tuple[str, np.ndarray], ...] = ()
    # The terms in one line.
    license: str = NOT_STATED
    # What was found in the labels when they were opened, and how they were read.
    judgment: Judgment = NOT_JUDGED

    def __post_init__(self) -> None:
        n, count = len(self.paths), self.layout.count
        expected: dict[str, tuple[tuple[int, ...], Any]] = {
            "points": ((n, count, 2), np.float32),
            "sizes": ((n, 2), np.int32),
            "orientations": ((n,), np.uint8),
            "ids": ((n,), np.str_),
            "rows": ((n,), np.str_),
            "parts": ((n,), np.str_),
            "label_src": ((n, count), np.uint8),
            "persons": ((n,), np.str_),
            "visibility": ((n, count), np.uint8),
            "boxes": ((n, 4), np.float32),
        }
        for name, (shape, kind) in expected.items():
            array = getattr(self, name)
            if array is not None and (array.shape != shape or not np.issubdtype(array.dtype, kind)):
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected {kind} of {shape}")

    def __len__(self) -> int:
        return len(self.paths)

    def in_layout(self, layout: PointLayout) -> Photos:
        """The same faces with the points of `layout`; itself where it fits.

        Raises EdgefkpError if its points do not follow from those of the faces.
        """
        if layout == self.layout:
            return self
        convert = conversion(self.layout, layout)
        visibility = self.visibility
        if visibility is not None:  # the mean of several is as visible as the least of them
            visibility = np.floor(convert(np.stack([visibility] * 2, -1).astype(np.float32))[..., 0]).astype(np.uint8)
        label_src = convert.label_sources(self.label_src)
        points = convert(self.points)
        return replace(self, layout=layout, points=points, label_src=label_src, visibility=visibility)

    def take(self, rows: np.ndarray) -> Photos:
        """The faces at `rows` (indices or a mask), in that order."""
        at = np.arange(len(self))[rows]
        arrays = {one.name: getattr(self, one.name) for one in fields(self)}
        taken = {name: array[at] for name, array in arrays.items() if isinstance(array, np.ndarray)}
        columns = tuple((name, array[at]) for name, array in self.columns)
        return replace(self, paths=tuple(self.paths[row] for row in at.tolist()), columns=columns, **taken)


def person_in(*values: Any) -> str | None:
    """The person that one of these objects of a JSON file names: itself, or its attributes."""
    for value in values:
        known = value if isinstance(value, dict) else vars(value) if hasattr(value, "__dict__") else {}
        for place in (known, known.get("attributes")):
            for name, person in place.items() if isinstance(place, dict) else ():
                if word(name) in PERSON_WORDS and isinstance(person, str | int) and str(person).strip():
                    return str(person).strip()
    return None


@dataclass(frozen=True, eq=False)
class LabeledFace:
    """One face as a reader finds it; `photos_of` makes `Photos` of many."""

    file: str  # the photo as the labels name it; it becomes the face's id
    path: Path  # where it lies, or should
    points: np.ndarray  # (K, 2) float pixels, NaN = missing
    row: str = ""  # where it stands in the labels
    part: str = PARTS[0]
    person: str | None = None
    label_src: int = 0  # of all its points
    visibility: np.ndarray | None = None  # (K,) 0, 1, 2
    box: tuple[float, float, float, float] | None = None  # left, top, width, height
    columns: tuple[tuple[str, str], ...] = ()

    def taking(self, order: list[int]) -> LabeledFace:
        """The face with its points in that order."""
        visibility = None if self.visibility is None else self.visibility[order]
        return replace(self, points=self.points[order], visibility=visibility)

    def of_part(self, part: str) -> LabeledFace:
        return replace(self, part=part)


# A face's points by name: x, y in pixels, and visibility as in COCO.
NamedPoints = dict[str, tuple[float, float, int]]


def named_faces(
    found: Sequence[tuple[LabeledFace, NamedPoints]], where: str, asked: PointLayout | None
) -> tuple[PointLayout, list[LabeledFace]]:
    """The layout of all names that occur, and the faces with their points; a name that a face lacks is missing."""
    names = list(dict.fromkeys(name for _, points in found for name in points))
    faces = []
    for face, points in found:
        places = np.array([points.get(name, (np.nan, np.nan, 0)) for name in names], np.float64)
        visibility = places[:, 2].astype(np.uint8)
        faces.append(
            replace(face, points=np.where(visibility[:, None] > 0, places[:, :2], np.nan), visibility=visibility)
        )
    known = [face.points for face in faces if face.part == PARTS[0]] or [face.points for face in faces]
    layout, order = layout_of(names, np.array(known), where, asked)
    return layout, [face.taking(order) for face in faces]


def photos_of(name: str, source: Path, layout: PointLayout, faces: Sequence[LabeledFace]) -> Photos:
    """`Photos` of at least one face, with sizes and orientations read from the photos."""
    sizes = {path: photo_size(path) for path in dict.fromkeys(face.path for face in faces)}
    names: Counter[str] = Counter()
    ids = []
    for face in faces:
        names[face.file] += 1
        ids.append(face.file if names[face.file] == 1 else f"{face.file}#{names[face.file]}")
    visible = [_or_seen(face) for face in faces] if any(face.visibility is not None for face in faces) else None
    nowhere = (np.nan,) * 4
    known = [column for face in faces for column, _ in face.columns]
    columns = {column: [dict(face.columns).get(column, "") for face in faces] for column in dict.fromkeys(known)}
    points = np.array([face.points for face in faces], np.float32).reshape(-1, layout.count, 2)
    source_of = np.array([face.label_src for face in faces], np.uint8)[:, None]
    return Photos(
        name,
        source,
        layout,
        tuple(face.path for face in faces),
        points,
        np.array([sizes[face.path][:2] for face in faces], np.int32),
        np.array([sizes[face.path].orientation for face in faces], np.uint8),
        np.array(ids),
        np.array([face.row for face in faces]),
        np.array([face.part for face in faces]),
        np.where(np.isnan(points).any(-1), np.uint8(0), source_of),
        None if all(face.person is None for face in faces) else np.array([face.person or "" for face in faces]),
        None if visible is None else np.array(visible, np.uint8),
        np.array([face.box or nowhere for face in faces], np.float32) if any(face.box for face in faces) else None,
        tuple((column, np.array(cells)) for column, cells in columns.items()),
    )


def _or_seen(face: LabeledFace) -> np.ndarray:
    """Visibility, with 2 for the points of a face that has none."""
    if face.visibility is not None:
        return face.visibility
    return np.where(np.isnan(face.points).any(-1), 0, 2)
