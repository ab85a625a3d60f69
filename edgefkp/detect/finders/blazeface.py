"""BlazeFace short-range (faces within two meters), a .tflite file that runs in edgefkp's own interpreter.

The file comes with the PyPI package mediapipe, or is given by path; MediaPipe itself is not imported.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np

from edgefkp.detect.finders.base import FINDERS, FaceBox, Finder, correction_of, require_model
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, box_of_keypoints
from edgefkp.layout import KAGGLE15

SIDE = 128  # pixels of its square input
FILE = Path("modules", "face_detection", "face_detection_short_range.tflite")
# Its first three points, which the file gives in the mirrored order; the others are the mouth's middle and the ears.
POINTS = KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip")
THRESHOLD = 0.5  # probability
OVERLAP = 0.3  # two boxes whose intersection over union is larger are one face


class BlazeFace:
    name = "blazeface"

    def __init__(self, path: str | Path | None = None, runtime: str | None = None) -> None:
        from edgefkp.runtime import interpreters as runtimes
        from edgefkp.runtime import safety

        file = require_model(
            path or file_in_mediapipe(), self.name, "pip install 'mediapipe<0.10.22', or give blazeface:FILE.tflite"
        )
        safety.check(file, runtime)
        self._model = runtimes.load(file, runtime)
        shapes = [tuple(detail["shape"]) for detail in (*self._model.inputs, *self._model.outputs)]
        if sorted(shapes) != sorted([(1, SIDE, SIDE, 3), (1, len(anchors()), 16), (1, len(anchors()), 1)]):
            raise EdgefkpError(
                f"{file} has the shapes {shapes}, which are not those of BlazeFace short-range",
                "give face_detection_short_range.tflite",
            )
        self._boxes_first = shapes[1][-1] == 16
        self.correction = correction_of(self.name)

    def find(self, image: np.ndarray) -> list[FaceBox]:
        import cv2

        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        pixels, scale = _letterboxed(image)
        self._model.set(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)[None].astype(np.float32) / 127.5 - 1)
        self._model.invoke()
        outputs = self._model.get(0)[0], self._model.get(1)[0]
        regressed, logits = outputs if self._boxes_first else outputs[::-1]
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        found = [
            self._face(regressed[row], anchors()[row], scale, scores[row]) for row in np.flatnonzero(scores > THRESHOLD)
        ]
        return without_duplicates(found)

    def _face(self, row: np.ndarray, anchor: np.ndarray, scale: float, score: float) -> FaceBox:
        keypoints = ((row[4:10].reshape(3, 2) + anchor) / scale - 0.5)[POINTS.mirror_order]
        return FaceBox(self.correction.apply(box_of_keypoints(keypoints, POINTS)), float(score))


def without_duplicates(found: list[FaceBox]) -> list[FaceBox]:
    """The best-scored of each group of overlapping boxes, in the order of their scores."""
    kept: list[FaceBox] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(overlap(face.box, other.box) <= OVERLAP for other in kept):
            kept.append(face)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one.x + one.side / 2, other.x + other.side / 2) - max(one.x - one.side / 2, other.x - other.side / 2)
    height = min(one.y + one.side / 2, other.y + other.side / 2) - max(one.y - one.side / 2, other.y - other.side / 2)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.side**2 + other.side**2 - shared)


def file_in_mediapipe() -> Path | None:
    found = importlib.util.find_spec("mediapipe")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / FILE


def _letterboxed(image: np.ndarray) -> tuple[np.ndarray, float]:
    """(SIDE, SIDE, 3) with the image at its top left, and the scale."""
    import cv2

    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    matrix = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5]])
    if scale < 1:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:SIDE, :SIDE]
        pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
        pixels[: small.shape[0], : small.shape[1]] = small
        return pixels, scale
    return cv2.warpAffine(image, matrix, (SIDE, SIDE)), scale


@functools.cache
def anchors() -> np.ndarray:
    """(896, 2) centers in pixels of the input: 2 a cell at stride 8, 6 a cell at stride 16."""
    parts = []
    for stride, count in ((8, 2), (16, 6)):
        centers = np.arange(SIDE // stride) * stride + stride / 2
        y, x = np.meshgrid(centers, centers, indexing="ij")
        parts.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), count, axis=0))
    return np.concatenate(parts)


FINDERS.add(
    Finder(
        BlazeFace.name,
        "MediaPipe's short-range network; needs its file, by path or from pip install 'mediapipe<0.10.22'",
        lambda argument: BlazeFace(argument or None),
        "FILE.tflite",
    )
)
