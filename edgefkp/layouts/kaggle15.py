"""The 15 points of Kaggle's facial-keypoints-detection."""

from edgefkp.layouts.base import LAYOUTS, REFERENCE_SIDE, PointLayout


def _in_units(*pixels: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Pixels of a 96x96 crop as shares of its box."""
    return tuple(((x + 0.5) / REFERENCE_SIDE, (y + 0.5) / REFERENCE_SIDE) for x, y in pixels)


# Kaggle's order (facial-keypoints-detection, IdLookupTable.csv). The mean shape is that of the complete rows of
# Kaggle-form crops.
KAGGLE15 = LAYOUTS.add(
    PointLayout(
        "kaggle15",
        (
            "left_eye_center",
            "right_eye_center",
            "left_eye_inner_corner",
            "left_eye_outer_corner",
            "right_eye_inner_corner",
            "right_eye_outer_corner",
            "left_eyebrow_inner_end",
            "left_eyebrow_outer_end",
            "right_eyebrow_inner_end",
            "right_eyebrow_outer_end",
            "nose_tip",
            "mouth_left_corner",
            "mouth_right_corner",
            "mouth_center_top_lip",
            "mouth_center_bottom_lip",
        ),
        _in_units(
            (65.5, 36.4), (29.9, 37.0), (57.7, 37.5), (73.9, 37.5), (37.8, 38.0),
            (21.7, 38.2), (54.4, 28.2), (80.6, 32.0), (40.6, 28.5), (14.5, 33.0),
            (47.9, 57.7), (63.4, 75.2), (33.2, 75.6), (48.3, 71.3), (48.3, 83.7),
        ),
        (("left_eye_center",), ("right_eye_center",)),
    )
)  # fmt: skip
