"""Fit the presence check, on photos of training persons, and calibrate its score on half of the validation persons.

    python -m bench.fit_presence gather --photos photos.npz --finder edge:FILE.tflite --seed 0 --out 0.npz    (and 1)
    python -m bench.fit_presence fit --photos photos.npz --finder edge:FILE.tflite --samples 0.npz --samples 1.npz

photos.npz is that of bench.finder.photos. Writes edgefkp/detect/presence.npz, and prints how the score holds on the
other half of the validation persons. Needs the extra `train` (scikit-learn); with OMP_NUM_THREADS=1 it takes a minute
or two, on a busy machine much longer without.
"""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.finder.crops import Sample, aligned, cuts_of, error_of, samples_of, scenes_of
from bench.finder.judge import HEIGHT, WIDTH, mosaics
from bench.finder.photos import Photos, read_photos
from bench.finder.scenes import Artist, Scene
from edgefkp.cli.options import log
from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.data.progress import progress_bar
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders import find_in_still, open_finder
from edgefkp.detect.presence import PATCH, WEIGHTS, Presence
from edgefkp.evaluation.table import Table
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.runtime.shipped import find_model

HIDDEN = 64  # units: 40 microseconds a face
ON, OFF = 0.15, 0.30  # errors (crops.Sample) of what is taught as a face, and as none; between them nothing is
GOOD = 0.10  # error of good points: the score is how likely they are
LOOSE = 0.15  # threshold of the finder whose boxes are taught: more of its mistakes
BLOCK = 32  # photos in a row that are in the same part: those of one person follow each other
DOUBTFUL = 0.1  # score from which on what is no face is taught again
PHOTOS = 2000  # of which one gathering draws its scenes
PASSES, PASSES_MORE = 25, 4  # over the first samples, and over all others
RATE = 1e-3
SEED = 0


@dataclass(frozen=True)
class Bin:
    """Faces whose score lies between two limits."""

    low: float
    high: float
    faces: int
    score: float  # the mean
    good: float  # share with an error below GOOD


def gather(photos: Photos, predictor: Predictor, spec: str, count: int, seed: int) -> list[Sample]:
    """What the check is taught, from `count` drawn scenes."""
    artist, finder = Artist(photos, seed), open_finder(spec)
    for name in ("threshold", "threshold_in_windows"):
        setattr(finder, name, LOOSE)
    found: list[Sample] = []
    with progress_bar("scenes", count) as bar:
        for scene in scenes_of(artist, count):
            found += samples_of(cuts_of(scene, artist.random, finder), scene.image, predictor)
            bar.update(1)
    return found


def taken(photos: Photos, count: int, seed: int) -> Photos:
    """So many of the photos, drawn."""
    kept = np.zeros(len(photos.images), bool)
    kept[np.random.default_rng(seed).permutation(len(kept))[:count]] = True
    backgrounds = np.ones(len(photos.backgrounds), bool)
    return replace(photos, validation=kept, background_validation=backgrounds).part("validation")


def write_samples(path: Path, samples: list[Sample]) -> None:
    patches = np.stack([sample.patch for sample in samples]).astype(np.float16)
    write_arrays(path, {"patches": patches, "errors": np.array([sample.error for sample in samples])})


def read_samples(path: Path) -> list[Sample]:
    """Raises EdgefkpError for a file that is missing or damaged."""
    arrays = read_arrays(path, "make it anew: python -m bench.fit_presence gather")
    patches = arrays["patches"].astype(np.float32)
    return [Sample(*pair) for pair in zip(patches, arrays["errors"].tolist(), strict=True)]


def fit(samples: list[Sample], start: Presence | None = None, passes: int = PASSES, seed: int = SEED) -> Presence:
    """One hidden layer between the patch and the answer; from `start` on, or from random weights."""
    from sklearn.neural_network import MLPClassifier

    taught = [sample for sample in samples if sample.error < ON or sample.error > OFF]
    # Networks train poorly on values as small as the pixels of a patch of norm 1; the factor goes into the weights.
    patches = np.stack([sample.patch.ravel() for sample in taught]) * np.float32(PATCH)
    is_face = np.array([sample.error < ON for sample in taught])
    classifier = MLPClassifier((HIDDEN,), alpha=0.3, random_state=seed)
    classifier.partial_fit(patches[:1], is_face[:1], classes=[False, True])
    if start:
        layers = [[(start.hidden / PATCH).T, start.out[:, None]], [start.hidden_bias, np.array([start.bias])]]
        classifier.coefs_, classifier.intercepts_ = [[part.astype(np.float32) for part in layer] for layer in layers]
    order = np.random.default_rng(seed)
    for number in range(passes):
        # More passes than a few overfit the training faces; the last ones are at a lower rate.
        classifier._optimizer.learning_rate_init = RATE * min(1.0, 2 * (passes - number) / passes)
        rows = order.permutation(len(patches))
        classifier.partial_fit(patches[rows], is_face[rows])
    (hidden, out), (hidden_bias, out_bias) = classifier.coefs_, classifier.intercepts_
    return Presence((hidden * PATCH).T, hidden_bias, out[:, 0], float(out_bias[0]))


def evidence(check: Presence, patches: np.ndarray) -> np.ndarray:
    """(n,) what the check's score is the sigmoid of."""
    units = np.maximum(patches.reshape(len(patches), -1) @ check.hidden.T + check.hidden_bias, 0)
    return np.asarray(units @ check.out + check.bias)


