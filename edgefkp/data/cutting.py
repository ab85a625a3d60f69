"""Training crops out of whole images: cut around the known points, with the scatter of Kaggle's own crops."""

from __future__ import annotations

import math
import random
from contextlib import nullcontext

import numpy as np

from edgefkp.data.duplicates import persons_or_duplicates
from edgefkp.data.faces import SOURCE_SIDE, Dataset, Faces, faces_of
from edgefkp.data.images import read_image
from edgefkp.data.license import license_of
from edgefkp.data.photos import PARTS, Photos
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, counted, some, warn
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, move_points
from edgefkp.layout import REFERENCE_SIDE, InputSpec, PointLayout

# Standard deviations of scale and position in Kaggle's crops, after each face is fitted to the mean shape.
SCALE_SCATTER = 0.076  # of the side
POSITION_SCATTER = 2.3  # pixels of a crop of REFERENCE_SIDE
FARTHEST = 2.5  # standard deviations: beyond, chins and brows would leave the crop
SMALLEST_SIDE = 12  # pixels of the photo: below, no face can be seen
HIDDEN = "hidden points"  # the attribute with their number, where labels have visibility
_SLOW = 500  # images that take more than two seconds: show a progress bar


def cut_photos(photos: Photos, input: InputSpec, skip_missing_images: bool = False) -> Dataset:
    """Cut each face out of its photo.

    Raises EdgefkpError for photos that are missing or unreadable (all in one message), unless they are to be
    skipped: they are then counted and named in a warning. Also for points that do not show where the face is.
    """
    _require_faces(photos)
    images, keypoints, kept = _cut_all(photos, input, skip_missing_images)
    photos = photos.take(kept)
    persons = None if photos.persons is None else _each_of_its_own(photos)
    groups = persons_or_duplicates(str(photos.source), images, persons)
    sides = np.array([box_of_keypoints(points, photos.layout).side for points in photos.points])
    attributes = {**dict(photos.columns), SOURCE_SIDE: sides}
    if photos.visibility is not None:
        attributes[HIDDEN] = (photos.visibility == 1).sum(1)
    faces = faces_of(images, keypoints, photos.ids, groups, photos.label_src, photos.layout, attributes)
    train, validation, test = (_part(faces, photos.parts == part) for part in PARTS)
    if train is None:
        raise EdgefkpError(
            f"{photos.source} has no faces to train on: all {len(photos)} are for {' and '.join(set(photos.parts))}",
            "give the folder that holds the training part, too",
        )
    return Dataset(
        photos.name,
        train,
        test,
        license_of(persons, photos.license),
        persons_known=persons is not None,
        validation=validation,
        judgment=photos.judgment,
    )


def _part(faces: Faces, rows: np.ndarray) -> Faces | None:
    return faces.take(rows) if rows.any() else None


def _each_of_its_own(photos: Photos) -> np.ndarray:
    """(N,) str: the persons, with a name of its own for each face that has none."""
    assert photos.persons is not None
    return np.where(photos.persons == "", np.char.add("not named: ", photos.ids), photos.persons)


def _require_faces(photos: Photos) -> None:
    useless = [
        str(name)
        for name, points in zip(photos.ids, photos.points, strict=True)
        if (~np.isnan(points).any(-1)).sum() < 2 or box_of_keypoints(points, photos.layout).side < SMALLEST_SIDE
    ]
    if useless:
        raise EdgefkpError(
            f"{photos.source}: no place of a face in {len(useless)} of {counted(len(photos), 'row')}: {some(useless)}",
            f"give two points or more, apart from each other (faces from {SMALLEST_SIDE} pixels), or remove these rows",
        )


def _cut_all(photos: Photos, input: InputSpec, skip: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops, their points, and the rows that were cut."""
    crops: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    missing = []
    order = sorted(range(len(photos)), key=lambda row: str(photos.paths[row]))  # faces of one photo follow each other
    path, image = None, None
    with progress_bar("cutting faces", len(photos)) if len(photos) >= _SLOW else nullcontext() as bar:
        for row in order:
            if bar:
                bar.update(1)
            if photos.paths[row] != path:
                path = photos.paths[row]
                image = read_image(path, input.colors)
            if image is None:
                missing.append(row)
            else:
                crops[row] = cut_face(image, photos.points[row], str(photos.ids[row]), photos.layout, input)
    _report_missing(photos, sorted(missing), skip)
    kept = np.array(sorted(crops))
    images, keypoints = zip(*(crops[row] for row in kept.tolist()), strict=True)
    return np.stack(images), np.stack(keypoints), kept


def _report_missing(photos: Photos, rows: list[int], skip: bool) -> None:
    """Warn of the photos that are skipped. Raises EdgefkpError if they are not to be, or none is left."""
    if not rows:
        return
    names = [str(photos.ids[row]) for row in rows]
    found = f"{len(names)} of {counted(len(photos), 'image')} that {photos.source.name} names are missing or unreadable"
    if not skip or len(rows) == len(photos):
        raise EdgefkpError(
            f"{found}: {some(names)}",
            "correct or remove these rows"
            + (": no image is left" if skip else ", or go on without them: --skip-missing-images"),
        )
    warn(f"{found}, and left out: {some(names, len(names))}")


def require_photos(photos: Photos, skip_missing_images: bool = False) -> Photos:
    """The faces whose photos are there, for what needs no crops. Raises EdgefkpError as `cut_photos` does."""
    there = np.asarray((photos.sizes > 0).all(1))
    _report_missing(photos, np.flatnonzero(~there).tolist(), skip_missing_images)
    return photos.take(there)


def cut_face(
    image: np.ndarray, keypoints: np.ndarray, name: str, layout: PointLayout, spec: InputSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the face with (K, 2) points out of a (H, W) or (H, W, 3) BGR image.

    Returns a uint8 crop of `spec.image_shape` and its (K, 2) float32 points. The same `name` always gives the same
    crop. Raises ValueError for fewer than two points.
    """
    box = scattered(box_of_keypoints(keypoints, layout), name)
    return crop_face(image, box, spec), move_points(crop_matrix(box, spec.side), keypoints).astype(np.float32)


def scattered(box: Box, name: str) -> Box:
    """`box` moved and scaled by an amount that depends on `name` alone."""
    # Random.random() of a text seed is fixed across Python versions; no other generator promises that.
    numbers = random.Random(name.encode(errors="surrogateescape"))
    scale, x, y = (_bounded_normal(numbers.random()) for _ in range(3))
    pixel = box.side / REFERENCE_SIDE * POSITION_SCATTER
    return Box(box.x + x * pixel, box.y + y * pixel, box.side * math.exp(scale * SCALE_SCATTER))


def _bounded_normal(uniform: float) -> float:
    from statistics import NormalDist  # takes long to import, and --help imports this file

    edge = NormalDist().cdf(-FARTHEST)
    return NormalDist().inv_cdf(edge + uniform * (1 - 2 * edge))
