"""A view as an image: the frame with its faces, or the points of two models on one enlarged face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgefkp.demo.view import View
from edgefkp.detect.overlay import annotated, color_of, draw_faces, draw_text, enlargement
from edgefkp.detect.point_names import SHADE, side_margins
from edgefkp.errors import counted
from edgefkp.geometry import Box, move_points
from edgefkp.layout import REFERENCE_SIDE

ROOM = 1.15  # sides of the face's box that the shorter side of the image shows


def render(view: View, with_status: bool = True) -> np.ndarray:
    """(H, W, 3) BGR of the frame's size, or larger so that names can be read; for a comparison see `_compared`.

    with_status: write the status lines, or the title of the comparison, into it.
    """
    options = view.options
    if view.compared is None:
        image = annotated(view.frame.image, view.faces, options.names, options.mirror)
    else:
        image = _compared(view)
    if with_status:
        draw_text(image, status_lines(view) if view.compared is None else title_lines(view))
    return image


def _compared(view: View) -> np.ndarray:
    """Around the largest face, its points as dots and the other model's as rings; without a face the frame alone.

    Names stand beside it, in an image that is as much wider.
    """
    options = view.options
    if not view.faces:
        return annotated(view.frame.image, (), options.names, options.mirror)
    largest = max(range(len(view.faces)), key=lambda number: view.faces[number].box.side)
    face = view.faces[largest]
    larger = enlargement(view.frame.image.shape) if options.names else 1
    height, width = (larger * side for side in view.frame.image.shape[:2])
    scale = min(height, width) / (ROOM * face.box.side)
    width = min(width, height) if options.names else width  # beside the face is room for nothing but names
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    linear = scale * np.diag([-1.0 if options.mirror else 1.0, 1.0])
    matrix = np.column_stack([linear, middle - linear @ (face.box.x, face.box.y)])
    roll = -face.box.roll if options.mirror else face.box.roll
    box = Box(float(middle[0]), float(middle[1]), scale * face.box.side, roll)
    # As both networks predicted them: nothing is smoothed.
    own = replace(face, box=box, keypoints=move_points(matrix, face.raw))
    image = _cut(view.frame.image, matrix, (width, height))
    if options.names:
        left, right = side_margins([own], width, options.mirror)
        matrix[0, 2] += left
        own = replace(own, box=box._replace(x=box.x + left), keypoints=move_points(matrix, face.raw))
        image = np.pad(image, ((0, 0), (left, right), (0, 0)), constant_values=SHADE[0])
    draw_faces(image, [own], options.names, options.mirror)
    if largest < len(view.other):
        _draw_rings(image, move_points(matrix, view.other[largest]), face.layout.points)
    return image


def status_lines(view: View) -> list[str]:
    faces = counted(len(view.faces), "face")
    lines = [
        f"{view.model}  {view.runtime}",
        f"{view.fps:.0f} fps  {faces}{'' if view.options.smoothing else '  unsmoothed'}",
        f"find {view.find:.1f}  network {view.network:.1f}  smooth {view.smooth:.1f} ms",
    ]
    return [*lines, f"the recording lacks {counted(view.options.dropped, 'frame')}"] if view.options.dropped else lines


def title_lines(view: View) -> list[str]:
    """What dots and rings are, and how far they are apart."""
    if view.difference:
        mean, largest = view.difference
        apart = f"{mean:.2f} px apart on average, at most {largest:.2f} px, in crops of {REFERENCE_SIDE} px"
    else:
        apart = "no face"
    return [f"dots: {view.model}", f"rings: {view.compared}", apart]


def _cut(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=SHADE))


def _draw_rings(image: np.ndarray, points: np.ndarray, names: tuple[str, ...]) -> None:
    import cv2

    radius = max(5, min(image.shape[:2]) // 45)
    for name, (x, y) in zip(names, points, strict=True):
        place = (round(float(x) * 16), round(float(y) * 16))
        cv2.circle(image, place, radius * 16, SHADE, 4, cv2.LINE_AA, 4)
        cv2.circle(image, place, radius * 16, color_of(name), 2, cv2.LINE_AA, 4)
