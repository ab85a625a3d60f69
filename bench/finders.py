"""Measure keypoints behind a face finder, compared with crops cut around the labels.

    python -m bench.finders --data lfw-kaggle --model FILE.tflite [--out bench/results/finders.json]

Uses two sets: the original images of the built-in sample (all persons), and the test crops of DATA with a replicated
border. A face is missed if no box lies on it or the presence check rejects it. Both errors are in pixels of the 96x96
crop, over the same (found) faces.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from bench import run
from bench.fit_finders import BORDER, LABEL_CUT, bordered, is_hit
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders import DEFAULT
from edgefkp.files import plain, write_json
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, invert, move_points
from edgefkp.layout import REFERENCE_SIDE

SCHEMA = "edgefkp.finders/1"


class LabeledImage(NamedTuple):
    """An image with its true points."""

    image: np.ndarray  # (H, W) gray uint8
    keypoints: np.ndarray  # (K, 2) true points in it, NaN = missing
    cut: Box  # around the labels


@dataclass(frozen=True)
class BehindFinder:
    """Keypoints of one model behind one finder on one set of images."""

    schema: str
    images: str = field(metadata={"json": "pictures"})
    finder: str
    model: str
    faces: int
    missed: float  # share of the faces
    rmse: float  # pixels of a 96x96 crop
    rmse_label_cut: float  # of the same faces, cut around their labels


def sample_images() -> Iterator[LabeledImage]:
    """Yield the original ORL images with the sample's own crops."""
    import cv2

    from edgefkp.data.cutting import scattered
    from edgefkp.data.formats.sample import LABELS, LAYOUT, images_folder
    from edgefkp.data.points_csv import read_points

    files, points, *_ = read_points(LABELS, LAYOUT)
    for name, keypoints in zip(files, points, strict=True):
        image = cv2.imread(str(images_folder() / name), cv2.IMREAD_GRAYSCALE)
        yield LabeledImage(image, keypoints, scattered(box_of_keypoints(keypoints, LAYOUT), name))


def test_images(data: str) -> Iterator[LabeledImage]:
    """Yield the test crops of `data` with a replicated border."""
    from edgefkp.data.formats import open_dataset

    test = open_dataset(data).test
    if test is None:
        raise click.UsageError(f"{data} has no test split")
    for image, keypoints in zip(bordered(test.images), test.keypoints, strict=True):
        yield LabeledImage(image, keypoints + BORDER, LABEL_CUT)


def measure(name: str, labeled: Iterator[LabeledImage], detector: KeypointDetector) -> BehindFinder:
    errors, errors_label_cut, missed, count = [], [], 0, 0
    layout, spec = detector.spec.layout, detector.spec.input
    for own in labeled:
        count += 1
        scale = REFERENCE_SIDE / own.cut.side
        faces = [face for face in detector(own.image) if is_hit(face.box, box_of_keypoints(own.keypoints, layout))]
        if not faces:
            missed += 1
            continue
        raw = detector.predictor.predict(crop_face(own.image, own.cut, spec)[None])[0]
        from_label_cut = move_points(invert(crop_matrix(own.cut, spec.side)), raw)
        errors.append(scale * (faces[0].keypoints - own.keypoints))
        errors_label_cut.append(scale * (from_label_cut - own.keypoints))
    return BehindFinder(
        SCHEMA,
        name,
        detector.finder.name,
        detector.model.stem,
        count,
        missed / count,
        _rms(errors),
        _rms(errors_label_cut),
    )


def _rms(errors: list[np.ndarray]) -> float:
    return float(np.sqrt(np.nanmean(np.stack(errors).astype(np.float64) ** 2)))


@click.command()
@click.option("--data", help="Data in Kaggle's format with labels for the whole test split. [default: only the sample]")
@click.option("--model", type=click.Path(path_type=Path))
@click.option("--finder", "finders", multiple=True, default=(DEFAULT,), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(data: str | None, model: Path | None, finders: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Measure keypoints behind face finders."""
    from bench.finder_tables import finders_table

    rows = [row for finder in finders for row in _all_sets(data, KeypointDetector(model, finder, max_faces=1))]
    if out:
        log(f"wrote {write_json(out, rows)}")
    print_json(rows) if as_json else click.echo(finders_table([plain(row) for row in rows]).text())


def _all_sets(data: str | None, detector: KeypointDetector) -> Iterator[BehindFinder]:
    sets = {"ORL originals": sample_images()}
    if data:
        sets[f"{Path(data).name}, test, {BORDER} px of border"] = test_images(data)
    for name, labeled in sets.items():
        log(f"{detector.finder.name} on {name} ...")
        yield measure(name, labeled, detector)


if __name__ == "__main__":
    run(main)
