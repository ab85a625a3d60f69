"""YuNet through OpenCV's own class; its model file (.onnx, from OpenCV's model zoo) is given by path."""

from pathlib import Path

import numpy as np

from edgefkp.detect.finders.base import Found, calibration_of, require_model
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import COUNT, KAGGLE15, NAMES

# YuNet's columns 4-13, as points of the face. "Right" is the subject's, as here.
POINTS = ("right_eye_center", "left_eye_center", "nose_tip", "mouth_right_corner", "mouth_left_corner")
_ROWS = [NAMES.index(name) for name in POINTS]


class YuNet:
    """Its five points, not its box, say where the crop lies: they mean the same as ours."""

    name = "yunet"
    LONG_SIDE = 320  # pixels; larger pictures are searched at this size
    SURE = 0.7  # score in [0, 1]

    def __init__(self, path: str | Path) -> None:
        import cv2

        file = require_model(path, self.name, "download face_detection_yunet_*.onnx and give yunet:FILE.onnx")
        try:
            self._network = cv2.FaceDetectorYN.create(str(file), "", (self.LONG_SIDE, self.LONG_SIDE), self.SURE)
        except cv2.error as error:
            raise EdgefkpError(
                f"{file} cannot be read as a YuNet model: {str(error).strip().splitlines()[0][:80]}",
                "download it again; OpenCV's model zoo keeps it with Git LFS, whose pointer file is not the model",
            ) from error
        self._calibration = calibration_of(self.name)

    def find(self, image: np.ndarray) -> list[Found]:
        import cv2

        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        scale = min(1.0, self.LONG_SIDE / max(image.shape[:2]))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._network.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._network.detect(image)
        found = [] if rows is None else [self._found(row, scale) for row in rows]
        return sorted(found, key=lambda face: -face.score)

    def _found(self, row: np.ndarray, scale: float) -> Found:
        keypoints = np.full((COUNT, 2), np.nan)
        keypoints[_ROWS] = (row[4:14].reshape(5, 2) + 0.5) / scale - 0.5
        return Found(self._calibration.crop_of(box_of_keypoints(keypoints, KAGGLE15)), float(row[14]))
