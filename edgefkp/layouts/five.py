"""The five points of MTCNN, RetinaFace, YuNet and most face recognizers, in their order: from the image's left."""

from edgefkp.layouts.base import LAYOUTS, PointLayout
from edgefkp.layouts.kaggle15 import KAGGLE15

_POINTS = ("right_eye_center", "left_eye_center", "nose_tip", "mouth_right_corner", "mouth_left_corner")

FIVE = LAYOUTS.add(
    PointLayout(
        "five",
        _POINTS,
        tuple(KAGGLE15.mean_shape[KAGGLE15.points.index(name)] for name in _POINTS),
        KAGGLE15.nme_pair,
    )
)
