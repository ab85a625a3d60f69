"""The generic head of edgefkp/data/pose.py, factored out of the points of many faces.

    python -m bench.fit_pose --data lfw-kaggle --upright FOLDER --only placed=hand

Every face is fitted to the head of before by weak perspective, and the head to all faces (least squares, mirrored
faces too, those that fit worst left out), in turns. The nod is 0 where its median over faces of people who pose for a
photo is. Only training persons are used. Prints the table.
"""

import click
import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.data.formats import open_dataset
from edgefkp.data.pose import HEAD, Pose, angles, fitted, rotation
from edgefkp.layout import KAGGLE15

ROUNDS = 20
HELD_OUT = True
KEPT = 0.95  # of the faces, those that fit best
OTHER_SIDE = (-1, 1, 1)


def factored(points: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The (K, 3) head that fits (N, K, 2) points, y up."""
    order = KAGGLE15.mirror_order
    points = np.concatenate([points, (points * (-1, 1))[:, order]])
    points = points - points.mean(1, keepdims=True)
    for _ in range(ROUNDS):
        rotations, scales = fitted(points, head)
        seen = scales[:, None, None] * ((head - head.mean(0)) @ rotations.transpose(0, 2, 1))[..., :2]
        left = np.sqrt(((points - seen) ** 2).sum(-1).mean(1)) / scales
        kept = left <= np.quantile(left, KEPT)
        views, places = rotations[kept, :2], points[kept] / scales[kept, None, None]
        head = np.linalg.solve(np.einsum("nij,nil->jl", views, views), np.einsum("nij,nki->jk", views, places)).T
        head = (head + head[order] * OTHER_SIDE) / 2
        left_corner, right_corner = head[KAGGLE15.rows("left_eye_outer_corner", "right_eye_outer_corner")]
        head = (head - (left_corner + right_corner) / 2) / np.linalg.norm(left_corner - right_corner)
    return head


@click.command()
@click.option("--data", required=True, help="Faces in many poses; only its training part is used.")
@click.option("--upright", required=True, help="Faces of people who pose for a photo; every fifth person is left out.")
@click.option("--only", metavar="COLUMN=VALUE", help="Only these faces of --upright.")
def main(data: str, upright: str, only: str | None) -> None:
    """Print the generic head."""
    faces = open_dataset(data, "full").train
    faces = faces.take(faces.complete)
    head = factored(_seen(faces), np.array([HEAD[name] for name in KAGGLE15.points]))
    posed = posed_faces(upright, only, not HELD_OUT)
    nods = angles(fitted(_seen(posed), head)[0])[:, 2]
    head = head @ rotation(Pose(0, 0, float(np.median(nods)))).T
    click.echo(f"{len(faces)} faces; {len(posed)} posed ones, whose median nod was {np.median(nods):+.2f} degrees")
    for name, place in zip(KAGGLE15.points, head, strict=True):
        click.echo(f'    "{name}": ({", ".join(f"{number + 0.0:.3f}" for number in place)}),')


def posed_faces(upright: str, only: str | None, held_out: bool) -> Faces:
    """The whole faces of every fifth person (held_out), or of all others; only: COLUMN=VALUE of those that count."""
    faces = open_dataset(upright).train
    kept = faces.complete & (np.isin(faces.groups, np.unique(faces.groups)[::5]) == held_out)
    if only:
        column, _, value = only.partition("=")
        kept &= faces.attributes[column] == value
    return faces.take(kept)


def _seen(faces: Faces) -> np.ndarray:
    """(N, K, 2) points with y up."""
    return faces.keypoints.astype(float) * (1, -1)


if __name__ == "__main__":
    main()
