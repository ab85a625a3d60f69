"""Crops as the presence check sees them: of faces in every light, and of all that a network is shown by mistake.

What a crop is follows from the network's points alone: they lie on a face's true ones, or they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bench.finder import alter
from bench.finder.alter import Random
from bench.finder.photos import Photos
from bench.finder.scenes import Artist, Scene, squares_of
from edgefkp.detect.detector import next_box
from edgefkp.detect.finders import FaceFinder, find_in_still
from edgefkp.detect.presence import patch_of, upright
from edgefkp.geometry import Box, crop_face, crop_matrix, invert, move_points, reframed, roll_of
from edgefkp.layout import KAGGLE15, InputSpec
from edgefkp.networks.finder import FIVE
from edgefkp.runtime.predictor import Predictor

HEIGHT, WIDTH = 288, 384  # pixels of a scene
INPUT = InputSpec()  # of the network; the check serves other inputs as well, because patches are scaled
FEWEST = 0.3  # sides of a face: a profile's eyes are closer, its errors are counted against this
AGREE = 0.25  # error: a model and the teacher of the photos see the same face
NOWHERE = np.full((FIVE.count, 2), np.nan, np.float32)


class Sample(NamedTuple):
    patch: np.ndarray  # (PATCH, PATCH) float32
    # Mean distance of the five points from the true ones over the distance of the eyes; infinity without a face.
    error: float


class Cut(NamedTuple):
    """A crop, where it lies, and the true points of the face that it may show."""

    crop: np.ndarray  # uint8 of INPUT.image_shape
    box: Box | None  # None: a second look at the image would not see what this crop shows
    truth: np.ndarray  # (n, 5, 2) float32 pixels of the image, of all faces in it
    sure: np.ndarray  # (n,) bool


def samples_of(cuts: list[Cut], image: np.ndarray, predictor: Predictor) -> list[Sample]:
    """What the check would judge of these crops, and of the second look at those that have a place in the image."""
    found, again = [], []
    for cut, raw in zip(cuts, predictor.predict(np.stack([cut.crop for cut in cuts])), strict=True):
        found.append(_sample(cut, raw))
        if cut.box:
            box = next_box(move_points(invert(crop_matrix(cut.box, INPUT.side)), raw), KAGGLE15, cut.box)
            again.append(cut._replace(crop=crop_face(image, box, INPUT), box=box))
    if again:
        points = predictor.predict(np.stack([cut.crop for cut in again]))
        found += [_sample(cut, raw) for cut, raw in zip(again, points, strict=True)]
    return [sample for sample in found if sample is not None]


def _sample(cut: Cut, raw: np.ndarray) -> Sample | None:
    """None for a crop with a face of which nobody is sure."""
    place = cut.box or Box(INPUT.center, INPUT.center, INPUT.side)
    error, sure = error_of(move_points(invert(crop_matrix(place, INPUT.side)), raw), cut.truth, cut.sure)
    if not sure:
        return None
    matrix, _, _ = upright(raw, KAGGLE15, INPUT.side)
    return Sample(patch_of(cut.crop, matrix), error)


def error_of(keypoints: np.ndarray, truth: np.ndarray, sure: np.ndarray) -> tuple[float, bool]:
    """How far (15, 2) keypoints lie from the nearest of (n, 5, 2) faces (see Sample), and whether that one is sure."""
    if not len(truth) or np.isnan(truth).all():
        return np.inf, True
    own = keypoints[list(KAGGLE15.rows(*FIVE.points))]
    eyes = np.hypot(*(truth[:, 0] - truth[:, 1]).T)
    lengths = np.maximum(eyes, FEWEST * squares_of(truth)[:, 2])
    errors = np.hypot(*np.moveaxis(truth - own, -1, 0)).mean(1) / lengths
    best = int(np.nanargmin(errors))
    return float(errors[best]), bool(sure[best]) or float(errors[best]) > 1


def aligned(photos: Photos, predictor: Predictor) -> Photos:
    """The photos with the model's own points of each face, as it is: what it finds there in another light is to be the
    same. A teacher's five points are too coarse for that (a tenth of the eyes' distance); where the model is further
    than AGREE from them, nobody is sure of the face."""
    points, sure = photos.points.copy(), photos.sure.copy()
    for number, teacher in enumerate(photos.points):
        image, box = photos.images[photos.photo[number]], _box_of(teacher)
        for _ in range(2):
            raw = predictor.predict(crop_face(image, box, INPUT)[None])[0]
            keypoints = move_points(invert(crop_matrix(box, INPUT.side)), raw)
            box = next_box(keypoints, KAGGLE15, box)
        points[number] = keypoints[list(KAGGLE15.rows(*FIVE.points))]
        sure[number] &= error_of(keypoints, teacher[None], np.ones(1, bool))[0] < AGREE
    return replace(photos, points=points, sure=sure)


def _box_of(points: np.ndarray) -> Box:
    """Where a crop of KAGGLE15 lies on a face with these (5, 2) points."""
    x, y, side = squares_of(points)[0].tolist()
    return reframed(Box(x, y, side, roll_of(points, FIVE)), FIVE, KAGGLE15)


def cuts_of(scene: Scene, random: Random, finder: FaceFinder | None) -> list[Cut]:
    """Crops of a scene: of its faces and beside them, where the finder sees something, and anywhere."""
    boxes: list[Box] = []
    own: list[Cut] = []
    for points in scene.points[scene.sure]:
        face = _box_of(points)
        boxes += [_jittered(face, random), _missed(face, random)]
        crop = crop_face(scene.image, (near := _jittered(face, random)), INPUT)
        moved = move_points(crop_matrix(near, INPUT.side), points)
        altered, truth = _altered(crop, moved, random)
        own.append(Cut(altered, None, truth[None], np.ones(1, bool)))
    if finder:
        boxes += [found.box for found in find_in_still(finder, scene.image)]
    anywhere = [_anywhere(scene.image, random) for _ in range(2 if len(scene.points) else 6)]
    boxes += anywhere
    if not len(scene.points):
        crops = [_symmetric(crop_face(scene.image, box, INPUT), random) for box in anywhere]
        own += [Cut(crop, None, NOWHERE[None], np.ones(1, bool)) for crop in crops]
    return own + [Cut(crop_face(scene.image, box, INPUT), box, scene.points, scene.sure) for box in boxes]


def _jittered(face: Box, random: Random) -> Box:
    x, y = random.normal(0, 0.04, 2)
    box = face.moved(float(x), float(y), float(np.exp(random.normal(0, 0.1))))
    return box._replace(roll=box.roll + float(random.normal(0, 7)))


def _missed(face: Box, random: Random) -> Box:
    """As a tracker or a finder misses a face: beside it, much too small or too large, or turned."""
    way = random.random()
    if way < 0.35:
        angle, far = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.8)
        return face.moved(float(far * np.cos(angle)), float(far * np.sin(angle)), float(random.uniform(0.7, 1.4)))
    x, y = random.uniform(-0.3, 0.3, 2).tolist()
    if way < 0.55:
        return face.moved(x, y, float(random.uniform(0.2, 0.5)))
    if way < 0.75:
        return face.moved(2 * x, 2 * y, float(random.uniform(1.8, 3.3)))
    return face._replace(roll=face.roll + float(random.uniform(60, 300)))


def _anywhere(image: np.ndarray, random: Random) -> Box:
    side = float(np.exp(random.uniform(np.log(24), np.log(max(image.shape)))))
    x, y = (float(random.uniform(0, size)) for size in image.shape[::-1])
    return Box(x, y, side, float(random.choice([0, 0, random.uniform(-180, 180)])))


def _altered(crop: np.ndarray, points: np.ndarray, random: Random) -> tuple[np.ndarray, np.ndarray]:
    """A crop in another light or with an open mouth, or one whose face is gone: then without points."""
    way = random.random()
    if way < 0.6:
        change = LIGHTS[int(random.integers(len(LIGHTS)))]
        return change(crop, points, random), points
    if way < 0.72:
        return crop, points
    return GONE[int(random.integers(len(GONE)))](crop, random), NOWHERE


LIGHTS: tuple[Callable[[np.ndarray, np.ndarray, Random], np.ndarray], ...] = (
    alter.side_light,
    alter.side_light,
    alter.back_light,
    alter.film,
    alter.gamma,
    alter.open_mouth,
)


def _covered(crop: np.ndarray, random: Random) -> np.ndarray:
    """Most of the face behind something smooth, like a hand in front of it."""
    import cv2

    mask = np.zeros(crop.shape, np.float32)
    x, y = random.uniform(40, 56, 2).astype(int).tolist()
    axes = (int(random.uniform(36, 60)), int(random.uniform(42, 65)))
    cv2.ellipse(mask, (x, y), axes, 0, 0, 360, (1.0,), -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 3))
    blob = random.uniform(20, 230) + _clouds(random)
    return np.asarray((crop + mask * (blob - crop)).clip(0, 255).astype(np.uint8))


def _noise(crop: np.ndarray, random: Random) -> np.ndarray:
    return np.asarray((128 + random.uniform(0.3, 3) * _clouds(random)).clip(0, 255).astype(np.uint8))


def _shuffled(crop: np.ndarray, random: Random) -> np.ndarray:
    """Tiles of the face in another order: same texture, different shape."""
    tile = int(random.choice([16, 24, 32]))
    count = INPUT.side // tile
    tiles = crop.reshape(count, tile, count, tile).swapaxes(1, 2).reshape(-1, tile, tile)
    tiles = tiles[random.permutation(len(tiles))]
    return tiles.reshape(count, count, tile, tile).swapaxes(1, 2).reshape(INPUT.side, INPUT.side).copy()


def _dots(crop: np.ndarray, random: Random) -> np.ndarray:
    """Polka dots, rings or holes in rows, on a flat or cloudy ground: two of them are where eyes would be."""
    import cv2

    light, dark = sorted(random.uniform(0, 255, 2).tolist())
    image = np.full(crop.shape, light, np.float32) + random.uniform(0, 0.5) * _clouds(random)
    step, size = random.uniform(14, 50), random.uniform(0.12, 0.45)
    x0, y0 = random.uniform(0, step, 2)
    for row in range(-1, int(INPUT.side / step) + 2):
        for column in range(-1, int(INPUT.side / step) + 2):
            x = x0 + (column + 0.5 * (row % 2) * (random.random() < 0.9)) * step
            center = (round(float(x)), round(float(y0 + row * step)))
            cv2.circle(image, center, max(1, round(size * step)), (dark,), -1 if random.random() < 0.9 else 2)
    return np.asarray(cv2.blur(image, (3, 3)).clip(0, 255).astype(np.uint8))


def _symmetric(crop: np.ndarray, random: Random) -> np.ndarray:
    """One side of it and its mirror image, as in totems, cars and fronts of houses."""
    half = crop[:, : INPUT.side // 2]
    if random.random() < 0.3:
        half = np.rot90(crop, int(random.integers(1, 4)))[:, : INPUT.side // 2]
    return np.ascontiguousarray(np.concatenate([half, half[:, ::-1]], 1))


GONE: tuple[Callable[[np.ndarray, Random], np.ndarray], ...] = (_covered, _covered, _noise, _shuffled, _dots)


def _clouds(random: Random) -> np.ndarray:
    """(side, side) smooth noise of about +-40 gray levels, coarse or fine."""
    import cv2

    cells = int(random.choice([3, 6, 12, 24]))
    small = random.normal(0, 25, (cells, cells)).astype(np.float32)
    return cv2.resize(small, (INPUT.side, INPUT.side), interpolation=cv2.INTER_CUBIC)


def scenes_of(artist: Artist, count: int) -> list[Scene]:
    """Scenes with and without faces, as the finder learns them, and a third without any."""
    kinds = [
        artist.scene(HEIGHT, WIDTH) if number % 3 else artist.empty(HEIGHT, WIDTH, number % 2 == 0)
        for number in range(count)
    ]
    return kinds
