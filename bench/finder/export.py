"""Convert a trained finder to .tflite files, read each back, and write the card beside them.

    python -m bench.finder.export --checkpoint FOLDER/finder.npz --photos photos.npz --out FOLDER [--name edge-free]

Writes NAME.SCHEME.tflite for each scheme and NAME.json, the card, with the finder's sources (sources.py). The integers
of int8 are calibrated on scenes of training persons.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import run
from bench.finder.photos import Photos, read_photos
from bench.finder.scenes import Artist
from bench.finder.sources import SOURCES, Sources
from edgefkp.detect.finders import DEFAULT
from edgefkp.errors import EdgefkpError
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.schemes import SCHEMES
from edgefkp.files import sha256_file, write_bytes, write_json
from edgefkp.networks.finder import OUTPUTS, WIDTHS, make_finder
from edgefkp.training.checkpoint import read_checkpoint

HEIGHT, WIDTH = 256, 320  # pixels of the input: a frame of 640x480 at half its size, with a border
WANTED = ("float32", "dynamic", "int8")
CALIBRATION = 200  # scenes
LARGEST = 250_000  # bytes of a file
SCHEMA = "edgefkp.finder-card/1"


@dataclass(frozen=True)
class FinderFile:
    file: str
    bytes: int
    sha256: str
    # Against the network in Keras, over the cells of calibration scenes: the largest difference of a score.
    score_difference: float


@dataclass(frozen=True)
class FinderCard:
    """What the finder's files were made from."""

    schema: str
    input: str
    outputs: str
    weights: int
    scenes: int  # it was trained on
    trained_on: tuple[str, ...]
    teacher: str
    terms: str
    made: str  # date
    files: tuple[FinderFile, ...]


def trained(checkpoint: Path, height: int = HEIGHT, width: int = WIDTH) -> tuple[Any, int]:
    """The averaged network of a checkpoint, and the scenes it has seen. Raises EdgefkpError for one that has none."""
    stored = read_checkpoint(checkpoint)
    if stored is None or not stored.best:
        raise EdgefkpError(f"no trained finder in {checkpoint}", "train one: python -m bench.finder.train")
    model = make_finder(height, width)
    model.set_weights(stored.best)
    return model, int(stored.history[-1]["scenes"])


def calibration(photos: Photos, count: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(count, height, width, 1) float32 scenes of training persons."""
    artist = Artist(photos, seed=7)
    return np.stack([artist.scene(height, width).image for _ in range(count)])[..., None].astype(np.float32) / 255


def export(
    model: Any, samples: np.ndarray, schemes: Sequence[str], out: Path, name: str = DEFAULT
) -> tuple[FinderFile, ...]:
    """Write a file by each scheme. Raises EdgefkpError for one that is too large."""
    made = []
    truth = model.predict(samples[:8], verbose=0)["scores"]
    for scheme in schemes:
        settings = ConversionSettings(scheme)
        content = convert(model, settings, [samples] if SCHEMES[scheme].static else ())
        if len(content) > LARGEST:
            raise EdgefkpError(f"the finder in {scheme} has {len(content)} bytes; {LARGEST} are allowed")
        path = write_bytes(out / f"{name}.{scheme}.tflite", content)
        made.append(FinderFile(path.name, len(content), sha256_file(path), _difference(path, samples[:8], truth)))
    return tuple(made)


def _difference(path: Path, samples: np.ndarray, truth: np.ndarray) -> float:
    from edgefkp.runtime import interpreters

    model = interpreters.load(path)
    which = [int(detail["shape"][-1]) for detail in model.outputs].index(WIDTHS[OUTPUTS.index("scores")])
    differences = []
    for sample, scores in zip(samples, truth, strict=True):
        model.set(sample[None])
        model.invoke()
        differences.append(np.abs(model.get(which)[0] - scores).max())
    return round(float(np.max(differences)), 5)


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True)
@click.option("--photos", type=click.Path(path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--name", type=click.Choice(list(SOURCES)), default=DEFAULT, show_default=True)
def main(checkpoint: Path, photos: Path, out: Path, name: str) -> None:
    """Convert a trained finder."""
    sources: Sources = SOURCES[name]
    out.mkdir(parents=True, exist_ok=True)
    model, scenes = trained(checkpoint)
    samples = calibration(read_photos(photos).part("train"), CALIBRATION)
    files = export(model, samples, WANTED, out, name)
    card = FinderCard(
        SCHEMA,
        f"(1, {HEIGHT}, {WIDTH}, 1) float32: gray, 0 to 1",
        "scores (1, N, 1), boxes (1, N, 3), points (1, N, 10): see edgefkp/networks/finder.py",
        int(model.count_params()),
        scenes,
        sources.trained_on,
        sources.teacher,
        sources.terms,
        datetime.date.today().isoformat(),
        files,
    )
    write_json(out / f"{name}.json", card)
    for file in files:
        click.echo(f"{file.file}: {file.bytes} bytes, scores within {file.score_difference} of Keras")


if __name__ == "__main__":
    run(main)