def judged(photos: Photos, detector: KeypointDetector, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(scores, errors) of whatever the finder sees in `count` scenes of each kind, as the detector judges it."""
    artist = Artist(photos, seed)
    scenes: list[Scene] = mosaics(artist, count)
    scenes += [artist.portrait(HEIGHT, WIDTH, 15) for _ in range(4 * count)]
    scenes += [artist.empty(HEIGHT, WIDTH, erased=bool(number % 2)) for number in range(2 * count)]
    scores, errors = [], []
    for scene in scenes:
        for box in find_in_still(detector.finder, scene.image):
            face = detector.refine(scene.image, box.box).face
            error, sure = error_of(face.keypoints, scene.points, scene.sure)
            if sure:
                scores.append(face.score)
                errors.append(error)
    return np.array(scores), np.array(errors)


def calibrated(check: Presence, scores: np.ndarray, errors: np.ndarray) -> Presence:
    """The check whose score is how likely the points are good (Platt's fit of its evidence)."""
    from sklearn.linear_model import LogisticRegression

    seen = scores > 0  # 0: the shape alone was enough
    logits = np.log(scores[seen] / np.maximum(1 - scores[seen], 1e-9))
    line = LogisticRegression(C=1e6).fit(logits[:, None], errors[seen] < GOOD)
    slope, shift = float(line.coef_[0, 0]), float(line.intercept_[0])
    return Presence(check.hidden, check.hidden_bias, check.out * slope, check.bias * slope + shift)


def reliability(
    scores: np.ndarray, errors: np.ndarray, edges: tuple[float, ...] = (0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1.001)
) -> list[Bin]:
    rows = []
    for low, high in itertools.pairwise(edges):
        own = (scores >= low) & (scores < high)
        if own.any():
            rows.append(Bin(low, high, int(own.sum()), float(scores[own].mean()), float((errors[own] < GOOD).mean())))
    return rows


def halves(photos: Photos) -> tuple[Photos, Photos]:
    """The photos of the validation persons in two parts: to calibrate, and to see whether that holds."""
    first = np.arange(len(photos.images)) // BLOCK % 2 == 0
    return tuple(replace(photos, validation=own).part("validation") for own in (first, ~first))  # type: ignore


def table_of(bins: list[Bin]) -> Table:
    rows = [
        (f"{row.low:.2f} to {min(row.high, 1):.2f}", str(row.faces), f"{row.score:.3f}", f"{row.good:.3f}")
        for row in bins
    ]
    return Table.of(("score", "faces", "mean score", "good points"), rows)


@click.group()
def main() -> None:
    """Fit the presence check."""


photos_option = click.option("--photos", type=click.Path(path_type=Path), required=True, help="Of bench.finder.photos.")
finder_option = click.option("--finder", "spec", required=True, help="Whose boxes are judged: edge:FILE.tflite.")
model_option = click.option(
    "--model", type=click.Path(path_type=Path), help="That will run. [default: the shipped one]"
)


@main.command("gather")
@photos_option
@finder_option
@model_option
@click.option("--scenes", default=1300, show_default=True, help="Number of drawn scenes.")
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def gather_command(photos: Path, spec: str, model: Path | None, scenes: int, seed: int, out: Path) -> None:
    """Draw scenes of training persons, and write what the check is to be taught of them."""
    predictor = open_predictor(find_model(model))
    part = taken(read_photos(photos).part("train"), PHOTOS, seed)
    samples = gather(aligned(part, predictor), predictor, spec, scenes, seed)
    write_samples(out, samples)
    log(f"{len(samples)} crops, {sum(sample.error < ON for sample in samples)} of them faces: {out}")


@main.command("fit")
@photos_option
@finder_option
@model_option
@click.option("--samples", "files", type=click.Path(path_type=Path), multiple=True, required=True, help="Of gather.")
@click.option("--judged", "count", default=60, show_default=True, help="Number of mosaics for the calibration.")
@click.option("--terms", default="", help="Of the photos, for a free set: 'LICENSE: credit; LICENSE: credit'.")
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
def fit_command(
    photos: Path, spec: str, model: Path | None, files: tuple[Path, ...], count: int, terms: str, out: Path
) -> None:
    """Fit the check to the first file of samples, go on with the others, and calibrate it. What it takes for faces in
    the others is taught more often."""
    check = fit(read_samples(files[0]))
    others = [sample for file in files[1:] for sample in read_samples(file)]
    if others:
        scores = 1 / (1 + np.exp(-evidence(check, np.stack([sample.patch for sample in others]))))
        mistaken = [one for one, score in zip(others, scores, strict=True) if one.error > OFF and score > DOUBTFUL]
        log(f"{len(mistaken)} of {len(others)} crops are mistaken for faces")
        check = fit(others + 2 * mistaken, check, PASSES_MORE)
    held = aligned(read_photos(photos).part("validation"), open_predictor(find_model(model)))
    first, second = halves(held)
    detector = KeypointDetector(model, open_finder(spec), presence=check, min_score=0)
    check = calibrated(check, *judged(first, detector, count, SEED + 2))
    replace(check, terms=terms).save(out)
    detector = KeypointDetector(model, open_finder(spec), presence=check, min_score=0)
    click.echo(table_of(reliability(*judged(second, detector, count, SEED + 3))).text())
    log(f"wrote {out}")


if __name__ == "__main__":
    run(main)
