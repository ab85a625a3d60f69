"""Fit the box corrections of the finders and the presence check, on training persons only.

    python -m bench.fit_finders --data lfw-kaggle --model FILE.tflite

Writes edgefkp/detect/finders/calibration.json (from each finder's box to the crop) and edgefkp/detect/presence.npz
(face or not). Needs the extra `train` (scikit-learn). Training crops have hardly any border, so BORDER pixels of
replicated border are added before a finder sees them.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.detect.finders import FINDERS, FaceFinder, open_finder, usages
from edgefkp.detect.finders.base import CORRECTIONS, BoxCorrection
from edgefkp.detect.presence import PATCH, WEIGHTS, Presence, patch_of, upright
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_json
from edgefkp.geometry import Box, box_of_keypoints, crop_face
from edgefkp.layout import InputSpec
from edgefkp.runtime.predictor import Predictor, open_predictor

INPUT = InputSpec()  # of the network; the fitted check serves other inputs as well, because patches are scaled
BORDER = 48  # pixels
SEED = 0
HIDDEN = 32  # units of the presence check: 20 microseconds per face
VIEWS = 4  # crops per face, to balance faces against non-faces
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


def fit_correction(finder: FaceFinder, faces: Faces) -> dict[str, float]:
    """Return the median shift and scale from the boxes of `finder` (uncorrected) to the crops of the labels."""
    rows = []
    for image, keypoints in zip(bordered(faces.images), faces.keypoints, strict=True):
        truth = box_of_keypoints(keypoints + BORDER, faces.layout)
        hits = [found.box for found in finder.find(image)[:1] if is_hit(found.box, truth)]
        rows += [((truth.x - box.x) / box.side, (truth.y - box.y) / box.side, truth.side / box.side) for box in hits]
    x, y, scale = np.median(rows, axis=0)
    return {"x": x, "y": y, "scale": scale, "faces": len(rows), "missed": 1 - len(rows) / len(faces)}


def fit_presence(predictor: Predictor, faces: Faces) -> Presence:
    """Train the classifier: crops of tracked faces against what a tracker sees after losing the face."""
    from sklearn.neural_network import MLPClassifier

    random = np.random.default_rng(SEED)
    images = bordered(faces.images)
    tracked = np.concatenate([_cut_all(images, _face, random) for _ in range(VIEWS)])
    lost = np.concatenate([_cut_all(images, make, random) for make in LOST])
    patches = np.concatenate([_patches(predictor, tracked), _patches(predictor, lost)])
    patches = patches.reshape(len(patches), -1)
    is_face = np.arange(len(patches)) < len(tracked)
    # Networks train poorly on values as small as the pixels of a patch of norm 1; the factor goes into the weights.
    classifier = MLPClassifier((HIDDEN,), alpha=0.3, max_iter=25, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about stopping after 25 passes: more passes overfit the training faces
        classifier.fit(patches * PATCH, is_face)
    (hidden, out), (hidden_bias, out_bias) = classifier.coefs_, classifier.intercepts_
    return Presence((hidden * PATCH).T, hidden_bias, out[:, 0], float(out_bias[0]))


def _cut_all(images: np.ndarray, make: Any, random: np.random.Generator) -> np.ndarray:
    return np.stack([make(image, random) for image in images])


def _patches(predictor: Predictor, crops: np.ndarray) -> np.ndarray:
    points = predictor.predict(crops)
    layout = predictor.spec.layout
    matrices = [upright(own, layout, INPUT.side)[0] for own in points]
    return np.stack([patch_of(crop, matrix) for crop, matrix in zip(crops, matrices, strict=True)])


def _tracked(random: np.random.Generator) -> Box:
    x, y = random.normal(0, 3, 2)
    return Box(LABEL_CUT.x + x, LABEL_CUT.y + y, INPUT.side * random.uniform(0.85, 1.2))


def _face(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return crop_face(image, _tracked(random), INPUT)


def _beside(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    angle, far = random.uniform(0, 2 * np.pi), random.uniform(30, 60)
    box = Box(LABEL_CUT.x + far * np.cos(angle), LABEL_CUT.y + far * np.sin(angle), INPUT.side)
    return crop_face(image, box, INPUT)


def _too_close(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    x, y = random.uniform(-30, 30, 2)
    return crop_face(image, Box(LABEL_CUT.x + x, LABEL_CUT.y + y, random.uniform(16, 45)), INPUT)


def _too_far(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    x, y = random.uniform(-60, 60, 2)
    return crop_face(image, Box(LABEL_CUT.x + x, LABEL_CUT.y + y, random.uniform(200, 320)), INPUT)


def _turned(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.rot90(_face(image, random), int(random.integers(1, 4))).copy()


def _covered(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Cover most of the face with a smooth blob, like a hand in front of it."""
    import cv2

    crop = _face(image, random).astype(np.float32)
    mask = np.zeros((INPUT.side, INPUT.side), np.float32)
    x, y = random.uniform(35, 60, 2)
    cv2.ellipse(
        mask, (int(x), int(y)), (int(random.uniform(30, 55)), int(random.uniform(38, 60))), 0, 0, 360, (1.0,), -1
    )
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 3))
    return (crop + mask * (random.uniform(20, 230) + _clouds(random) - crop)).clip(0, 255).astype(np.uint8)


