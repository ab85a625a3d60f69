"""Compare other people's landmark models with ours on the same 96x96 faces, in one run: time and RMSE.

    python3 -m venv .venv-peers && .venv-peers/bin/pip install -r bench/peers/requirements.txt
    PYTHONPATH=. .venv-peers/bin/python bench/peers/peers.py FILE.tflite... --data lfw-kaggle

FILES may be imported ones (edgefkp import), as MediaPipe's face_landmark. dlib, whose models are no networks, sees the
96x96 crop enlarged; the amount of border and the size of its face box are fitted on faces of training persons. Of it
and of imported files the mean error of each point on the same faces is subtracted. The RMSE covers only points
placed by hand or derived from such points (label_src 1 and 2). The time covers only the network, with 1 thread, in
shuffled rounds that are graded as `edgefkp bench` grades its processes (bench/peers/timing.py). Files without a card
are only timed. Writes bench/results/peers.json; docs/PEERS.md shows it.
--robustness scores the models on altered faces (edgefkp.evaluation.robustness) without timing them and writes
robustness.json next to --out; existing results are kept.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.peers.timing import THREADS, row_of, timed
from edgefkp.bench import machine
from edgefkp.bench.usage import busy_cores
from edgefkp.card import read_card
from edgefkp.data.faces import AGREED, Faces, faces_of
from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.evaluation.metrics import rmse
from edgefkp.evaluation.robustness import CONDITIONS, under
from edgefkp.files import read_json, sha256_file, write_json
from edgefkp.layout import KAGGLE15, REFERENCE_SIDE
from edgefkp.layouts.ibug68 import IBUG68
from edgefkp.layouts.maps import conversion
from edgefkp.runtime import interpreters

OUT = Path(__file__).parents[1] / "results" / "peers.json"
TIMED = 100  # different faces
TUNED_ON = 300  # faces of training persons
BOXES = (0.75, 0.85, 0.95, 1.05)  # side of dlib's face box over the side of the crop
BOX_SHIFTS = (-0.05, 0.0, 0.05, 0.1)  # of that box downwards, in sides of the crop

# What the documents call an imported file, by the name of its points.
CALLED = {"facemesh468": "MediaPipe face_landmark (192x192x3)"}

# Our point -> dlib's points, whose mean it is compared with; left and right are the subject's. Of its 68 points the
# layout ibug68 has such a table.
DLIB5 = {
    "left_eye_outer_corner": (0,),
    "left_eye_inner_corner": (1,),
    "right_eye_outer_corner": (2,),
    "right_eye_inner_corner": (3,),
    "nose_tip": (4,),
}

# Measured earlier on the full-resolution photos, same test split, same type of machine; not measured in this run.
QUOTED = [
    ["MediaPipe face_landmark, full photo (quoted)", 1.11, 1.12],
    ["dlib 68 points, full photo (quoted)", 0.65, 1.07],
]


@dataclass
class Contender:
    """A model in the comparison."""

    name: str
    bytes: int
    prepare: Callable[[np.ndarray], Any]  # (96, 96) image -> argument of `run`
    run: Callable[[Any], Any]  # the timed part
    points: Callable[[Any], np.ndarray]  # result of `run` -> (15, 2) in pixels of the crop
    offset: np.ndarray = field(default_factory=lambda: np.zeros((15, 2), np.float32))
    helped: str = ""
    scored: bool = True
    sha256: str = ""  # of files
    imported: bool = False  # a file of others
    runtime: str = ""  # with its version

    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.stack([self.points(self.run(self.prepare(image))) for image in images]) - self.offset


def of_file(path: Path) -> Contender:
    """A .tflite that edgefkp made or imported, fed as much of the face as its layout's crops have."""
    model = interpreters.load(path, "litert")
    nobody = faces_of(np.zeros((1, REFERENCE_SIDE, REFERENCE_SIDE), np.uint8), np.full((1, 15, 2), np.nan))
    fitted = fitted_faces(model.spec, nobody, path.name)
    scale = REFERENCE_SIDE / model.spec.input.side

    def prepare(image: np.ndarray) -> np.ndarray:
        seen = replace(nobody, images=image[None]).framed_for(model.spec.layout, model.spec.input)
        return model.tensors(seen.images)[0]

    def run(tensor: np.ndarray) -> np.ndarray:
        model.set(tensor)
        model.invoke()
        return model.get(model.points_output or 0)

    def points(output: np.ndarray) -> np.ndarray:
        return (fitted.scored(model.keypoints(output.reshape(-1))[None])[0] + 0.5) * scale - 0.5

    card = read_card(path)
    about = {"scored": card is not None, "sha256": sha256_file(path), "imported": bool(card and card.imported)}
    about["runtime"] = f"{model.runtime} {model.version}"
    points_name = card.layout.name if card and card.imported else ""
    name = CALLED.get(points_name, path.name.removesuffix(".tflite"))
    return Contender(name, path.stat().st_size, prepare, run, points, **about)


