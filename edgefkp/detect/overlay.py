"""What is drawn on a frame: points, names, boxes, and the numbers in a corner."""

from collections.abc import Sequence

import numpy as np

from edgefkp.detect.detector import Face
from edgefkp.layout import NAMES

# BGR. Left and right are the subject's; colours that stay apart for colour-blind eyes too.
LEFT, RIGHT, MIDDLE = (80, 190, 255), (255, 190, 60), (110, 230, 110)
BOX, TEXT, SHADE = (230, 230, 230), (255, 255, 255), (30, 30, 30)
_FONT = 0  # cv2.FONT_HERSHEY_SIMPLEX
_BITS = 4  # cv2 draws at 1/16 pixel, so that points do not jump from pixel to pixel


def colour_of(name: str) -> tuple[int, int, int]:
    return LEFT if "left" in name else RIGHT if "right" in name else MIDDLE


def draw_face(picture: np.ndarray, face: Face, names: bool = False) -> None:
    """Draw one face into a (H, W, 3) BGR picture: its box, points and, if asked for, their names."""
    import cv2

    half = face.box.side / 2
    corners = [
        (round(face.box.x - half), round(face.box.y - half)),
        (round(face.box.x + half), round(face.box.y + half)),
    ]
    thin = max(1, round(face.box.side / 250))
    cv2.rectangle(picture, corners[0], corners[1], BOX, thin, cv2.LINE_AA)
    radius = max(2.0, face.box.side / 65)
    for name, point in zip(NAMES, face.keypoints, strict=True):
        centre = [round(float(number) * 2**_BITS) for number in point]
        cv2.circle(picture, centre, int((radius + thin) * 2**_BITS), SHADE, -1, cv2.LINE_AA, _BITS)
        cv2.circle(picture, centre, int(radius * 2**_BITS), colour_of(name), -1, cv2.LINE_AA, _BITS)
    if names:
        _draw_names(picture, face)


def _draw_names(picture: np.ndarray, face: Face) -> None:
    """The names in two columns beside the box, each with a line to its point: on the face they would hide it."""
    import cv2

    size = max(0.35, face.box.side / 520)
    step = 40 * size
    half = face.box.side / 2 + 10
    for right in (False, True):
        # The subject's left is the picture's right.
        rows = [i for i, name in enumerate(NAMES) if ("left" in name or "lip" in name) == right]
        rows.sort(key=lambda i: float(face.keypoints[i, 1]))
        top = face.box.y - step * len(rows) / 2
        for place, i in enumerate(rows):
            text = NAMES[i].replace("_", " ")
            width = cv2.getTextSize(text, _FONT, size, 1)[0][0]
            x = face.box.x + half if right else face.box.x - half - width
            x = round(min(max(x, 2), picture.shape[1] - width - 2))
            y = round(top + step * (place + 1))
            end = (x - 3 if right else x + width + 3, round(y - step / 4))
            point = (round(float(face.keypoints[i, 0])), round(float(face.keypoints[i, 1])))
            cv2.line(picture, end, point, colour_of(NAMES[i]), 1, cv2.LINE_AA)
            _shaded(picture, text, (x, y), size)


def draw_faces(picture: np.ndarray, faces: Sequence[Face], names: bool = False) -> None:
    for face in faces:
        draw_face(picture, face, names)


def draw_text(picture: np.ndarray, lines: Sequence[str]) -> None:
    """Lines of text at the top left, legible on anything."""
    import cv2

    if not lines:
        return
    size = max(0.4, picture.shape[0] / 1100)
    step = round(38 * size)
    width = max(cv2.getTextSize(line, _FONT, size, 1)[0][0] for line in lines) + 16
    panel = picture[: step * len(lines) + 10, :width]
    panel[:] = panel // 3  # darkened, so that text stands out and the frame shines through
    for number, line in enumerate(lines, 1):
        _shaded(picture, line, (8, step * number), size)


def _shaded(picture: np.ndarray, text: str, where: tuple[int, int], size: float) -> None:
    import cv2

    cv2.putText(picture, text, where, _FONT, size, SHADE, 3, cv2.LINE_AA)
    cv2.putText(picture, text, where, _FONT, size, TEXT, 1, cv2.LINE_AA)
