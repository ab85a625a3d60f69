"""What is drawn on an image: points, names, boxes, and lines of text in a corner."""

from collections.abc import Sequence

import numpy as np

from edgefkp.detect.detector import Face
from edgefkp.layout import SIDE_COLORS, PointLayout, side_of

# BGR
BOX, TEXT, SHADE = (230, 230, 230), (255, 255, 255), (30, 30, 30)
_FONT = 0  # cv2.FONT_HERSHEY_SIMPLEX
_BITS = 4  # cv2 draws at 1/16 pixel, so that points do not jump from pixel to pixel
MANY = 30  # points, from which on their dots and names are smaller


def color_of(point: str) -> tuple[int, int, int]:
    """BGR, by the side of the point's name."""
    red, green, blue = SIDE_COLORS[side_of(point)]
    return blue, green, red


def name_columns(layout: PointLayout) -> tuple[list[int], list[int]]:
    """The points whose names stand left of a face, and those right of it: the subject's left is the image's right.

    The points of the middle are shared out between both.
    """
    sides = [side_of(point) for point in layout.points]
    middle = [row for row, side in enumerate(sides) if side == "middle"]
    left, right = ([row for row, side in enumerate(sides) if side == own] for own in ("right", "left"))
    return sorted(left + middle[: len(middle) // 2]), sorted(right + middle[len(middle) // 2 :])


def dot_size(layout: PointLayout) -> tuple[float, float]:
    """Radius of a point: the least in pixels, and in shares of the box; many points have smaller ones."""
    return (2.0, 1 / 65) if layout.count < MANY else (1.0, 1 / 130)


def draw_face(image: np.ndarray, face: Face, names: bool = False) -> None:
    """Draw one face into a (H, W, 3) BGR image: its box, lines, points and, if asked for, their names."""
    import cv2

    half = face.box.side / 2
    corners = [
        (round(face.box.x - half), round(face.box.y - half)),
        (round(face.box.x + half), round(face.box.y + half)),
    ]
    thin = max(1, round(face.box.side / 250))
    cv2.rectangle(image, corners[0], corners[1], BOX, thin, cv2.LINE_AA)
    places = [[round(float(number) * 2**_BITS) for number in point] for point in face.keypoints]
    for line in face.layout.lines:
        start, end = (places[row] for row in face.layout.rows(*line))
        cv2.line(image, start, end, BOX, thin, cv2.LINE_AA, _BITS)
    least, share = dot_size(face.layout)
    radius = max(least, face.box.side * share)
    for name, place in zip(face.layout.points, places, strict=True):
        cv2.circle(image, place, int((radius + thin) * 2**_BITS), SHADE, -1, cv2.LINE_AA, _BITS)
        cv2.circle(image, place, int(radius * 2**_BITS), color_of(name), -1, cv2.LINE_AA, _BITS)
    if names:
        _draw_names(image, face)


def _draw_names(image: np.ndarray, face: Face) -> None:
    """The names in two columns beside the box, each with a line to its point: on the face they would hide it."""
    import cv2

    columns = name_columns(face.layout)
    size = max(0.35, face.box.side / 520)
    if face.layout.count >= MANY:  # as many as fit in twice the box
        size = max(0.3, min(size, 2 * face.box.side / (40 * max(map(len, columns)))))
    step = 40 * size
    half = face.box.side / 2 + 10
    for is_right, rows in enumerate(columns):
        rows = sorted(rows, key=lambda row: float(face.keypoints[row, 1]))
        top = face.box.y - step * len(rows) / 2
        if face.layout.count >= MANY:  # all of them within the image, if it is high enough
            top = max(0.0, min(top, image.shape[0] - step * (len(rows) + 1)))
        for place, row in enumerate(rows):
            name = face.layout.points[row]
            text = name.replace("_", " ")
            width = cv2.getTextSize(text, _FONT, size, 1)[0][0]
            x = face.box.x + half if is_right else face.box.x - half - width
            x = round(min(max(x, 2), image.shape[1] - width - 2))
            y = round(top + step * (place + 1))
            end = (x - 3 if is_right else x + width + 3, round(y - step / 4))
            point = (round(float(face.keypoints[row, 0])), round(float(face.keypoints[row, 1])))
            cv2.line(image, end, point, color_of(name), 1, cv2.LINE_AA)
            _draw_shaded(image, text, (x, y), size)


def draw_faces(image: np.ndarray, faces: Sequence[Face], names: bool = False) -> None:
    for face in faces:
        draw_face(image, face, names)


def draw_text(image: np.ndarray, lines: Sequence[str]) -> None:
    """Lines of text at the top left, legible on anything."""
    import cv2

    if not lines:
        return
    size = max(0.4, image.shape[0] / 1100)
    step = round(38 * size)
    width = max(cv2.getTextSize(line, _FONT, size, 1)[0][0] for line in lines) + 16
    panel = image[: step * len(lines) + 10, :width]
    panel[:] = panel // 3  # darkened, so that text stands out and the frame shines through
    for number, line in enumerate(lines, 1):
        _draw_shaded(image, line, (8, step * number), size)


def _draw_shaded(image: np.ndarray, text: str, where: tuple[int, int], size: float) -> None:
    import cv2

    cv2.putText(image, text, where, _FONT, size, SHADE, 3, cv2.LINE_AA)
    cv2.putText(image, text, where, _FONT, size, TEXT, 1, cv2.LINE_AA)