def dlib_points(count: int, border: float, box: float, shift: float) -> Contender:
    import dlib
    import face_recognition_models as models

    path = Path(
        models.pose_predictor_model_location() if count == 68 else models.pose_predictor_five_point_model_location()
    )
    predictor, side = dlib.shape_predictor(str(path)), 2 * REFERENCE_SIDE
    scale = side / (REFERENCE_SIDE * border)
    half, middle = box * REFERENCE_SIDE * scale / 2, side / 2
    down = shift * REFERENCE_SIDE * scale
    rectangle = dlib.rectangle(
        *(round(v) for v in (middle - half, middle - half + down, middle + half, middle + half + down))
    )

    def points(shape: Any) -> np.ndarray:
        found = np.array([(part.x, part.y) for part in shape.parts()], np.float64)
        found = unbordered(found, border, side)
        return conversion(IBUG68, KAGGLE15)(found).astype(np.float32) if count == 68 else gathered(found, DLIB5)

    helped = f"border {border:g}, box {box:g}, shift {shift:g}"
    prepare = lambda image: bordered(image, border, side)  # noqa: E731
    return Contender(
        f"dlib {count} points",
        path.stat().st_size,
        prepare,
        lambda image: predictor(image, rectangle),
        points,
        helped=helped,
        runtime=f"dlib {version('dlib-bin')}",
    )


def bordered(image: np.ndarray, border: float, side: int) -> np.ndarray:
    """Center the crop in a (side, side) view that is `border` times as wide; the edge is replicated."""
    scale = side / (REFERENCE_SIDE * border)
    middle = (side - 1) / 2 - scale * (REFERENCE_SIDE - 1) / 2
    matrix = np.array([[scale, 0, middle], [0, scale, middle]])
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def unbordered(points: np.ndarray, border: float, side: int) -> np.ndarray:
    scale = side / (REFERENCE_SIDE * border)
    return (points - (side - 1) / 2) / scale + (REFERENCE_SIDE - 1) / 2


def gathered(points: np.ndarray, mapping: dict[str, Sequence[int]]) -> np.ndarray:
    """Return our (15, 2) points; NaN for points that the peer lacks."""
    nowhere = np.full(2, np.nan)
    return np.stack(
        [points[list(mapping[name])].mean(0) if name in mapping else nowhere for name in KAGGLE15.points]
    ).astype(np.float32)


def helped(candidates: Iterable[Contender], training: Faces) -> Contender:
    """Return the candidate with the lowest RMSE on training persons after subtracting its constant offsets."""
    truth = by_people(training)
    best, lowest = None, float("inf")
    for one in candidates:  # one after the other: dlib's model of 68 points takes much memory
        predicted = one.predict(training.images)
        gap = predicted - truth
        known = ~np.isnan(gap)
        one.offset = (np.where(known, gap, 0).sum(0) / np.maximum(known.sum(0), 1)).astype(np.float32)
        if (error := error_of(predicted - one.offset, truth)[0]) < lowest:
            best, lowest = one, error
    assert best
    return best


