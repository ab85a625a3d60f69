"""The names of a face's points, in two columns beside it: on the face they would hide it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edgefkp.detect.detector import Face
from edgefkp.layout import SIDE_COLORS, PointLayout, side_of

# BGR
BOX, TEXT, SHADE = (230, 230, 230), (255, 255, 255), (30, 30, 30)
FONT = 0  # cv2.FONT_HERSHEY_SIMPLEX
MANY = 30  # points, from which on their dots and names are smaller
_GAP = 10  # pixels between a face and its names


class _Label(NamedTuple):
    row: int  # of the point
    text: str
    x: int
    y: int  # of the line on which the text stands
    width: int
    is_right: bool  # of the face


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


def side_margins(faces: Sequence[Face], width: int, mirror: bool = False) -> tuple[int, int]:
    """Pixels that the names of those faces need left and right of an image of that width."""
    labels = [label for face in faces for label in _labels(face, mirror)]
    left = max((2 - label.x for label in labels), default=0)
    right = max((label.x + label.width + 2 - width for label in labels), default=0)
    return max(0, left), max(0, right)


def draw_names(image: np.ndarray, faces: Sequence[Face], mirror: bool = False) -> None:
    """Write the names into a (H, W, 3) BGR image, each with a line to its point; no name over another one.

    mirror: the image is one in a mirror, so that the subject's left is left.
    """
    import cv2

    taken: list[tuple[int, int, int, int]] = []  # left, top, right, bottom
    for face in faces:
        size = _text_size(face)
        for label in _labels(face, mirror, image.shape[0]):
            x = min(max(label.x, 2), image.shape[1] - label.width - 2)
            y = _free(taken, x, label.y, label.width, round(30 * size), image.shape[0])
            color = color_of(face.layout.points[label.row])
            end = (x - 3 if label.is_right else x + label.width + 3, round(y - 10 * size))
            point = (round(float(face.keypoints[label.row, 0])), round(float(face.keypoints[label.row, 1])))
            cv2.line(image, end, point, color, 1, cv2.LINE_AA)
            draw_shaded(image, label.text, (x, y), size)


def draw_shaded(image: np.ndarray, text: str, where: tuple[int, int], size: float) -> None:
    import cv2

    cv2.putText(image, text, where, FONT, size, SHADE, 3, cv2.LINE_AA)
    cv2.putText(image, text, where, FONT, size, TEXT, 1, cv2.LINE_AA)


def _text_size(face: Face) -> float:
    size = max(0.35, face.box.side / 520)
    if face.layout.count >= MANY:  # as many as fit in twice the box
        size = max(0.3, min(size, 2 * face.box.side / (40 * max(map(len, name_columns(face.layout))))))
    return size


def _labels(face: Face, mirror: bool, height: int = 0) -> Iterator[_Label]:
    """Where each name stands, before it makes way for others. height: of the image, 0 if that does not matter."""
    import cv2

    size = _text_size(face)
    step, half = 40 * size, face.box.side / 2 + _GAP
    columns = name_columns(face.layout)
    for is_right, rows in enumerate(reversed(columns) if mirror else columns):
        rows = sorted(rows, key=lambda row: float(face.keypoints[row, 1]))
        top = face.box.y - step * len(rows) / 2
        if face.layout.count >= MANY and height:  # all of them within the image, if it is high enough
            top = max(0.0, min(top, height - step * (len(rows) + 1)))
        for place, row in enumerate(rows):
            text = face.layout.points[row].replace("_", " ")
            width = cv2.getTextSize(text, FONT, size, 1)[0][0]
            x = face.box.x + half if is_right else face.box.x - half - width
            yield _Label(row, text, round(x), round(top + step * (place + 1)), width, bool(is_right))


def _free(taken: list[tuple[int, int, int, int]], x: int, y: int, width: int, high: int, height: int) -> int:
    """The line nearest to `y` on which a text covers no other one; it counts as taken then."""
    for move in sorted(range(-height, height, max(1, high // 2)), key=abs):
        place = y + move
        if move and not high <= place <= height - 4:
            continue
        box = (x, place - high, x + width, place)
        if not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
            taken.append(box)
            return place
    return y
