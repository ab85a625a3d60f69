"""The 478 points of MediaPipe's FaceMesh V2: those of the mesh, and five of each iris.

The center of the right iris is number 468, that of the left one 473. The four points around a center are paired by
their numbers, which no published table states.
"""

from edgefkp.layouts.base import LAYOUTS, PointLayout, chain
from edgefkp.layouts.facemesh468 import FACEMESH468

_SIDES = ("right", "left")
_IRISES = tuple(f"{side}_iris_{n}" for side in _SIDES for n in range(5))
_RADIUS = 0.011  # of the crop
_AROUND = ((0.0, 0.0), (_RADIUS, 0.0), (0.0, -_RADIUS), (-_RADIUS, 0.0), (0.0, _RADIUS))


def _middle(names: tuple[str, ...]) -> tuple[float, float]:
    places = [FACEMESH468.mean_shape[FACEMESH468.points.index(name)] for name in names]
    return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)


_PUPILS = dict(zip(("left", "right"), map(_middle, FACEMESH468.pupils), strict=True))

FACEMESH478 = LAYOUTS.add(
    PointLayout(
        "facemesh478",
        (*FACEMESH468.points, *_IRISES),
        (
            *FACEMESH468.mean_shape,
            *((_PUPILS[side][0] + x, _PUPILS[side][1] + y) for side in _SIDES for x, y in _AROUND),
        ),
        FACEMESH468.nme_pair,
        lines=(
            *FACEMESH468.lines,
            *(line for side in _SIDES for line in chain(*(f"{side}_iris_{n}" for n in range(1, 5)), closed=True)),
        ),
        eye_corners=FACEMESH468.eye_corners,
        pupils=(("left_iris_0",), ("right_iris_0",)),
        maps=FACEMESH468.maps,
    )
)
