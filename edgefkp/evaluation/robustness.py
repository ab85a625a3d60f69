"""How a model holds up under bad conditions: dark, blurred, noisy, turned, hidden, compressed images.

The changes are drawn by a fixed seed for every condition and face, so that all models see the same images. Errors are
measured after the predicted points are moved back to where the face was, in pixels of the untouched image; points that
a change moved out of the image do not count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.evaluation.metrics import keep_label_sources, rmse
from edgefkp.files import sha256_arrays, sha256_file
from edgefkp.geometry import invert, move_image, move_points, similarity
from edgefkp.layout import REFERENCE_SIDE
from edgefkp.runtime.engine import RuntimeChoice
from edgefkp.runtime.predictor import open_predictor

SCHEMA = "edgefkp.robustness/1"
SEED = 0

Draw = np.random.Generator
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Condition:
    """One change. Lengths are pixels of REFERENCE_SIDE, and scale with the image."""

    name: str
    strength: str
    # (draw, side) -> (2, 3): how the face is moved in an image of that side.
    matrix: Callable[[Draw, int], np.ndarray] = lambda draw, side: np.eye(2, 3)
    # How the moved image is changed.
    change: Callable[[np.ndarray, Draw], np.ndarray] = lambda image, draw: image


@dataclass(frozen=True)
class ConditionScore:
    condition: str
    strength: str
    rmse: float  # pixels
    coordinates: int  # that count
    hash: str  # of the images, equal for all models that saw the same


@dataclass(frozen=True)
class Robustness:
    schema: str
    file: str
    sha256: str
    runtime: str
    version: str
    data: dict[str, Any]
    rows: list[ConditionScore]
    accelerator: str = ""  # or delegate, that computed; "" for the CPU


def _darker(gain: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    return lambda image, draw: np.rint(image * gain).astype(np.uint8)


def _blurred(sigma: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        import cv2

        return cv2.GaussianBlur(image, (0, 0), sigma * _pixel(len(image)), borderType=cv2.BORDER_REPLICATE)

    return change


def _noisy(level: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    return lambda image, draw: np.clip(np.rint(image + draw.normal(0, level, image.shape)), 0, 255).astype(np.uint8)


def _pixel(side: int) -> float:
    """What a pixel of an image of REFERENCE_SIDE is in one of `side`."""
    return side / REFERENCE_SIDE


def _hidden(size: int) -> Callable[[np.ndarray, Draw], np.ndarray]:
    """A square of one gray level somewhere in the image."""

    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        side = round(size * _pixel(len(image)))
        left, top = draw.integers(0, len(image) - side + 1, 2)
        image = image.copy()
        image[top : top + side, left : left + side] = draw.integers(0, 256)
        return image

    return change


def _compressed(quality: int) -> Callable[[np.ndarray, Draw], np.ndarray]:
    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        import cv2

        # OpenCV stores and reads colors blue first.
        stored = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
        _, content = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality])
        read = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR))
        return read if image.ndim == 2 else read[..., ::-1]

    return change


def _sign(draw: Draw) -> int:
    return int(draw.integers(2)) * 2 - 1


def _turned(degrees: float) -> Callable[[Draw, int], np.ndarray]:
    return lambda draw, side: similarity((side - 1) / 2, _sign(draw) * degrees)


def _sized(scale: float) -> Callable[[Draw, int], np.ndarray]:
    return lambda draw, side: similarity((side - 1) / 2, scale=scale)


def _shifted(pixels: float) -> Callable[[Draw, int], np.ndarray]:
    def matrix(draw: Draw, side: int) -> np.ndarray:
        shift = pixels * _pixel(side)
        return similarity((side - 1) / 2, shift=(_sign(draw) * shift, _sign(draw) * shift))

    return matrix


CONDITIONS = (
    Condition("as it is", ""),
    Condition("darkness", "gray levels x 0.4", change=_darker(0.4)),
    Condition("darkness", "gray levels x 0.15", change=_darker(0.15)),
    Condition("blur", "sigma 1 px", change=_blurred(1)),
    Condition("blur", "sigma 2 px", change=_blurred(2)),
    Condition("noise", "sigma 10 of 255", change=_noisy(10)),
    Condition("noise", "sigma 25 of 255", change=_noisy(25)),
    Condition("rotation", "15 degrees either way", matrix=_turned(15)),
    Condition("rotation", "30 degrees either way", matrix=_turned(30)),
    Condition("scale", "x 0.8", matrix=_sized(0.8)),
    Condition("scale", "x 1.2", matrix=_sized(1.2)),
    Condition("shift", "10 px along both axes", matrix=_shifted(10)),
    Condition("occlusion", "square of 24 px", change=_hidden(24)),
    Condition("occlusion", "square of 36 px", change=_hidden(36)),
    Condition("JPEG", "quality 30", change=_compressed(30)),
    Condition("JPEG", "quality 10", change=_compressed(10)),
)


def altered(images: np.ndarray, condition: Condition) -> tuple[np.ndarray, np.ndarray]:
    """(N, side, side[, 3]) uint8 changed images and the (N, 2, 3) matrices by which their faces were moved."""
    side = images.shape[1]
    changed, matrices = np.empty_like(images), np.empty((len(images), 2, 3))
    for number, image in enumerate(images):
        draw = np.random.default_rng([SEED, number])
        matrices[number] = condition.matrix(draw, side)
        changed[number] = condition.change(move_image(matrices[number], image, side), draw)
    return changed, matrices


def under(predict: Predict, images: np.ndarray, truth: np.ndarray, condition: Condition) -> ConditionScore:
    """Score `predict` on images under one condition.

    truth: (N, K, 2) pixels of the untouched images; NaN in it or in what `predict` returns does not count.
    """
    changed, matrices = altered(images, condition)
    predicted = predict(changed).astype(np.float64)
    back = np.stack([move_points(invert(m), points) for m, points in zip(matrices, predicted, strict=True)])
    moved = np.stack([move_points(m, points) for m, points in zip(matrices, truth.astype(np.float64), strict=True)])
    with np.errstate(invalid="ignore"):
        inside = ((moved > -0.5) & (moved < images.shape[1] - 0.5)).all(-1, keepdims=True)
    counted = np.where(inside & ~np.isnan(back), truth, np.nan)
    number = int((~np.isnan(counted)).sum())
    return ConditionScore(
        condition.name, condition.strength, rmse(np.nan_to_num(back), counted), number, sha256_arrays(changed)
    )


def robustness(
    path: Path | str,
    faces: Faces,
    data: dict[str, Any],
    label_sources: tuple[int, ...] | None = None,
    runtime: RuntimeChoice = None,
    through: Callable[[Sequence[Condition]], Iterator[Condition]] = iter,
) -> Robustness:
    """Score the model at `path` under every condition, in pixels of its input.

    data: the faces' name and part, for the result. label_sources: count only points of these label sources. through:
    yields the conditions as they are done (a bar).
    """
    predictor = open_predictor(path, runtime)
    known = {**data, "hash": faces.hash, "label_src": label_sources}
    fitted = fitted_faces(predictor.spec, faces, Path(path).name)
    seen = fitted.seen
    truth = keep_label_sources(seen.keypoints, seen.label_src, label_sources)

    def predict(images: np.ndarray) -> np.ndarray:
        return fitted.convert(predictor.predict(images))

    rows = [under(predict, seen.images, truth, condition) for condition in through(CONDITIONS)]
    ran = predictor.runtime, predictor.version
    return Robustness(SCHEMA, Path(path).name, sha256_file(path), *ran, known, rows, predictor.accelerator)
