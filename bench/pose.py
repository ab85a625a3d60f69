"""How far a pose from points can be trusted: on people who pose, and on images that were mirrored and rotated.

    python -m bench.pose --data lfw-kaggle --upright FOLDER --only placed=hand --out bench/results/pose.json

No truth is known of the heads' angles; what must hold anyhow is checked on test persons.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.fit_pose import HELD_OUT, posed_faces
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.data.faces import Faces
from edgefkp.data.formats import open_dataset
from edgefkp.data.pose import poses
from edgefkp.errors import UsageError
from edgefkp.files import plain, write_json
from edgefkp.geometry import mirror, move_image, similarity
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.runtime.shipped import find_model

SCHEMA = "edgefkp.pose/1"
DEGREES = 15.0
FEWEST = 5  # points of a face whose pose is compared


@dataclass(frozen=True)
class PoseCheck:
    """Degrees that an angle is off, median and 90th percentile of the faces."""

    schema: str
    check: str
    data: str
    model: str | None  # that placed the points; None: the true ones
    faces: int
    turn: tuple[float, float]
    tilt: tuple[float, float]
    nod: tuple[float, float]


def _check(name: str, data: str, model: str | None, off: np.ndarray) -> PoseCheck:
    off = np.abs(off[~np.isnan(off).any(1)])
    turn, tilt, nod = np.quantile(off, (0.5, 0.9), axis=0).T.tolist()
    return PoseCheck(SCHEMA, name, data, model, len(off), tuple(turn), tuple(tilt), tuple(nod))


def _moved(images: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.stack([move_image(matrix, image, images.shape[1]) for image in images])


def of_model(predictor: Predictor, model: str, faces: Faces, data: str) -> list[PoseCheck]:
    """The checks of a model's points on whole faces."""
    side = faces.input.side

    def predicted(images: np.ndarray) -> np.ndarray:
        return poses(predictor.predict(images), faces.layout)

    plain_pose = predicted(faces.images)
    mirrored = predicted(_moved(faces.images, mirror(side))) * (-1, -1, 1)
    rotated = predicted(_moved(faces.images, similarity((side - 1) / 2, DEGREES))) - (0, DEGREES, 0)
    enough = (~np.isnan(faces.keypoints).any(-1)).sum(1) >= FEWEST
    true = poses(faces.keypoints[enough], faces.layout)
    return [
        _check("predicted points against the true ones", data, model, plain_pose[enough] - true),
        _check("mirrored image", data, model, mirrored - plain_pose),
        _check(f"image rotated by {DEGREES:g} degrees", data, model, rotated - plain_pose),
    ]


@click.command()
@click.option("--data", required=True, help="Labeled faces with a test part.")
@click.option("--upright", required=True, help="Faces of people who pose for a photo; every fifth person counts.")
@click.option("--only", metavar="COLUMN=VALUE", help="Only these faces of --upright.")
@click.option("--model", help="A file or the name of a shipped one. [default: the shipped one]")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(data: str, upright: str, only: str | None, model: str | None, out: Path | None, as_json: bool) -> None:
    """Check poses on test persons."""
    from bench.doc_tables import pose_table

    path = find_model(model)
    test = open_dataset(data).test
    if test is None:
        raise UsageError(f"{data} has no test part", "give Kaggle's files")
    posed = posed_faces(upright, only, HELD_OUT)
    posing = _check("people who pose, as they are", Path(upright).name, None, poses(posed.keypoints, posed.layout))
    rows = [posing, *of_model(open_predictor(path), path.stem, test, Path(data).name)]
    if out:
        log(f"wrote {write_json(out, rows)}")
    print_json(rows) if as_json else click.echo(pose_table([plain(row) for row in rows]).text())


if __name__ == "__main__":
    run(main)
