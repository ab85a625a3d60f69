"""Many faces with their points on one picture."""

from pathlib import Path

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.files import write_bytes
from edgefkp.layout import NAMES, SIZE

_ZOOM = 2
_COLUMNS = 10
_LEFT, _RIGHT, _MIDDLE = (255, 160, 0), (0, 140, 255), (0, 230, 0)  # BGR; left and right are the subject's
_COLOURS = [_LEFT if "left" in name else _RIGHT if "right" in name else _MIDDLE for name in NAMES]


def write_sheet(path: Path | str, faces: Faces) -> Path:
    """Write a PNG of all `faces`, ten a row: blue points are the subject's left, orange the right.

    Raises EdgefkpError where it cannot be written.
    """
    import cv2

    pictures = [_drawn(*face) for face in zip(faces.images, faces.keypoints, strict=True)]
    blank = np.zeros((_ZOOM * SIZE, _ZOOM * SIZE, 3), np.uint8)
    columns = min(_COLUMNS, max(1, len(pictures)))
    pictures += [blank] * (-len(pictures) % columns or (columns if not pictures else 0))
    rows = [np.hstack(pictures[start : start + columns]) for start in range(0, len(pictures), columns)]
    return write_bytes(path, cv2.imencode(".png", np.vstack(rows))[1].tobytes())


def _drawn(image: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    import cv2

    picture = cv2.cvtColor(cv2.resize(image, None, fx=_ZOOM, fy=_ZOOM), cv2.COLOR_GRAY2BGR)
    there = ~np.isnan(keypoints).any(-1)
    for (x, y), colour in zip(keypoints[there], [_COLOURS[k] for k in np.flatnonzero(there)], strict=True):
        # Pixel centres are at whole numbers, so the zoomed picture has them half a zoomed pixel further.
        centre = (round((float(x) + 0.5) * _ZOOM - 0.5), round((float(y) + 0.5) * _ZOOM - 0.5))
        cv2.circle(picture, centre, 2, colour, -1, cv2.LINE_AA)
    return picture
