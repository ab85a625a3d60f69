"""Recall and false boxes of face finders on drawn scenes of validation persons, by the size of the faces.

    python -m bench.finder.judge --photos photos.npz --finder haar --finder edge:FOLDER/edge.int8.tflite

Mosaics of 640x480 pixels: 12 to 24 persons on a background, sizes from 1/20 to 1/4 of the short side, up to 45 degrees
of roll. Portraits: one photo each. Backgrounds: without a face, and photos whose faces are covered by something else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.finder.photos import read_photos
from bench.finder.scenes import Artist, Scene, squares_of
from edgefkp.cli.options import json_option, print_json
from edgefkp.detect.finders import FaceFinder, find_in_still, open_finder, usages
from edgefkp.detect.finders.base import FaceBox
from edgefkp.geometry import Box

HEIGHT, WIDTH = 480, 640
SHARES = (1 / 20, 1 / 14, 1 / 10, 1 / 7, 1 / 4)  # of the short side: edges between the classes of size
TILT = 45.0
NEAR, SIMILAR = 0.3, 1.6  # a box lies on a face: its middle within NEAR sides, its side within this factor
SCHEMA = "edgefkp.finder-judge/1"
Find = Callable[[FaceFinder, np.ndarray], list[FaceBox]]


@dataclass(frozen=True)
class Judged:
    """One finder on one kind of scenes."""

    schema: str
    finder: str
    scenes: str
    count: int  # scenes
    faces: int
    found: int
    recall_by_size: tuple[float, ...]  # between the edges SHARES, the smallest first; NaN without such faces
    false_boxes: int
    milliseconds: float  # processor time of a search, the median


def mosaics(artist: Artist, count: int) -> list[Scene]:
    return [
        artist.mosaic(HEIGHT, WIDTH, int(artist.random.integers(12, 25)), SHARES[0], SHARES[-1], TILT)
        for _ in range(count)
    ]


def is_on(box: Box, square: np.ndarray) -> bool:
    """Whether a found box lies on the face with that square (x, y, side)."""
    x, y, side = square.tolist()
    return max(abs(box.x - x), abs(box.y - y)) < NEAR * side and 1 / SIMILAR < box.side / side < SIMILAR


def judge(finder: FaceFinder, find: Find, kind: str, scenes: list[Scene]) -> Judged:
    seconds, hits, sizes, false = [], [], [], 0
    for scene in scenes:
        began = time.process_time()
        boxes = [found.box for found in find(finder, scene.image)]
        seconds.append(time.process_time() - began)
        squares = squares_of(scene.points)
        free = set(range(len(boxes)))
        for square in squares[scene.sure]:
            on = [number for number in free if is_on(boxes[number], square)]
            hits.append(bool(on))
            sizes.append(square[2] / min(scene.image.shape))
            free -= set(on[:1])  # a second box on the same face is a false one
        for square in squares[~scene.sure]:
            free -= {number for number in free if np.hypot(*(square[:2] - boxes[number][:2])) < square[2]}
        false += len(free)
    hit, bins = np.array(hits, bool), np.digitize(sizes, SHARES[1:-1])
    recalls = [float(hit[bins == number].mean()) if (bins == number).any() else np.nan for number in range(4)]
    took = float(np.median(seconds)) * 1000
    return Judged(SCHEMA, finder.name, kind, len(scenes), len(hit), int(hit.sum()), tuple(recalls), false, took)


def all_scenes(photos: Path, count: int, seed: int) -> dict[str, list[Scene]]:
    artist = Artist(read_photos(photos).part("validation"), seed)
    return {
        "mosaics": mosaics(artist, count),
        "portraits": [artist.portrait(HEIGHT, WIDTH, TILT / 3) for _ in range(2 * count)],
        "backgrounds": [artist.empty(HEIGHT, WIDTH, erased=False) for _ in range(3 * count)],
        "covered faces": [artist.empty(HEIGHT, WIDTH, erased=True) for _ in range(3 * count)],
    }


def ways(finder: FaceFinder, pipeline: bool, free: bool) -> dict[str, Find]:
    """How images are searched: as stills, as frames of a video, and as stills whose faces the detector then judges."""
    found: dict[str, Find] = {"as stills": find_in_still, "as frames": lambda finder, image: finder.find(image)}
    if pipeline:
        from edgefkp.detect.detector import KeypointDetector

        detector = KeypointDetector(finder=finder, free=free)
        found["through the free set" if free else "through the detector"] = lambda finder, image: [
            FaceBox(face.box, face.score) for face in detector(image)
        ]
    return found


def line_of(row: Judged) -> str:
    sizes = " ".join(f"{recall:.2f}" for recall in row.recall_by_size) if row.faces else "-"
    recall = f"{row.found / row.faces:.3f}" if row.faces else "-"
    return (
        f"{row.finder:6} {row.scenes:36} recall {recall:6} ({sizes}) of {row.faces:4} faces, "
        f"{row.false_boxes:3} false boxes in {row.count}, {row.milliseconds:.2f} ms"
    )


@click.command()
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="Of bench.finder.photos.")
@click.option("--finder", "specs", multiple=True, required=True, help=f"{usages()}.")
@click.option("--count", default=50, show_default=True, help="Number of mosaics.")
@click.option("--pipeline", is_flag=True, help="Also count the faces that the detector keeps of those found in stills.")
@click.option("--free", is_flag=True, help="With --pipeline: with the model and the check of the free set.")
@click.option("--seed", default=1, show_default=True)
@json_option
def main(
    photos: Path, specs: tuple[str, ...], count: int, pipeline: bool, free: bool, seed: int, as_json: bool
) -> None:
    """Judge face finders on scenes of validation persons."""
    scenes = all_scenes(photos, count, seed)
    rows = []
    for spec in specs:
        finder = open_finder(spec)
        for kind, own in scenes.items():
            for name, find in ways(finder, pipeline, free).items():
                rows.append(judge(finder, find, f"{kind}, {name}", own))
                if not as_json:
                    click.echo(line_of(rows[-1]))
    if as_json:
        print_json(rows)


if __name__ == "__main__":
    run(main)