def _noise(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return (128 + random.uniform(0.3, 3) * _clouds(random)).clip(0, 255).astype(np.uint8)


def _shuffled(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shuffle tiles of the face: same texture, different shape."""
    tile = int(random.choice([16, 24, 32]))
    count = INPUT.side // tile
    tiles = _face(image, random).reshape(count, tile, count, tile).swapaxes(1, 2).reshape(-1, tile, tile)
    tiles = tiles[random.permutation(len(tiles))]
    return tiles.reshape(count, count, tile, tile).swapaxes(1, 2).reshape(INPUT.side, INPUT.side).copy()


def _clouds(random: np.random.Generator) -> np.ndarray:
    """Return (side, side) smooth noise of about +-40 gray levels, coarse or fine."""
    import cv2

    cells = int(random.choice([3, 6, 12, 24]))
    small = random.normal(0, 25, (cells, cells)).astype(np.float32)
    return cv2.resize(small, (INPUT.side, INPUT.side), interpolation=cv2.INTER_CUBIC)


LOST = (_beside, _too_close, _too_far, _turned, _covered, _noise, _shuffled)


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
@click.option("--model", required=True, type=click.Path(path_type=Path), help="The model that will run.")
@click.option("--labels", type=click.Choice(["csv", "full"]), default="csv", help="Labels, as for edgefkp train.")
@click.option("--faces", "count", default=6000, show_default=True, help="Number of training faces.")
@click.option("--finder", "finders", multiple=True, help=f"{usages()}. [default: each that needs no FILE]")
def main(data: str, model: Path, labels: str, count: int, finders: tuple[str, ...]) -> None:
    """Fit the corrections of the finders and the presence check."""
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split

    predictor = open_predictor(model)
    faces = split(open_dataset(data, labels)).train
    faces = faces.take(faces.complete)
    faces = faces.take(np.random.default_rng(SEED).permutation(len(faces))[:count])
    stored = read_json(CORRECTIONS)["finders"]  # finders that are not fitted here keep their values
    stored |= {finder.name: fit_correction(finder, faces) for finder in uncorrected(finders or FINDERS.names())}
    write_json(CORRECTIONS, {"schema": "edgefkp.live-calibration/1", "data": Path(data).name, "finders": stored})
    fit_presence(predictor, faces).save(WEIGHTS)
    click.echo(f"wrote {CORRECTIONS} and {WEIGHTS}, from {len(faces)} faces")


if __name__ == "__main__":
    main()
