"""Fit the box corrections of the finders, on training persons only.

    python -m bench.fit_finders --data lfw-kaggle
    python -m bench.fit_finders --data free-faces --finder edge-free     (a finder of clean terms, by faces of such)

Writes edgefkp/detect/finders/calibration.json: from each finder's box to the crop. Training crops have hardly any
border, so BORDER pixels of replicated border are added before a finder sees them. (The presence check:
bench.fit_presence.)
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import run
from edgefkp.data.faces import Faces
from edgefkp.detect.finders import FINDERS, FaceFinder, open_finder, usages
from edgefkp.detect.finders.base import CORRECTIONS, BoxCorrection
from edgefkp.detect.finders.edge_free import EdgeFreeFinder
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_json
from edgefkp.geometry import Box, box_of_keypoints
from edgefkp.layout import InputSpec

INPUT = InputSpec()  # of the training crops
BORDER = 48  # pixels
SEED = 0
LABEL_CUT = Box(INPUT.center + BORDER, INPUT.center + BORDER, INPUT.side)  # the crop in the bordered image
# A box matches the face if its center is within this fraction of the side and its side within this factor.
NEAR, SIMILAR = 0.3, 1.6


def bordered(images: np.ndarray) -> np.ndarray:
    """(N, 96, 96) -> (N, 192, 192) with a replicated border, so that a finder can search the image."""
    return np.pad(images, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)), mode="edge")


def is_hit(found: Box, truth: Box) -> bool:
    """Whether `found` is near `truth` and not on something else in the image."""
    far = max(abs(found.x - truth.x), abs(found.y - truth.y)) > NEAR * truth.side
    return not far and 1 / SIMILAR < found.side / truth.side < SIMILAR


def fit_correction(finder: FaceFinder, faces: Faces) -> dict[str, Any]:
    """Return the median shift and scale from the boxes of `finder` (uncorrected) to the crops of the labels."""
    rows = []
    for image, keypoints in zip(bordered(faces.images), faces.keypoints, strict=True):
        truth = box_of_keypoints(keypoints + BORDER, faces.layout)
        hits = [found.box for found in finder.find(image)[:1] if is_hit(found.box, truth)]
        rows += [((truth.x - box.x) / box.side, (truth.y - box.y) / box.side, truth.side / box.side) for box in hits]
    x, y, scale = np.median(rows, axis=0).tolist()
    return {"x": x, "y": y, "scale": scale, "faces": len(rows), "missed": 1 - len(rows) / len(faces)}


def uncorrected(specs: Sequence[str]) -> Iterator[FaceFinder]:
    """Open the finders without their corrections; those that have none or are not installed here are left out."""
    for spec in specs:
        try:
            finder = open_finder(spec)
        except EdgefkpError as error:
            click.echo(f"{spec} keeps its correction: {error.message}", err=True)
            continue
        if hasattr(finder, "correction"):
            finder.correction = BoxCorrection()
            yield finder


@click.command()
@click.option("--data", required=True, help="Data, as for edgefkp train; only its training persons are used.")
@click.option("--labels", type=click.Choice(["csv", "full"]), default="csv", help="Labels, as for edgefkp train.")
@click.option("--faces", "count", default=6000, show_default=True, help="Number of training faces.")
@click.option(
    "--finder",
    "finders",
    multiple=True,
    help=f"{usages()}. [default: each that needs no FILE, but {EdgeFreeFinder.name}]",
)
def main(data: str, labels: str, count: int, finders: tuple[str, ...]) -> None:
    """Fit the corrections of the finders."""
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split

    faces = split(open_dataset(data, labels)).train
    faces = faces.take(faces.complete)
    faces = faces.take(np.random.default_rng(SEED).permutation(len(faces))[:count])
    stored = read_json(CORRECTIONS)["finders"]  # finders that are not fitted here keep their values
    # What is taught by clean terms alone is corrected by such faces alone: it must be named.
    usual = [name for name in FINDERS.names() if name != EdgeFreeFinder.name]
    own = uncorrected(finders or usual)
    stored |= {finder.name: fit_correction(finder, faces) | {"data": Path(data).name} for finder in own}
    write_json(CORRECTIONS, {"schema": "edgefkp.live-calibration/1", "finders": stored})
    click.echo(f"wrote {CORRECTIONS}, from {len(faces)} faces")


if __name__ == "__main__":
    run(main)