def by_people(faces: Faces) -> np.ndarray:
    """Return the true points without those that two models agreed on: peers must not be scored against themselves."""
    return np.where(((faces.label_src > 0) & (faces.label_src < AGREED))[..., None], faces.keypoints, np.nan)


def error_of(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, int]:
    """Return the RMSE in pixels over the coordinates that both have, and their number."""
    both = np.where(np.isnan(predicted), np.nan, truth)
    return rmse(np.nan_to_num(predicted), both), int((~np.isnan(both)).sum())


def score_altered(
    contenders: list[Contender], faces: Faces, truth: np.ndarray, data: dict[str, Any], path: Path
) -> None:
    """Write the RMSE of each model under every condition to `path`, on the same images; existing results are kept."""
    kept = {model["name"]: model for model in read_json(path)["models"]} if path.exists() else {}
    models = []
    for one in contenders:
        model = {"name": one.name, "helped": one.helped, "sha256": one.sha256}
        known = kept.get(one.name, {})
        if {name: known.get(name) for name in model} == model:
            models.append(known)
            continue
        print(f"{one.name}: altered faces", file=sys.stderr)
        models.append(model | {"rows": [under(one.predict, faces.images, truth, each) for each in CONDITIONS]})
        write_json(path, {"schema": "edgefkp.robustness.peers/1", "data": data, "models": models})
    write_json(path, {"schema": "edgefkp.robustness.peers/1", "data": data, "models": models})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--robustness", action="store_true")
    given = parser.parse_intermixed_args()
    source = open_dataset(given.data, "full")
    parts = split(source)
    training = parts.train.take(np.linspace(0, len(parts.train) - 1, TUNED_ON).round().astype(int))
    boxes = [(border, box, shift) for border in (1.0, 1.3) for box in BOXES for shift in BOX_SHIFTS]
    contenders = [helped([dlib_points(count, *one) for one in boxes], training) for count in (5, 68)]
    for one in map(of_file, given.files):
        # Others define points otherwise: their constant offsets are subtracted, as dlib's are.
        contenders.append(helped([one], training) if one.imported else one)
    print(*(f"{one.name}: {one.helped}" for one in contenders if one.helped), sep="\n", file=sys.stderr)
    truth = by_people(parts.test)
    if given.robustness:
        data = {"name": source.name, "faces": len(parts.test), "label_src": [1, 2]}
        scored = [one for one in contenders if one.scored]
        score_altered(scored, parts.test, truth, data, given.out.with_name("robustness.json"))
        return
    faces = np.linspace(0, len(parts.test) - 1, TIMED).round().astype(int)
    described, busy = machine.describe(), busy_cores()
    inputs = {one.name: [one.prepare(image) for image in parts.test.images[faces]] for one in contenders}
    rounds = timed({one.name: one.run for one in contenders}, inputs)
    rows = []
    for one in contenders:
        predicted = one.predict(parts.test.images) if one.scored else None
        error, counted = (None, 0) if predicted is None else error_of(predicted, truth)
        rows.append(
            {
                "name": one.name,
                "bytes": one.bytes,
                "runtime": one.runtime,
                **row_of(rounds[one.name], described.get("cores"), busy),
                "rmse": error,
                "rmse_all": None if predicted is None else error_of(predicted, parts.test.keypoints)[0],
                "coordinates": counted,
                "helped": one.helped,
            }
        )
    write_json(
        given.out,
        {
            "schema": "edgefkp.peers/1",
            "machine": machine.title(described),
            "processor": described.get("processor"),
            "threads": THREADS,
            "busy_cores": busy,
            "data": {"name": source.name, "faces": len(parts.test), "label_src": [1, 2]},
            "rows": rows,
            "quoted": QUOTED,
        },
    )
    for row in rows:
        error = f"{row['rmse']:.3f}" if row["rmse"] is not None else "n/a"
        print(f"{row['name']:42} {row['bytes'] / 1000:9.0f} KB  {row['ms'][1]:8.3f} ms  {error} px  {row['verdict']}")
        print(*(f"    {reason}" for reason in row["reasons"]), sep="\n", end="\n" * bool(row["reasons"]))


if __name__ == "__main__":
    main()
