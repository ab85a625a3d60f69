"""Recall and false faces by size, roll and light, of finders alone and through the detector.

    python -m bench.finder.conditions --photos photos.npz --finder haar --finder edge [--out FILE.json]

Each validation person's photo is laid on a frame of 640x480 pixels, with one thing changed at a time. Backgrounds come
from the validation part as well, so that nothing here was learned from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.finder import alter
from bench.finder.alter import Random
from bench.finder.judge import HEIGHT, WIDTH, is_on
from bench.finder.photos import Photos, read_photos
from bench.finder.scenes import squares_of
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders import FaceFinder, find_in_still, open_finder, usages
from edgefkp.detect.finders.base import FaceBox
from edgefkp.files import plain, write_json
from edgefkp.geometry import Box, move_points, similarity

SCHEMA = "edgefkp.finder-conditions/1"
SHARE = 0.3  # side of the face over the short side of the frame, where nothing else is said
SIZES = (1 / 20, 1 / 14, 1 / 10, 1 / 5, 0.5, 0.9)
ROLLS = (15, 30, 45, 90, 180)  # degrees, to either side
VIEWS = 5  # parts of each background
Change = Callable[[np.ndarray, np.ndarray, Random], np.ndarray]
Frame = tuple[np.ndarray, np.ndarray | None]  # an image, and the points of the one face that is looked for


@dataclass(frozen=True)
class Condition:
    """One finder on one kind of images."""

    schema: str
    finder: str
    condition: str
    images: int
    faces: int
    found: float  # share of the faces, as stills
    found_in_frames: float
    kept: float  # found as stills, and not dropped by the presence check
    false_faces: int  # kept boxes that lie on no face
    false_faces_bound: float  # upper 95 % bound for each image


def _as_it_is(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    return image


def _masked(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    image = image.copy()
    alter.mask(image, points, random)
    return image


LIGHTS: dict[str, Change] = {
    "dark": alter.dark,
    "side light": alter.side_light,
    "back light": alter.back_light,
    "gray film": alter.film,
    "open mouth": alter.open_mouth,
    "mask": _masked,
}


def laid(photos: Photos, face: int, share: float, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """(HEIGHT, WIDTH) frame with the photo of that face, which has that share of the short side; and its points."""
    import cv2

    x, y, side = squares_of(photos.points[face])[0].tolist()
    matrix = similarity(0, degrees, share * min(HEIGHT, WIDTH) / side)
    matrix[:, 2] = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]) - matrix[:, :2] @ (x, y)
    points, image = move_points(matrix, photos.points[face]), photos.images[photos.photo[face]]
    while np.hypot(*matrix[:, 0]) < 0.6:  # so that small faces do not alias
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5)
        matrix[:, :2] *= 2
    frame = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return frame, points


def conditions(photos: Photos, count: int, seed: int) -> Iterator[tuple[str, list[Frame]]]:
    """Names, and their frames."""
    sides = squares_of(photos.points)[:, 2]
    alone = np.bincount(photos.photo, minlength=len(photos.images))[photos.photo] == 1
    faces = np.flatnonzero(photos.sure & alone & (sides > 60))
    chosen = np.random.default_rng(seed).permutation(faces)[:count].tolist()
    for share in SIZES:
        yield f"size {share:.2f}", [laid(photos, face, share, 0) for face in chosen]
    for degrees in ROLLS:
        yield f"roll {degrees}", [laid(photos, face, SHARE, (-1) ** face * degrees) for face in chosen]
    for name, change in {"as it is": _as_it_is, **LIGHTS}.items():
        random = np.random.default_rng(seed)
        frames = [laid(photos, face, SHARE, 0) for face in chosen]
        yield name, [(change(image, points, random), points) for image, points in frames]
    random = np.random.default_rng(seed)
    parts = [_part(image, random) for image in photos.backgrounds for _ in range(VIEWS)]
    yield "no face", [(part, None) for part in parts]


def _part(image: np.ndarray, random: Random) -> np.ndarray:
    """A frame with a part of a background, from all of its width to a third."""
    import cv2

    wide = int(len(image) * random.uniform(0.33, 1.0))
    high = wide * HEIGHT // WIDTH
    left, top = (int(random.integers(len(image) - size + 1)) for size in (wide, high))
    part = image[top : top + high, left : left + wide]
    part = part[:, ::-1] if random.random() < 0.5 else part
    return cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def upper_bound(count: int, images: int) -> float:
    """Of a rate of which `count` were seen in that many images, by Poisson: 95 % (Wilson and Hilferty)."""
    more = count + 1
    return more * (1 - 1 / (9 * more) + 1.645 / (3 * np.sqrt(more))) ** 3 / images


class Remembering:
    """A finder that searches a still once, though the detector and the count both ask for its faces."""

    def __init__(self, finder: FaceFinder) -> None:
        self.name, self.find = finder.name, finder.find
        self._finder = finder
        self._last: tuple[np.ndarray, list[FaceBox]] = np.empty(0), []

    def find_in_still(self, image: np.ndarray) -> list[FaceBox]:
        if self._last[0] is not image:
            self._last = image, find_in_still(self._finder, image)
        return self._last[1]


def measure(name: str, frames: list[Frame], detector: KeypointDetector) -> Condition:
    found = in_frames = kept = false = 0
    for image, points in frames:
        faces = [face.box for face in detector(image)]
        if points is None:
            false += len(faces)
            continue
        square = squares_of(points)[0]
        found += _any_on([box.box for box in find_in_still(detector.finder, image)], square)
        in_frames += _any_on([box.box for box in detector.finder.find(image)], square)
        kept += _any_on(faces, square)
        false += sum(not is_on(box, square) for box in faces)
    faces_there = sum(points is not None for _, points in frames)
    share = max(faces_there, 1)
    return Condition(
        SCHEMA,
        detector.finder.name,
        name,
        len(frames),
        faces_there,
        found / share,
        in_frames / share,
        kept / share,
        false,
        float(upper_bound(false, len(frames))),
    )


def _any_on(boxes: list[Box], square: np.ndarray) -> bool:
    return any(is_on(box, square) for box in boxes)


@click.command()
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="Of bench.finder.photos.")
@click.option("--finder", "specs", multiple=True, required=True, help=f"{usages()}.")
@click.option("--count", default=100, show_default=True, help="Number of persons' photos.")
@click.option("--seed", default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(photos: Path, specs: tuple[str, ...], count: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Measure finders by the size, roll and light of the face."""
    from bench.finder_tables import conditions_table

    detectors = [KeypointDetector(finder=Remembering(open_finder(spec))) for spec in specs]
    rows = []
    for name, frames in conditions(read_photos(photos).part("validation"), count, seed):
        log(name)
        rows += [measure(name, frames, detector) for detector in detectors]
    if out:
        log(f"wrote {write_json(out, rows)}")
    print_json(rows) if as_json else click.echo(conditions_table([plain(row) for row in rows]).text())


if __name__ == "__main__":
    run(main)
