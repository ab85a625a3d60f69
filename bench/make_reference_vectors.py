"""Generate the reference vectors of the shipped files.

    python -m bench.make_reference_vectors      write edgefkp/runtime/shipped/golden.npz

The file contains seven synthetic faces, scikit-image's astronaut (NASA, public domain), and the keypoints that LiteRT
predicts for them on this machine with each shipped .tflite. If tflite-runtime is installed, each file is also run in
it. If the difference exceeds the usual limit and a known cause explains it, the file's card gets a larger limit and
states the cause.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import run, words_of
from edgefkp.card import read_card, write_card
from edgefkp.data.synthetic import SHIPPED
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.inspect import inspect
from edgefkp.export.schemes import SCHEMES, parse_tflite
from edgefkp.files import replacing, sha256_file
from edgefkp.geometry import box_of_keypoints, crop_face
from edgefkp.layout import KAGGLE15, InputSpec
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.reference_vectors import FLOAT_LIMIT, INTEGER_LIMIT, VECTORS, ReferenceVectors
from edgefkp.runtime.safety import run_in_child

DRAWN = 7
MOST_STEPS = 2  # largest difference in output steps that rounding alone explains
# Pixels of scikit-image's 512x512 astronaut, placed by eye: accurate enough to crop the face as in training.
_ASTRONAUT = {
    "left_eye_center": (246, 103),
    "right_eye_center": (204, 101),
    "nose_tip": (225, 127),
    "mouth_left_corner": (246, 140),
    "mouth_right_corner": (203, 140),
}


def reference_images() -> np.ndarray:
    """Return the (8, 96, 96) uint8 images. Raises EnvironmentProblem without scikit-image."""
    with np.load(SHIPPED) as drawn:
        faces = drawn["images"][:DRAWN]
    return np.concatenate([faces, _astronaut()[None]])


def _astronaut() -> np.ndarray:
    try:
        from skimage import data
    except ImportError:
        raise EnvironmentProblem(
            "the reference images need scikit-image's astronaut", "pip install scikit-image"
        ) from None
    points = np.full((KAGGLE15.count, 2), np.nan)
    points[KAGGLE15.rows(*_ASTRONAUT)] = list(_ASTRONAUT.values())
    return crop_face(data.astronaut()[..., ::-1].copy(), box_of_keypoints(points, KAGGLE15), InputSpec())


def make(folder: Path = VECTORS.parent) -> dict[str, float]:
    """Write `folder`/golden.npz for its .tflite files; return the largest difference between runtimes for each.

    Raises EdgefkpError if runtimes differ by more than the limit without a known cause.
    """
    images = reference_images()
    vectors, limits, differences = {}, {}, {}
    for path in sorted(folder.glob("*.tflite")):
        reference = run_in_child(path, images, "litert").keypoints
        vectors[sha256_file(path)] = reference
        others = {
            info.name: float(np.abs(run_in_child(path, images, info.name).keypoints - reference).max())
            for info in runtimes.installed()
            if info.name == "tflite-runtime"
        }
        differences[path.name] = max(others.values(), default=0.0)
        limits[sha256_file(path)] = limit_of(path, others)
    with replacing(folder / VECTORS.name) as temporary:
        ReferenceVectors(images, vectors, limits).save(temporary)
    return differences


def limit_of(path: Path, others: dict[str, float]) -> float:
    """Return the largest allowed difference in pixels: the scheme's limit, or a larger one that the card explains.

    others: runtime -> largest difference from LiteRT's points. Raises EdgefkpError for one without a known cause.
    """
    usual = INTEGER_LIMIT if SCHEMES[parse_tflite(path).scheme].integer else FLOAT_LIMIT
    card, worst = read_card(path), max(others, key=lambda name: others[name], default="")
    stated: dict[str, Any] | None = None
    if worst and others[worst] > usual:
        step = inspect(path).points_port.step
        steps = round(others[worst] / step) if step else 0
        if step is None or steps > MOST_STEPS:
            raise EdgefkpError(
                f"{path.name}: {worst} differs from litert by {others[worst]:.3f} px and no output step explains it",
                "find the layer with edgefkp export --explain",
            )
        stated = {
            "limit": round((steps + 0.01) * step, 4),
            "measured": {"runtime": worst, "pixels": others[worst]},
            "cause": f"outputs move in steps of {step:.3f} px, and runtimes round differently by {steps}",
        }
    if card and card.golden != stated:
        write_card(path, replace(card, golden=stated))
    return float(stated["limit"]) if stated else usual


def main() -> None:
    words_of(__doc__)
    for name, difference in make().items():
        print(f"{name}: runtimes differ by {difference:.4f} px at most")
    print(f"{VECTORS}: {VECTORS.stat().st_size} bytes")


if __name__ == "__main__":
    run(main)
