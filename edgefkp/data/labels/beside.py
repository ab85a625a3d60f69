"""Whether faces are where their points are: the mean of the faces, laid by their points, against that of drawn ones.

Points that are all moved by the same way make a sharp mean face as well, but one that is off its place.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from edgefkp.data.faces import Faces, resampled
from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.fit import Fit
from edgefkp.data.own_layout import eyes_and_mouth, is_own
from edgefkp.layout import InputSpec, ModelSpec, PointLayout

_MOST, _FEWEST = 300, 30  # faces that are looked at
_SIDE = 48  # pixels of the laid faces
_BLUR = 17  # pixels of them: what is coarser is light, and no feature
_ENOUGH = 4  # points of a face
_MARGIN = 12  # pixels of them: how far from its place a face is looked for
# Of five data sets with 15 and 68 points, the mean face was at most 0.05 of the side from its place, where it was 0.3
# to 0.4 alike; one that is moved by a tenth of the side is 0.0 alike at its own place.
_MOVED = 0.07  # of the side
_ALIKE, _MORE_ALIKE = 0.2, 0.1


def beside_their_points(faces: Faces) -> LabelFinding | None:
    """None where the faces are about where their points are, or where too few faces can be compared."""
    if is_own(faces.layout) and eyes_and_mouth(faces.layout.points) is None:
        return None
    fit = Fit(faces.keypoints, faces.layout)
    rows = np.flatnonzero((fit.counts >= _ENOUGH) & (fit.extents > 0))
    if len(rows) < _FEWEST:
        return None
    picked = rows[np.linspace(0, len(rows) - 1, min(_MOST, len(rows))).astype(int)]
    images = resampled(faces.images[picked], InputSpec(faces.input.side))
    x, y = _off_its_place(_mean_face(images, fit.onto_mean_shape(_SIDE)[picked]), _drawn(faces.layout))
    if np.hypot(x, y) <= _MOVED:
        return None
    ways = [(x, "to the right", "to the left"), (y, "down", "up")]
    where = " and ".join(f"{abs(100 * off):.0f} % {after if off > 0 else before}" for off, after, before in ways if off)
    first = f"row {rows[0] + 1} ({str(faces.ids[rows[0]])[:60]})"
    what = f"the faces do not lie where their points are: about {where}, in percent of the crop"
    cure = "look at them: edgefkp data info --sheet FILE.png; were the points placed on other crops of the images?"
    return LabelFinding("beside", False, what, cure, len(rows), first)


def _mean_face(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """(_SIDE, _SIDE) float32 of (N, H, W) gray images, each laid by its (2, 3) matrix."""
    import cv2

    mean = np.zeros((_SIDE, _SIDE), np.float32)
    for image, matrix in zip(images, matrices, strict=True):
        face = cv2.warpAffine(cv2.blur(image, (3, 3)), matrix, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        face = face.astype(np.float32)
        face -= cv2.blur(face, (_BLUR, _BLUR))
        mean += face / max(float(np.linalg.norm(face)), 1e-6)
    return mean / len(images)


@lru_cache(maxsize=8)
def _drawn(layout: PointLayout) -> np.ndarray:
    from edgefkp.data.synthetic import drawn_faces

    drawn = drawn_faces(60, ModelSpec(layout))
    return _mean_face(drawn.images, Fit(drawn.keypoints, layout).onto_mean_shape(_SIDE))


def _off_its_place(mean: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """x and y, in sides, by which the mean face is off the expected one; 0, 0 where that is not clear."""
    import cv2

    middle = expected[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    alike = cv2.matchTemplate(mean, middle, cv2.TM_CCOEFF_NORMED)
    down, across = np.unravel_index(int(alike.argmax()), alike.shape)
    if alike.max() < _ALIKE or alike.max() < alike[_MARGIN, _MARGIN] + _MORE_ALIKE:
        return 0.0, 0.0
    return (int(across) - _MARGIN) / _SIDE, (int(down) - _MARGIN) / _SIDE
