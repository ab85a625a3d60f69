"""Many faces with their points in one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.files import write_bytes
from edgefkp.layout import SIDE_COLORS, PointLayout, side_of

_TILE = 192  # pixels, the side of one face
_COLUMNS = 10
_LINE, _SHADE = (200, 200, 200), (30, 30, 30)  # BGR
_MANY = 30  # points, from which on small dots keep them apart


def write_sheet(path: Path | str, faces: Faces) -> Path:
    """Write a PNG of all `faces`, ten a row: orange points are the subject's left, blue the right.

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
        radius = 2 if layout.count < _MANY else 1
        cv2.circle(tile, place, radius + 1, _SHADE, -1, cv2.LINE_AA)
        cv2.circle(tile, place, radius, SIDE_COLORS[side_of(name)][::-1], -1, cv2.LINE_AA)
    return tile
