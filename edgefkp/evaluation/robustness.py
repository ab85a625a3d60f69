"""How a model holds up where pictures are not as they should be: dark, blurred, noisy, turned, hidden, squeezed.

The changes are drawn by a fixed seed for every condition and face, so that all models see the same pictures. Errors
are measured after the predicted points are moved back to where the face was, in pixels of the untouched picture; points
that a change moved out of the picture do not count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.evaluation.metrics import of_sources, rmse
from edgefkp.files import sha256_arrays, sha256_file
from edgefkp.geometry import IDENTITY, invert, move_image, move_points, similarity
from edgefkp.layout import CENTRE, SIZE
from edgefkp.runtime.predictor import open_predictor

SCHEMA = "edgefkp.robustness/1"
SEED = 0

Draw = np.random.Generator
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Condition:
    """matrix: how the face is moved, (2, 3). picture: how the moved picture is changed. Both by their own draw."""

    name: str
    strength: str
    matrix: Callable[[Draw], np.ndarray] = lambda draw: IDENTITY
    picture: Callable[[np.ndarray, Draw], np.ndarray] = lambda image, draw: image


@dataclass(frozen=True)
class Row:
    """rmse: px, over so many coordinates. hash: of the pictures, equal for all models that saw the same."""

    condition: str
    strength: str
    rmse: float
    coordinates: int
    hash: str


@dataclass(frozen=True)
class Robustness:
    schema: str
    file: str
    sha256: str
    runtime: str
    version: str
    data: dict[str, Any]
    rows: list[Row]


def _darker(gain: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    return lambda image, draw: np.rint(image * gain).astype(np.uint8)


def _blurred(sigma: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        import cv2

        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    return change


def _noisy(level: float) -> Callable[[np.ndarray, Draw], np.ndarray]:
    return lambda image, draw: np.clip(np.rint(image + draw.normal(0, level, image.shape)), 0, 255).astype(np.uint8)


def _hidden(side: int) -> Callable[[np.ndarray, Draw], np.ndarray]:
    """A square of one gray level somewhere in the picture."""

    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        left, top = draw.integers(0, SIZE - side + 1, 2)
        image = image.copy()
        image[top : top + side, left : left + side] = draw.integers(0, 256)
        return image

    return change


def _squeezed(quality: int) -> Callable[[np.ndarray, Draw], np.ndarray]:
    def change(image: np.ndarray, draw: Draw) -> np.ndarray:
        import cv2

        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))

    return change


def _sign(draw: Draw) -> int:
    return int(draw.integers(2)) * 2 - 1


def _turned(degrees: float) -> Callable[[Draw], np.ndarray]:
    return lambda draw: similarity(CENTRE, _sign(draw) * degrees)


def _sized(scale: float) -> Callable[[Draw], np.ndarray]:
    return lambda draw: similarity(CENTRE, scale=scale)


def _shifted(pixels: float) -> Callable[[Draw], np.ndarray]:
    return lambda draw: similarity(CENTRE, shift=(_sign(draw) * pixels, _sign(draw) * pixels))


CONDITIONS = (
    Condition("as it is", ""),
    Condition("darkness", "gray levels x 0.4", picture=_darker(0.4)),
    Condition("darkness", "gray levels x 0.15", picture=_darker(0.15)),
    Condition("blur", "sigma 1 px", picture=_blurred(1)),
    Condition("blur", "sigma 2 px", picture=_blurred(2)),
    Condition("noise", "sigma 10 of 255", picture=_noisy(10)),
    Condition("noise", "sigma 25 of 255", picture=_noisy(25)),
    Condition("rotation", "15 degrees either way", matrix=_turned(15)),
    Condition("rotation", "30 degrees either way", matrix=_turned(30)),
    Condition("scale", "x 0.8", matrix=_sized(0.8)),
    Condition("scale", "x 1.2", matrix=_sized(1.2)),
    Condition("shift", "10 px along both axes", matrix=_shifted(10)),
    Condition("occlusion", "square of 24 px", picture=_hidden(24)),
    Condition("occlusion", "square of 36 px", picture=_hidden(36)),
    Condition("JPEG", "quality 30", picture=_squeezed(30)),
    Condition("JPEG", "quality 10", picture=_squeezed(10)),
)


def altered(images: np.ndarray, condition: Condition) -> tuple[np.ndarray, np.ndarray]:
    """(N, 96, 96) uint8 changed pictures and the (N, 2, 3) matrices by which their faces were moved."""
    pictures, matrices = np.empty_like(images), np.empty((len(images), 2, 3))
    for number, image in enumerate(images):
        draw = np.random.default_rng([SEED, number])
        matrices[number] = condition.matrix(draw)
        pictures[number] = condition.picture(move_image(matrices[number], image, SIZE), draw)
    return pictures, matrices


def under(predict: Predict, images: np.ndarray, truth: np.ndarray, condition: Condition) -> Row:
    """truth: (N, 15, 2) pixels of the untouched pictures; NaN in it or in what `predict` gives does not count."""
    pictures, matrices = altered(images, condition)
    predicted = predict(pictures).astype(np.float64)
    back = np.stack([move_points(invert(m), points) for m, points in zip(matrices, predicted, strict=True)])
    there = np.stack([move_points(m, points) for m, points in zip(matrices, truth.astype(np.float64), strict=True)])
    with np.errstate(invalid="ignore"):
        inside = ((there > -0.5) & (there < SIZE - 0.5)).all(-1, keepdims=True)
    counted = np.where(inside & ~np.isnan(back), truth, np.nan)
    number = int((~np.isnan(counted)).sum())
    return Row(condition.name, condition.strength, rmse(np.nan_to_num(back), counted), number, sha256_arrays(pictures))


def robustness(
    path: Path | str,
    faces: Faces,
    data: dict[str, Any],
    count_src: tuple[int, ...] | None = None,
    runtime: str | None = None,
    through: Callable[[Sequence[Condition]], Iterator[Condition]] = iter,
) -> Robustness:
    """Score the model at `path` under every condition. data: the faces' name and part, for the result.

    count_src: count only points of these label sources. through: yields the conditions as they are done (a bar).
    """
    predictor = open_predictor(path, runtime)
    truth = of_sources(faces.keypoints, faces.label_src, count_src)
    rows = [under(predictor.predict, faces.images, truth, condition) for condition in through(CONDITIONS)]
    known = {**data, "hash": faces.hash, "label_src": count_src}
    return Robustness(SCHEMA, Path(path).name, sha256_file(path), predictor.runtime, predictor.version, known, rows)
