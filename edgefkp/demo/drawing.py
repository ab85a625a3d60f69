"""A view as an image: the frame with its faces, or the points of two models on one enlarged face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgefkp.demo.view import View
from edgefkp.detect.overlay import SHADE, color_of, draw_face, draw_faces, draw_text
from edgefkp.geometry import move_points
from edgefkp.layout import REFERENCE_SIDE

ROOM = 1.15  # sides of the face's box that the shorter side of the image shows


def render(view: View, with_status: bool = True) -> np.ndarray:
    """(H, W, 3) BGR of the frame's size; models that are compared: see `_compared`.

    with_status: write the status lines, or the title of the comparison, into it.
    """
    if view.compared is not None:
        image = _compared(view)
    else:
        image = view.frame.image.copy()
        draw_faces(image, view.faces, view.options.names)
    if with_status:
        draw_text(image, status_lines(view) if view.compared is None else title_lines(view))
    return image


def _compared(view: View) -> np.ndarray:
    """Around the largest face, its points as dots and the other model's as rings; without a face the frame alone."""
    height, width = view.frame.image.shape[:2]
    image = view.frame.image.copy()
    if view.faces:
        largest = max(range(len(view.faces)), key=lambda number: view.faces[number].box.side)
        face = view.faces[largest]
        scale = min(height, width) / (ROOM * face.box.side)
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        matrix = np.column_stack([scale * np.eye(2), middle - scale * np.array([face.box.x, face.box.y])])
        image = _enlarged(image, matrix)
        box = face.box._replace(x=float(middle[0]), y=float(middle[1]), side=scale * face.box.side)
        # As both networks predicted them: nothing is smoothed.
        draw_face(image, replace(face, box=box, keypoints=move_points(matrix, face.raw)), view.options.names)
        if largest < len(view.other):
            _draw_rings(image, move_points(matrix, view.other[largest]), face.layout.points)
    return image


def status_lines(view: View) -> list[str]:
    faces = f"{len(view.faces)} face{'' if len(view.faces) == 1 else 's'}" if view.faces else "no face"
    return [
        f"{view.model}  {view.runtime}",
        f"{view.fps:.0f} fps  {faces}{'' if view.options.smoothing else '  unsmoothed'}",
        f"find {view.find:.1f}  network {view.network:.1f}  smooth {view.smooth:.1f} ms",
    ]


def title_lines(view: View) -> list[str]:
    """What dots and rings are, and how far they are apart."""
    if view.difference:
        mean, largest = view.difference
        apart = f"{mean:.2f} px apart on average, at most {largest:.2f} px, in crops of {REFERENCE_SIDE} px"
    else:
        apart = "no face"
    return [f"dots: {view.model}", f"rings: {view.compared}", apart]


def _enlarged(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    import cv2

    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=SHADE))


def _draw_rings(image: np.ndarray, points: np.ndarray, names: tuple[str, ...]) -> None:
    import cv2

    radius = max(5, min(image.shape[:2]) // 45)
    for name, (x, y) in zip(names, points, strict=True):
        place = (round(float(x) * 16), round(float(y) * 16))
        cv2.circle(image, place, radius * 16, SHADE, 4, cv2.LINE_AA, 4)
        cv2.circle(image, place, radius * 16, color_of(name), 2, cv2.LINE_AA, 4)
