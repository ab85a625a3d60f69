"""The 98 points of WFLW: contour, brows with both edges, nose, eyes, outer and inner lips, pupils.

Wu et al., "Look at Boundary: A Boundary-Aware Face Alignment Algorithm", CVPR 2018; which index is which part:
https://wywu.github.io/projects/LAB/WFLW.html. Numbers in names count from the outside to the middle of the face.
"""

from edgefkp.layouts.base import LAYOUTS, PointLayout, PointMap, chain
from edgefkp.layouts.ibug68 import IBUG68

_POINTS = (
    *(f"right_contour_{n}" for n in range(1, 17)), "chin", *(f"left_contour_{n}" for n in range(16, 0, -1)),  # 0-32
    *(f"right_eyebrow_top_{n}" for n in range(1, 6)),  # 33-37
    *(f"right_eyebrow_bottom_{n}" for n in range(4, 0, -1)),  # 38-41
    *(f"left_eyebrow_top_{n}" for n in range(5, 0, -1)),  # 42-46
    *(f"left_eyebrow_bottom_{n}" for n in range(1, 5)),  # 47-50
    *IBUG68.points[27:36],  # 51-59, the nose
    "right_eye_outer_corner", "right_eye_top_outer", "right_eye_top_middle", "right_eye_top_inner",  # 60-63
    "right_eye_inner_corner", "right_eye_bottom_inner", "right_eye_bottom_middle", "right_eye_bottom_outer",  # 64-67
    "left_eye_inner_corner", "left_eye_top_inner", "left_eye_top_middle", "left_eye_top_outer",  # 68-71
    "left_eye_outer_corner", "left_eye_bottom_outer", "left_eye_bottom_middle", "left_eye_bottom_inner",  # 72-75
    *IBUG68.points[48:],  # 76-95, the lips
    "right_pupil", "left_pupil",  # 96-97
)  # fmt: skip

_SIDES = ("right", "left")

# WFLW has every second point of its contour, and the upper edges of its brows, where 300-W has its own:
# the table by which results on both are compared, as in AdaptiveWingLoss' and PIPNet's tools.
_TO_68 = PointMap(
    "ibug68",
    tuple(
        (f"{side}_{there}_{n}", (f"{side}_{here}_{number}",))
        for side in _SIDES
        for there, here, numbers in (("jaw", "contour", range(1, 17, 2)), ("eyebrow", "eyebrow_top", range(1, 6)))
        for n, number in enumerate(numbers, 1)
    ),
)

_BROW = 0.025  # of the box: thickness of a brow


def _mean_shape() -> tuple[tuple[float, float], ...]:
    """That of the 68 points; points that WFLW has beyond them lie between their neighbors."""
    known = dict(zip(IBUG68.points, IBUG68.mean_shape, strict=True))
    places = {here: known[there] for there, (here,) in _TO_68.points}
    places |= {name: place for name, place in known.items() if name in _POINTS}

    def between(name: str, *others: str, down: float = 0) -> None:
        x, y = (sum(places[other][axis] for other in others) / len(others) for axis in (0, 1))
        places[name] = (x, y + down)

    for side in _SIDES:
        for n in range(2, 17, 2):
            below = f"{side}_contour_{n + 1}" if n < 16 else "chin"
            between(f"{side}_contour_{n}", f"{side}_contour_{n - 1}", below)
        for n in range(1, 5):
            above = (f"{side}_eyebrow_top_{n}", f"{side}_eyebrow_top_{n + 1}")
            between(f"{side}_eyebrow_bottom_{n}", *above, down=_BROW)
        for lid in ("top", "bottom"):
            between(f"{side}_eye_{lid}_middle", f"{side}_eye_{lid}_outer", f"{side}_eye_{lid}_inner")
        between(f"{side}_pupil", f"{side}_eye_top_middle", f"{side}_eye_bottom_middle")
    return tuple(places[name] for name in _POINTS)


WFLW98 = LAYOUTS.add(
    PointLayout(
        "wflw98",
        _POINTS,
        _mean_shape(),
        # The inter-ocular distance of WFLW.
        (("left_eye_outer_corner",), ("right_eye_outer_corner",)),
        lines=(
            *chain(*_POINTS[:33]),
            *chain(*_POINTS[33:42], closed=True),
            *chain(*_POINTS[42:51], closed=True),
            *chain(*_POINTS[51:55]),
            *chain(*_POINTS[55:60]),
            *chain(*_POINTS[60:68], closed=True),
            *chain(*_POINTS[68:76], closed=True),
            *chain(*_POINTS[76:88], closed=True),
            *chain(*_POINTS[88:96], closed=True),
        ),
        pupils=(("left_pupil",), ("right_pupil",)),
        maps=(_TO_68,),
    )
)
