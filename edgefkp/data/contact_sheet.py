"""Many faces with their points in one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.files import write_bytes
from edgefkp.layout import PointLayout, side_of

_TILE = 192  # pixels, the side of one face
_COLUMNS = 10
# BGR; left and right are the subject's.
_LINE = (200, 200, 200)
_MANY = 30  # points, from which on small dots keep them apart
_COLORS = {"left": (255, 160, 0), "right": (0, 140, 255), "middle": (0, 230, 0)}


def write_sheet(path: Path | str, faces: Faces) -> Path:
    """Write a PNG of all `faces`, ten a row: blue points are the subject's left, orange the right.

    Raises EdgefkpError if it cannot be written.
    """
    import cv2

    tiles = [_drawn(*face, faces.layout) for face in zip(faces.images, faces.keypoints, strict=True)]
    blank = np.zeros((_TILE, _TILE, 3), np.uint8)
    columns = min(_COLUMNS, max(1, len(tiles)))
    tiles += [blank] * (-len(tiles) % columns or (columns if not tiles else 0))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return write_bytes(path, cv2.imencode(".png", np.vstack(rows))[1].tobytes())


def _drawn(image: np.ndarray, keypoints: np.ndarray, layout: PointLayout) -> np.ndarray:
    import cv2

    zoom = _TILE / len(image)
    to_bgr = cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR
    tile = cv2.cvtColor(cv2.resize(image, (_TILE, _TILE)), to_bgr)
    # Pixel centers are at whole numbers, so the zoomed image has them half a zoomed pixel further.
    places = {
        name: (round((float(x) + 0.5) * zoom - 0.5), round((float(y) + 0.5) * zoom - 0.5))
        for name, (x, y) in zip(layout.points, keypoints, strict=True)
        if not (np.isnan(x) or np.isnan(y))
    }
    for start, end in layout.lines:
        if start in places and end in places:
            cv2.line(tile, places[start], places[end], _LINE, 1, cv2.LINE_AA)
    for name, place in places.items():
        cv2.circle(tile, place, 2 if layout.count < _MANY else 1, _COLORS[side_of(name)], -1, cv2.LINE_AA)
    return tile
