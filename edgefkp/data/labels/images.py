"""Whether points fit their own images, or those of other rows: a table that was sorted or shifted is seen by this.

Faces that are laid onto each other by their points make a sharp mean face, and each resembles it more than it would by
the points of another face.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgefkp.data.cutting import cut_face
from edgefkp.data.faces import Faces, resampled
from edgefkp.data.images import read_image
from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.fit import Fit
from edgefkp.data.photos import Photos
from edgefkp.layout import InputSpec

_MOST, _FEWEST = 300, 30  # faces that are looked at
_MOST_PHOTOS = 100  # that are read once more
_CUT = InputSpec()  # of faces that are cut by other rows' points
_SIDE = 24  # pixels of the laid faces
_BLUR = 9  # pixels of them: what is coarser is light, and no feature
_ENOUGH = 4  # points of a face
_MOVED = 0.03  # of the side: faces whose points lie more alike show nothing
# Standard errors by which the own points fit better than another face's. 20 faces of any good data set had 9 and more,
# 300 had 30; with the rows shuffled, 20 to 7,000 faces had -4 to 4.
_BETTER = 5.0


def fit_their_images(faces: Faces) -> LabelFinding | None:
    """None where points fit their images, or too few faces can be compared."""
    fit = Fit(faces.keypoints, faces.layout)
    rows = np.flatnonzero(fit.counts >= _ENOUGH)
    if len(rows) < _FEWEST:
        return None
    images = resampled(faces.images, InputSpec(faces.input.side))[rows]
    matrices = fit.onto_mean_shape(_SIDE)[rows]
    picked = np.linspace(0, len(rows) - 1, min(_MOST, len(rows))).astype(int)
    far = len(rows) // 2
    picked = picked[_apart(matrices[picked], np.roll(matrices, -far, 0)[picked], faces.input.side) > _MOVED]
    if len(picked) < _FEWEST:
        return None

    def likeness(step: int) -> np.ndarray:
        """Laid by the points of the face that many rows on."""
        return _likeness(images[picked], np.roll(matrices, -step, 0)[picked])

    return _finding(likeness, far, len(picked), len(rows), f"row {rows[0] + 1} ({str(faces.ids[rows[0]])[:60]})")


def photos_fit(photos: Photos) -> LabelFinding | None:
    """The same for photos, whose crops are cut by their points: each is cut by the points of other rows, too."""
    fit = Fit(photos.points, photos.layout)
    rows = np.flatnonzero((fit.counts >= _ENOUGH) & (fit.extents > 0))
    far = len(rows) // 2
    boxes = np.column_stack([fit.middles, fit.extents])[rows]
    apart = np.abs(boxes - np.roll(boxes, -far, 0)).max(1) >= _MOVED * boxes[:, 2]  # else these points fit as well
    picked = np.linspace(0, len(rows) - 1, min(_MOST_PHOTOS, len(rows))).astype(int)
    steps = (0, 1, -1, far)
    crops: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {step: [] for step in steps}
    for at in picked[apart[picked]].tolist() if len(rows) >= _FEWEST else ():
        image = read_image(photos.paths[rows[at]], _CUT.colors)
        if image is None:
            continue
        for step in steps:
            points = photos.points[rows[(at + step) % len(rows)]]
            crops[step].append(cut_face(image, points, str(photos.ids[rows[at]]), photos.layout, _CUT))
    if len(crops[0]) < _FEWEST:
        return None

    def likeness(step: int) -> np.ndarray:
        images, keypoints = map(np.stack, zip(*crops[step], strict=True))
        return _likeness(images, Fit(keypoints, photos.layout).onto_mean_shape(_SIDE))

    return _finding(likeness, far, len(crops[0]), len(rows), photos.rows[rows[0]] + f" ({photos.ids[rows[0]]})")


def _finding(
    likeness: Callable[[int], np.ndarray], far: int, compared: int, count: int, first: str
) -> LabelFinding | None:
    """likeness: of each face that is compared, laid by the points of the face that many rows on."""
    own = likeness(0)
    fits = {name: _better(likeness(step), own) for name, step in (("next", 1), ("previous", -1))}
    neighbor = max(fits, key=lambda name: fits[name])
    shifted = fits[neighbor] > _BETTER
    if shifted:
        what, cure = f"fit the points of the {neighbor} row", "the rows are shifted: give each image its own points"
    elif _better(own, likeness(far)) > _BETTER:
        return None
    else:
        what = "fit their own points no better than those of another face"
        cure = "look at them: edgefkp data info --sheet FILE.png"
    what = f"the images {what}, by the mean of {compared} faces"
    return LabelFinding("images", shifted, what, cure, count, first)


def _likeness(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """(N,) correlation of each laid face with the mean of the others."""
    import cv2

    laid = np.empty((len(images), _SIDE, _SIDE), np.float32)
    for row, (image, matrix) in enumerate(zip(images, matrices, strict=True)):
        face = cv2.warpAffine(cv2.blur(image, (3, 3)), matrix, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        laid[row] = face.astype(np.float32) - cv2.blur(face.astype(np.float32), (_BLUR, _BLUR))
    flat = laid.reshape(len(laid), -1)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    mean = flat.mean(0)
    likeness: np.ndarray = flat @ mean - (flat * flat).sum(1) / len(flat)
    return likeness


def _better(one: np.ndarray, other: np.ndarray) -> float:
    """Standard errors by which the mean of `one` is larger."""
    difference = one - other
    error = difference.std() / np.sqrt(len(difference))
    return float(difference.mean() / error) if error else 0.0


def _apart(one: np.ndarray, other: np.ndarray, side: int) -> np.ndarray:
    """(N,) distance between where two (N, 2, 3) matrices put the quarters of an image of that side, per _SIDE."""
    places = np.array([[x * side, y * side, 1] for x in (0.25, 0.75) for y in (0.25, 0.75)]).T
    distance: np.ndarray = np.linalg.norm(one @ places - other @ places, axis=1).mean(-1) / _SIDE
    return distance
