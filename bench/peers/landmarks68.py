"""Compare 68-point models with dlib's 68 points on the same photos and persons: NME by the outer corners of the eyes.

    python3 -m venv .venv-peers && .venv-peers/bin/pip install -r bench/peers/requirements.txt
    PYTHONPATH=. .venv-peers/bin/python bench/peers/landmarks68.py FILE.tflite... --data faces68.zip

Everybody is shown where the face is, with the scatter of training crops. dlib sees the photo enlarged, and its face box
in that box is the one that suits it best on training persons; a second row has its mean offset on them subtracted,
point by point. Writes bench/results/landmarks68.json; docs/LAYOUTS.md shows it.
"""

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench import run
from edgefkp.data.cutting import scattered
from edgefkp.data.formats import open_source
from edgefkp.data.images import read_image
from edgefkp.data.photos import Photos
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file, write_json
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, invert, move_points
from edgefkp.layout import LAYOUTS
from edgefkp.runtime.predictor import open_predictor

OUT = Path(__file__).parents[1] / "results" / "landmarks68.json"
LAYOUT = LAYOUTS["ibug68"]
JAW = 17  # points
ZOOM = 2  # of the photos that dlib sees: its boxes are whole pixels
TUNED_ON = 200  # faces of training persons
SIDES = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8)  # of dlib's face box, over that of the crop
SHIFTS = (-0.06, -0.03, 0.0, 0.03, 0.06)  # of that box downwards, in sides of the crop

Predict = Any  # (photo BGR, box of the crop) -> (68, 2) pixels of the photo


def ours(path: Path) -> Predict:
    predictor = open_predictor(path)
    spec = predictor.spec.input

    def predict(photo: np.ndarray, box: Box) -> np.ndarray:
        points = predictor.predict(crop_face(photo, box, spec)[None])[0]
        return move_points(invert(crop_matrix(box, spec.side)), points)

    return predict


def dlib68(share: float, shift: float) -> Predict:
    import dlib
    import face_recognition_models

    landmarks = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())

    def predict(photo: np.ndarray, box: Box) -> np.ndarray:
        border = round(box.side / 2)
        padded = cv2.copyMakeBorder(photo, *[border] * 4, cv2.BORDER_REPLICATE)
        large = cv2.cvtColor(
            cv2.resize(padded, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2RGB
        )
        half = share * box.side / 2
        x, y = box.x + border, box.y + border + shift * box.side
        corners = [(number + 0.5) * ZOOM - 0.5 for number in (x - half, y - half, x + half, y + half)]
        found = landmarks(large, dlib.rectangle(*[round(number) for number in corners]))
        points = np.array([(part.x, part.y) for part in found.parts()])
        return (points + 0.5) / ZOOM - 0.5 - border

    return predict


def predicted(predict: Predict, photos: Photos) -> np.ndarray:
    """(N, 68, 2) in units of each face's box, around its middle."""
    found = []
    for path, points, name in zip(photos.paths, photos.points, photos.ids.tolist(), strict=True):
        photo = read_image(path)
        assert photo is not None, path
        box = scattered(box_of_keypoints(points, LAYOUT), name)
        found.append(_in_box(predict(photo, box), box))
    return np.stack(found)


def truth_of(photos: Photos) -> np.ndarray:
    return np.stack(
        [
            _in_box(points, scattered(box_of_keypoints(points, LAYOUT), name))
            for points, name in zip(photos.points, photos.ids.tolist(), strict=True)
        ]
    )


def _in_box(points: np.ndarray, box: Box) -> np.ndarray:
    return (points - (box.x, box.y)) / box.side


def errors(found: np.ndarray, truth: np.ndarray, rows: slice = slice(None)) -> np.ndarray:
    """(N,) NME of each face, per cent."""
    distances: np.ndarray = np.linalg.norm(found - truth, axis=-1)[:, rows].mean(1)
    return 100 * distances / LAYOUT.nme_distance(truth)


def row(name: str, found: np.ndarray, truth: np.ndarray, **about: Any) -> dict[str, Any]:
    each = errors(found, truth)
    inner = errors(found, truth, slice(JAW, None)).mean()
    scores = {
        "nme": each.mean(),
        "nme_median": np.median(each),
        "nme_without_jaw": inner,
        "over_10": (each > 10).mean(),
    }
    print(f"{name:46} {scores['nme']:.3f} %", flush=True)
    return {"name": name, **{key: float(value) for key, value in scores.items()}, **about}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    _, photos = open_source(given.data, "csv", LAYOUT)
    if not isinstance(photos, Photos):
        raise EdgefkpError(f"{given.data} holds crops", "give labeled photos: a zip of COCO files and images")
    training, test = (photos.take(photos.parts == part) for part in ("train", "test"))
    training = training.take(np.linspace(0, len(training) - 1, TUNED_ON).round().astype(int))
    known, truth = truth_of(training), truth_of(test)
    tried = {(share, shift): predicted(dlib68(share, shift), training) for share in SIDES for shift in SHIFTS}
    best = min(tried, key=lambda one: errors(tried[one], known).mean())
    offset = (tried[best] - known).mean(0)
    dlib, helped = predicted(dlib68(*best), test), f"face box {best[0]:g} of the crop, {best[1]:+g} lower"
    mean_shape = np.repeat(np.array(LAYOUT.mean_shape)[None] - 0.5, len(test), 0)
    rows = [
        row("mean shape", mean_shape, truth),
        row("dlib 68 points", dlib, truth, helped=helped),
        row("dlib 68 points, its mean offset subtracted", dlib - offset, truth, helped=helped),
    ]
    rows += [
        row(path.name, predicted(ours(path), test), truth, bytes=path.stat().st_size, sha256=sha256_file(path))
        for path in given.files
    ]
    persons = len(set(test.persons.tolist())) if test.persons is not None else None
    data = {"name": photos.name, "faces": len(test), "persons": persons}
    write_json(given.out, {"schema": "edgefkp.landmarks68/1", "data": data, "rows": rows})


if __name__ == "__main__":
    run(main)
