"""How good are the keypoints behind a face detector, against crops that were cut around the labels?

    python -m bench.finders --data ../shared/data/lfw-kaggle --model FILE.tflite --finder haar

Two sets: the original pictures of the built-in sample (all persons), and the test crops of DATA with replicated
border. Missed: no box on the face, or one that the presence check turned down. Errors are in pixels of the 96x96 crop,
over the found faces, for the same faces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from edgefkp.cli.options import json_option, note, print_json
from edgefkp.crop import Box, box_of_keypoints, crop_matrix, cut
from edgefkp.detector import KeypointDetector
from edgefkp.geometry import invert, move_points
from edgefkp.keypoints import SIZE
from edgefkp.live.calibrate import BORDER, LABEL_CUT, bordered, is_hit

SEEN = "edgefkp.finders/1"


class Picture(NamedTuple):
    """image: gray. keypoints: (15, 2) true points in it, NaN = missing. cut: the crop around the labels."""

    image: np.ndarray
    keypoints: np.ndarray
    cut: Box


@dataclass(frozen=True)
class Behind:
    schema: str
    pictures: str
    finder: str
    model: str
    faces: int
    missed: float
    rmse: float
    rmse_label_cut: float

    @property
    def worse(self) -> float:
        return self.rmse / self.rmse_label_cut - 1


def sample_pictures() -> Iterator[Picture]:
    """The ORL pictures as they came, with the sample's own crops."""
    import cv2

    from edgefkp.data.cutting import scattered
    from edgefkp.data.points_csv import read_points
    from edgefkp.data.sample import LABELS, _images_folder

    files, points, _ = read_points(LABELS)
    for name, keypoints in zip(files, points, strict=True):
        image = cv2.imread(str(_images_folder() / name), cv2.IMREAD_GRAYSCALE)
        yield Picture(image, keypoints, scattered(box_of_keypoints(keypoints), name))


def test_pictures(data: str) -> Iterator[Picture]:
    from edgefkp.data.source import open_source

    test = open_source(data).test
    if test is None:
        raise click.UsageError(f"{data} has no test part")
    for image, keypoints in zip(bordered(test.images), test.keypoints, strict=True):
        yield Picture(image, keypoints + BORDER, LABEL_CUT)


def measure(name: str, pictures: Iterator[Picture], detector: KeypointDetector) -> Behind:
    errors, errors_label_cut, missed, count = [], [], 0, 0
    for picture in pictures:
        count += 1
        scale = SIZE / picture.cut.side
        faces = [face for face in detector(picture.image) if is_hit(face.box, box_of_keypoints(picture.keypoints))]
        if not faces:
            missed += 1
            continue
        raw = detector.predictor.predict(cut(picture.image, picture.cut)[None])[0]
        labelled = move_points(invert(crop_matrix(picture.cut)), raw)
        errors.append(scale * (faces[0].keypoints - picture.keypoints))
        errors_label_cut.append(scale * (labelled - picture.keypoints))
    return Behind(
        SEEN,
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
@click.option("--data", help="Kaggle's form with full labels of the test part; left out: the sample alone.")
@click.option("--model", type=click.Path(path_type=Path))
@click.option("--finder", default="haar", show_default=True)
@json_option
def main(data: str | None, model: Path | None, finder: str, as_json: bool) -> None:
    from tabulate import tabulate

    detector = KeypointDetector(model, finder, max_faces=1)
    sets = {"ORL originals": sample_pictures()}
    if data:
        sets[f"{Path(data).name}, test, {BORDER} px of border"] = test_pictures(data)
    rows = []
    for name, pictures in sets.items():
        note(f"{name} ...")
        rows.append(measure(name, pictures, detector))
    if as_json:
        print_json(rows)
        return
    table = [(r.pictures, r.faces, f"{r.missed:.1%}", r.rmse, r.rmse_label_cut, f"{r.worse:+.1%}") for r in rows]
    click.echo(tabulate(table, headers=["pictures", "faces", "missed", "RMSE px", "label-cut", ""], floatfmt=".3f"))


if __name__ == "__main__":
    main()
