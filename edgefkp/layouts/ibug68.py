"""The 68 points of the iBUG group, as in 300-W, dlib and .pts files: jaw, brows, nose, eyes, outer and inner lips.

Sagonas et al., "300 Faces in-the-Wild Challenge", ICCVW 2013, figure 1; index k here is number k + 1 there. Numbers in
names count from the outside to the middle of the face.
"""

from edgefkp.layouts.base import LAYOUTS, PointLayout, PointMap, chain

_POINTS = (
    *(f"right_jaw_{n}" for n in range(1, 9)), "chin", *(f"left_jaw_{n}" for n in range(8, 0, -1)),  # 0-16
    *(f"right_eyebrow_{n}" for n in range(1, 6)), *(f"left_eyebrow_{n}" for n in range(5, 0, -1)),  # 17-26
    "nose_bridge_top", "nose_bridge_middle", "nose_bridge_bottom", "nose_tip",  # 27-30
    "right_nose_wing", "right_nostril", "nose_base", "left_nostril", "left_nose_wing",  # 31-35
    "right_eye_outer_corner", "right_eye_top_outer", "right_eye_top_inner",  # 36-38
    "right_eye_inner_corner", "right_eye_bottom_inner", "right_eye_bottom_outer",  # 39-41
    "left_eye_inner_corner", "left_eye_top_inner", "left_eye_top_outer",  # 42-44
    "left_eye_outer_corner", "left_eye_bottom_outer", "left_eye_bottom_inner",  # 45-47
    "mouth_right_corner", "right_top_lip_outer", "right_top_lip_inner", "mouth_center_top_lip",  # 48-51
    "left_top_lip_inner", "left_top_lip_outer", "mouth_left_corner",  # 52-54
    "left_bottom_lip_outer", "left_bottom_lip_inner", "mouth_center_bottom_lip",  # 55-57
    "right_bottom_lip_inner", "right_bottom_lip_outer",  # 58-59
    "inside_mouth_right_corner", "inside_right_top_lip", "inside_center_top_lip", "inside_left_top_lip",  # 60-63
    "inside_mouth_left_corner", "inside_left_bottom_lip", "inside_center_bottom_lip",  # 64-66
    "inside_right_bottom_lip",  # 67
)  # fmt: skip

# `python -m bench.fit_mean_shape`: the training persons of 2,394 YouTube Faces frames.
_MEAN_SHAPE = (
    (0.1400, 0.2833), (0.1444, 0.3779), (0.1596, 0.4638), (0.1773, 0.5471),
    (0.2076, 0.6392), (0.2588, 0.7161), (0.3152, 0.7669), (0.3887, 0.8117),
    (0.5000, 0.8409), (0.6113, 0.8117), (0.6848, 0.7669), (0.7412, 0.7161),
    (0.7924, 0.6392), (0.8227, 0.5471), (0.8404, 0.4638), (0.8556, 0.3779),
    (0.8600, 0.2833), (0.2273, 0.1954), (0.2693, 0.1677), (0.3218, 0.1591),
    (0.3698, 0.1639), (0.4126, 0.1760), (0.5874, 0.1760), (0.6302, 0.1639),
    (0.6782, 0.1591), (0.7307, 0.1677), (0.7727, 0.1954), (0.5000, 0.2780),
    (0.5000, 0.3419), (0.5000, 0.4021), (0.5000, 0.4535), (0.4419, 0.4905),
    (0.4668, 0.4979), (0.5000, 0.5056), (0.5332, 0.4979), (0.5581, 0.4905),
    (0.2929, 0.2712), (0.3265, 0.2590), (0.3690, 0.2588), (0.4081, 0.2763),
    (0.3718, 0.2889), (0.3272, 0.2888), (0.5919, 0.2763), (0.6310, 0.2588),
    (0.6735, 0.2590), (0.7071, 0.2712), (0.6728, 0.2888), (0.6282, 0.2889),
    (0.3775, 0.6084), (0.4193, 0.5823), (0.4722, 0.5661), (0.5000, 0.5716),
    (0.5278, 0.5661), (0.5807, 0.5823), (0.6225, 0.6084), (0.5787, 0.6455),
    (0.5412, 0.6663), (0.5000, 0.6704), (0.4588, 0.6663), (0.4213, 0.6455),
    (0.3864, 0.6070), (0.4639, 0.5981), (0.5000, 0.5967), (0.5361, 0.5981),
    (0.6136, 0.6070), (0.5357, 0.6233), (0.5000, 0.6265), (0.4643, 0.6233),
)  # fmt: skip

_EYES = {side: tuple(name for name in _POINTS if name.startswith(f"{side}_eye_")) for side in ("left", "right")}

IBUG68 = LAYOUTS.add(
    PointLayout(
        "ibug68",
        _POINTS,
        _MEAN_SHAPE,
        # The inter-ocular distance of 300-W.
        (("left_eye_outer_corner",), ("right_eye_outer_corner",)),
        lines=(
            *chain(*_POINTS[:17]),
            *chain(*_POINTS[17:22]),
            *chain(*_POINTS[22:27]),
            *chain(*_POINTS[27:31]),
            *chain(*_POINTS[31:36]),
            *chain(*_POINTS[36:42], closed=True),
            *chain(*_POINTS[42:48], closed=True),
            *chain(*_POINTS[48:60], closed=True),
            *chain(*_POINTS[60:], closed=True),
        ),
        pupils=(_EYES["left"], _EYES["right"]),
        maps=(
            # Kaggle's eye center is the mean of the eye's six points, and the brows' ends are the outermost and the
            # innermost point of each; bench/peers scores dlib's 68 points by the same table.
            PointMap(
                "kaggle15",
                (
                    ("left_eye_center", _EYES["left"]),
                    ("right_eye_center", _EYES["right"]),
                    ("left_eyebrow_inner_end", ("left_eyebrow_5",)),
                    ("left_eyebrow_outer_end", ("left_eyebrow_1",)),
                    ("right_eyebrow_inner_end", ("right_eyebrow_5",)),
                    ("right_eyebrow_outer_end", ("right_eyebrow_1",)),
                ),
            ),
        ),
    )
)
