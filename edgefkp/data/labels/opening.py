"""The one place where points that were read become pixels: options are applied, and what comes of it is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.labels.beside import beside_their_points
from edgefkp.data.labels.check import judge
from edgefkp.data.labels.findings import Judgment
from edgefkp.data.labels.images import fit_their_images, photos_fit
from edgefkp.data.labels.options import UPRIGHT, LabelOptions
from edgefkp.data.labels.seen import RawLabels
from edgefkp.data.own_layout import is_own, made_again
from edgefkp.data.photos import PARTS, Photos
from edgefkp.layout import PointLayout


def judged_photos(photos: Photos, options: LabelOptions) -> Photos:
    """The photos with their points in pixels. Raises EdgefkpError for labels that cannot be meant."""
    raw = RawLabels(
        photos.points, photos.sizes, photos.orientations, photos.layout, photos.rows, photos.ids, photos.persons
    )
    judgment = judge(raw, options, str(photos.source))
    judgment.require()
    points = options.points(photos.points, photos.sizes, photos.orientations, photos.layout)
    layout = _layout_of(photos, points)
    photos = replace(photos, judgment=judgment)
    if not options.changes_points:
        return photos
    photos = replace(photos, layout=layout)
    missing = np.isnan(points).any(-1)
    label_src = np.where(missing, np.uint8(0), options.named(photos.label_src, photos.layout))
    visibility = photos.visibility
    if visibility is not None:
        visibility = np.where(missing, np.uint8(0), options.named(visibility, photos.layout))
    return replace(photos, points=points, label_src=label_src, visibility=visibility)


def _layout_of(photos: Photos, points: np.ndarray) -> PointLayout:
    """Of photos with these points. Raises EdgefkpError if it is not clear how points of one's own are mirrored."""
    if not is_own(photos.layout):
        return photos.layout
    trained = photos.parts == PARTS[0]
    return made_again(photos.layout, points[trained] if trained.any() else points, str(photos.source))


def judged_crops(dataset: Dataset, options: LabelOptions, where: str) -> Dataset:
    """The same for a dataset of crops, whose points are in pixels of these."""
    parts = {name: part for name in PARTS if (part := getattr(dataset, name)) is not None}
    judgment = judge(_of_crops(parts, dataset.persons_known), options, where)
    judgment.require()
    dataset = replace(dataset, judgment=judgment)

    def moved(faces: Faces) -> Faces:
        points = options.points(faces.keypoints, *_frames(faces), faces.layout)
        return replace(faces, keypoints=points, label_src=options.named(faces.label_src, faces.layout))

    return dataset.with_parts(moved) if options.changes_points else dataset


def judged_images(dataset: Dataset, photos: Photos | None = None) -> Judgment:
    """The dataset's, with what the pixels add. Raises EdgefkpError for points of other rows than their image's.

    photos: what the dataset was cut out of, if it was.
    """
    rows = fit_their_images(dataset.train) if photos is None else photos_fit(photos)
    judgment = dataset.judgment.with_one_more(rows)
    if rows is None:
        judgment = judgment.with_one_more(beside_their_points(dataset.train))
    judgment.require()
    return judgment


def _frames(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) sizes and (N,) EXIF orientations of the crops."""
    return np.full((len(faces), 2), faces.input.side), np.full(len(faces), UPRIGHT)


def _of_crops(parts: dict[str, Faces], persons_known: bool) -> RawLabels:
    sizes, turns = zip(*(_frames(faces) for faces in parts.values()), strict=True)
    rows = [
        f"{'' if name == PARTS[0] else f'{name} '}row {row + 1}"
        for name, part in parts.items()
        for row in range(len(part))
    ]
    columns = {
        name: np.concatenate([getattr(faces, name) for faces in parts.values()])
        for name in ("keypoints", "ids", "groups")
    }
    return RawLabels(
        columns["keypoints"],
        np.concatenate(sizes),
        np.concatenate(turns),
        next(iter(parts.values())).layout,
        np.array(rows),
        columns["ids"],
        columns["groups"] if persons_known else None,
    )
