"""What is drawn on an image: points, boxes, and lines of text in a corner. (Names of the points: point_names.)"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgefkp.detect.detector import Face
from edgefkp.detect.point_names import (
    BOX,
    FONT,
    MANY,
    SHADE,
    color_of,
    draw_names,
    draw_shaded,
    name_columns,
    side_margins,
)
from edgefkp.geometry import Box, crop_matrix, invert, move_points
from edgefkp.layout import PointLayout

__all__ = ["BOX", "annotated", "color_of", "dot_size", "draw_face", "draw_faces", "draw_text", "name_columns"]

_BITS = 4  # cv2 draws at 1/16 pixel, so that points do not jump from pixel to pixel
NAMED_SIDE, MOST_ENLARGED = 480, 6  # a shorter side is enlarged for names, at most so many times
SMALL_FACE = 40.0  # pixels of a box; in a smaller one dots shrink with the face
# A point fades as its deviation grows, in shares of the box's side: from the first to the second, down to FAINTEST.
DOUBTED, FAINTEST = (0.015, 0.045), 0.25


def dot_size(layout: PointLayout) -> tuple[float, float]:
    """Radius of a point: the least in pixels, and in shares of the box; many points have smaller ones."""
    return (2.0, 1 / 65) if layout.count < MANY else (1.0, 1 / 130)


def annotated(
    image: np.ndarray, faces: Sequence[Face], names: bool = False, mirror: bool = False, margins: bool = False
) -> np.ndarray:
    """A copy of a (H, W, 3) BGR image with its faces drawn in.

    names: of the points, too; a small image is enlarged for them, so that they hide no face. margins: widen the image
    where names find no room beside a face. mirror: swap left and right of the image, but not in the names.
    """
    if mirror:
        faces = [_moved(face, -1.0, image.shape[1] - 1.0, 0.0) for face in faces]
        image = image[:, ::-1]
    scale = enlargement(image.shape) if names else 1
    if scale > 1:
        image = _enlarged(image, scale)
        shift = (scale - 1) / 2  # pixel centers are at whole numbers
        faces = [_moved(face, float(scale), shift, shift) for face in faces]
    if names and margins:
        left, right = side_margins(faces, image.shape[1], mirror)
        image = np.pad(image, ((0, 0), (left, right), (0, 0)), constant_values=SHADE[0])
        faces = [_moved(face, 1.0, float(left), 0.0) for face in faces]
    image = np.array(image, order="C")  # a copy, whatever was done
    draw_faces(image, faces, names, mirror)
    return image


def enlargement(shape: Sequence[int]) -> int:
    """How many times an image of that shape is enlarged for names."""
    return max(1, min(MOST_ENLARGED, -(-NAMED_SIDE // max(1, min(shape[:2])))))


def _enlarged(image: np.ndarray, scale: int) -> np.ndarray:
    import cv2

    return cv2.resize(np.ascontiguousarray(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _moved(face: Face, scale: float, x: float, y: float) -> Face:
    """A face after a change of size, or with scale -1 in a mirror."""
    stretch = np.array([scale, abs(scale)])
    roll = face.box.roll if scale > 0 else -face.box.roll
    box = Box(scale * face.box.x + x, abs(scale) * face.box.y + y, abs(scale) * face.box.side, roll)
    sigma = None if face.sigma is None else face.sigma * np.float32(abs(scale))
    return replace(face, keypoints=(face.keypoints * stretch + (x, y)).astype(np.float32), box=box, sigma=sigma)


def draw_face(image: np.ndarray, face: Face) -> None:
    """Draw one face into a (H, W, 3) BGR image: its box, lines and points."""
    import cv2

    thin = max(1, round(face.box.side / 250))
    _draw_box(image, face.box, thin)
    places = [[round(float(number) * 2**_BITS) for number in point] for point in face.keypoints]
    for line in face.layout.lines:
        start, end = (places[row] for row in face.layout.rows(*line))
        cv2.line(image, start, end, BOX, thin, cv2.LINE_AA, _BITS)
    least, share = dot_size(face.layout)
    radius = max(least * min(1.0, face.box.side / SMALL_FACE), face.box.side * share)
    ring = thin if face.box.side >= SMALL_FACE else 0  # it would hide a small face
    for name, place, strength in zip(face.layout.points, places, opacity(face), strict=True):
        before = _around(image, place, radius + ring) if strength < 1 else None
        untouched = None if before is None else before.copy()
        if ring:
            cv2.circle(image, place, int((radius + ring) * 2**_BITS), SHADE, -1, cv2.LINE_AA, _BITS)
        cv2.circle(image, place, int(radius * 2**_BITS), color_of(name), -1, cv2.LINE_AA, _BITS)
        if before is not None and untouched is not None and before.size:
            before[:] = cv2.addWeighted(before, strength, untouched, 1 - strength, 0)


def opacity(face: Face) -> list[float]:
    """Of each point, by its deviation: 1 is opaque; all are for a model without deviations."""
    if face.sigma is None:
        return [1.0] * len(face.keypoints)
    low, high = DOUBTED
    beyond = np.clip((face.sigma / face.box.side - low) / (high - low), 0, 1)
    return [float(one) for one in 1 - (1 - FAINTEST) * beyond]


def _around(image: np.ndarray, place: Sequence[int], radius: float) -> np.ndarray:
    """The view of the image that a dot lies in."""
    reach = int(radius) + 2
    x, y = (number >> _BITS for number in place)
    return image[max(0, y - reach) : max(0, y + reach + 1), max(0, x - reach) : max(0, x + reach + 1)]


def _draw_box(image: np.ndarray, box: Box, thin: int) -> None:
    import cv2

    if box.roll:
        unit = np.array([[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5]])  # corners of a crop of 2 pixels
        turned = move_points(invert(crop_matrix(box, 2)), unit)
        cv2.polylines(image, [np.rint(turned * 2**_BITS).astype(np.int32)], True, BOX, thin, cv2.LINE_AA, _BITS)
        return
    half = box.side / 2
    corners = [(round(box.x + sign * half), round(box.y + sign * half)) for sign in (-1, 1)]
    cv2.rectangle(image, corners[0], corners[1], BOX, thin, cv2.LINE_AA)


def draw_faces(image: np.ndarray, faces: Sequence[Face], names: bool = False, mirror: bool = False) -> None:
    """Draw faces into a (H, W, 3) BGR image. mirror: the image is one in a mirror, which changes places of names."""
    for face in faces:
        draw_face(image, face)
    if names:
        draw_names(image, faces, mirror)


def draw_text(image: np.ndarray, lines: Sequence[str]) -> None:
    """Lines of text at the top left, legible on anything."""
    import cv2

    if not lines:
        return
    size = max(0.4, image.shape[0] / 1100)
    step = round(38 * size)
    width = max(cv2.getTextSize(line, FONT, size, 1)[0][0] for line in lines) + 16
    panel = image[: step * len(lines) + 10, :width]
    panel[:] = panel // 3  # darkened, so that text stands out and the frame shines through
    for number, line in enumerate(lines, 1):
        draw_shaded(image, line, (8, step * number), size)
