"""The 15 facial keypoints: names, order, mirror, and the mapping to what a network puts out.

Everywhere in the package keypoints are float32 arrays of shape (N, 15, 2), x before y, in pixels of
the 96x96 image with pixel centres at whole numbers, NaN where a point is missing. Left and right are
the subject's. Only a network's edge sees (N, 30) numbers in [-1, 1], through the two functions here.
"""

import numpy as np

SIZE = 96  # pixels, side of a network's square image

# Kaggle's order (facial-keypoints-detection, IdLookupTable.csv).
NAMES = (
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
)
COUNT = len(NAMES)
COLUMNS = tuple(f"{name}_{axis}" for name in NAMES for axis in "xy")

LEFT_EYE, RIGHT_EYE = NAMES.index("left_eye_center"), NAMES.index("right_eye_center")


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


# keypoints[..., MIRROR, :] names the points of the mirrored face in the usual order.
MIRROR = np.array([NAMES.index(_other_side(name)) for name in NAMES])

# (15, 2) pixels. Mean of the complete rows of Kaggle-form crops: where a face sits in a 96x96 crop.
MEAN_SHAPE = np.array(
    [
        (65.5, 36.4), (29.9, 37.0), (57.7, 37.5), (73.9, 37.5), (37.8, 38.0),
        (21.7, 38.2), (54.4, 28.2), (80.6, 32.0), (40.6, 28.5), (14.5, 33.0),
        (47.9, 57.7), (63.4, 75.2), (33.2, 75.6), (48.3, 71.3), (48.3, 83.7),
    ],
    np.float32,
)  # fmt: skip

# The image's edges, half a pixel outside the outer pixel centres, map to -1 and 1; so a mirrored
# face has negated x.
CENTRE = (SIZE - 1) / 2
HALF = SIZE / 2


def normalise(keypoints: np.ndarray) -> np.ndarray:
    """(..., 15, 2) pixels -> (..., 30) float32 in [-1, 1]; NaN stays NaN."""
    points = np.asarray(keypoints, np.float32)
    return ((points - CENTRE) / HALF).reshape(*points.shape[:-2], 2 * COUNT)


def denormalise(outputs: np.ndarray) -> np.ndarray:
    """(..., 30) in [-1, 1] -> (..., 15, 2) float32 pixels: the inverse of `normalise`."""
    flat = np.asarray(outputs, np.float32)
    return (flat * HALF + CENTRE).reshape(*flat.shape[:-1], COUNT, 2)
