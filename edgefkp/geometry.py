"""Geometry as one 2x3 matrix that moves an image and its points alike, and the one crop.

A matrix maps source pixels to target pixels, with pixel centers at whole numbers:
(x', y') = M[:, :2] @ (x, y) + M[:, 2]. Angles are in degrees, counter-clockwise as seen on screen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.layout import REFERENCE_SIDE, InputSpec, PointLayout
from edgefkp.layouts.maps import common_part, find_conversion

LONGEST = 1 << 15  # pixels: OpenCV moves no longer images


def similarity(center: float, degrees: float = 0, scale: float = 1, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Rotate and scale about (center, center), then shift by (x, y) pixels: (2, 3) float64."""
    radians = np.deg2rad(degrees)
    cos, sin = scale * np.cos(radians), scale * np.sin(radians)
    linear = np.array([[cos, sin], [-sin, cos]])
    offset = center - linear @ (center, center) + shift
    return np.column_stack([linear, offset])


def mirror(side: int) -> np.ndarray:
    """(2, 3): x' = side - 1 - x. Points also change names: see `move_points(..., order)`."""
    return np.array([[-1.0, 0, side - 1], [0, 1, 0]])


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) matrix that takes target pixels back to source pixels."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def move_points(matrix: np.ndarray, keypoints: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
    """Move (..., K, 2) points. order: the layout's `mirror_order` for a mirror, so that the names stay true."""
    moved = keypoints @ matrix[:, :2].T.astype(keypoints.dtype) + matrix[:, 2].astype(keypoints.dtype)
    return moved if order is None else moved[..., order, :]


def move_image(matrix: np.ndarray, image: np.ndarray, side: int) -> np.ndarray:
    """Resample a (H, W) or (H, W, C) uint8 image into (side, side[, C]); the border is replicated.

    Raises EdgefkpError for an image with a side of LONGEST pixels or more.
    """
    import cv2

    if max(image.shape[:2]) >= LONGEST:
        raise EdgefkpError(
            f"no face can be cut out of an image of {image.shape[1]}x{image.shape[0]} pixels",
            f"cut or shrink it to less than {LONGEST:,} pixels a side",
        )
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class Box(NamedTuple):
    """A square in image pixels: the center (pixel centers at whole numbers), the side, and how it is turned."""

    x: float
    y: float
    side: float
    roll: float = 0.0  # degrees, counter-clockwise; a crop of the box shows what lies in it upright

    def moved(self, x: float, y: float, scale: float) -> Box:
        """The box shifted along its own sides, by shares of the side, and then scaled."""
        x, y = (x, y) if not self.roll else (similarity(0, self.roll)[:, :2] @ (x, y)).tolist()
        return Box(self.x + x * self.side, self.y + y * self.side, self.side * scale, self.roll)


def crop_matrix(box: Box, side: int) -> np.ndarray:
    """The (2, 3) matrix from image pixels to the pixels of a crop of that side."""
    scale = side / box.side
    middle = (side - 1) / 2
    if not box.roll:
        return np.array([[scale, 0, middle - scale * box.x], [0, scale, middle - scale * box.y]])
    linear = similarity(0, -box.roll, scale)[:, :2]
    return np.column_stack([linear, middle - linear @ (box.x, box.y)])


def crop_face(image: np.ndarray, box: Box, spec: InputSpec) -> np.ndarray:
    """Cut `box` out of a (H, W) gray or (H, W, 3) BGR uint8 image: uint8 of `spec.image_shape`, rgb with red first.

    Data formats, the detector, the tracker and the benchmark all cut with this function, so that a network sees in
    use what it saw in training. A crop that shrinks the face is blurred first, so that it does not alias; outside of
    the image the border is replicated.
    """
    import cv2

    # The surroundings alone: changing the colors of a whole frame takes longer than the network.
    reach = box.side / 2 * _extent(box.roll)
    image, box = _surroundings(image, box, reach + 2 * (box.side // spec.side + 2))
    if spec.colors == "gray" and image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    elif spec.colors == "rgb":
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
    matrix = crop_matrix(box, spec.side)
    shrink = int(box.side // spec.side)
    if shrink >= 2:
        # The largest whole-number reduction by area, of the needed part only; bilinear does the rest.
        part, moved = _surroundings(image, box, reach + 2 * shrink)
        rows, columns = part.shape[0] // shrink, part.shape[1] // shrink
        if rows and columns:
            part = cv2.resize(part[: rows * shrink, : columns * shrink], (columns, rows), interpolation=cv2.INTER_AREA)
            # Pixel (i) of the reduced part has its center at left + i * shrink + (shrink - 1) / 2.
            left, top, offset = box.x - moved.x, box.y - moved.y, (shrink - 1) / 2
            matrix[:, 2] += matrix[:, :2] @ (left + offset, top + offset)
            matrix[:, :2] *= shrink
            image = part
    return move_image(matrix, image, spec.side)


def _extent(degrees: float) -> float:
    """Width of a turned square over that of the square."""
    return 1.0 if not degrees else float(abs(np.cos(np.deg2rad(degrees))) + abs(np.sin(np.deg2rad(degrees))))


def _surroundings(image: np.ndarray, box: Box, half: float) -> tuple[np.ndarray, Box]:
    """The part of the image within `half` of the box's center, and the box in it; the nearest of its border for a box
    outside of it."""
    left = min(max(0, int(box.x - half)), image.shape[1] - 1)
    top = min(max(0, int(box.y - half)), image.shape[0] - 1)
    part = image[top : max(0, int(box.y + half)) + 2, left : max(0, int(box.x + half)) + 2]
    return part, box._replace(x=box.x - left, y=box.y - top)


def box_of_keypoints(keypoints: np.ndarray, layout: PointLayout) -> Box:
    """The box that puts (K, 2) image points closest to where a face sits in a training crop.

    Least squares for scale and shift over the points that are present (at least two; NaN = missing).
    Raises ValueError for fewer.
    """
    present = ~np.isnan(keypoints).any(-1)
    side = REFERENCE_SIDE
    points, shape = keypoints[present].astype(float), layout.mean_points(side)[present].astype(float)
    if len(points) < 2:
        raise ValueError(f"{len(points)} keypoints do not determine a box: two or more are needed")
    centered = shape - shape.mean(0)
    scale = ((points - points.mean(0)) * centered).sum() / (centered**2).sum()
    middle = (side - 1) / 2
    place = points.mean(0) + scale * ((middle, middle) - shape.mean(0))
    return Box(float(place[0]), float(place[1]), float(abs(scale) * side))


def turned_box(keypoints: np.ndarray, layout: PointLayout, roll: float) -> Box:
    """`box_of_keypoints`, of a face that is turned by `roll` degrees."""
    if not roll:
        return box_of_keypoints(keypoints, layout)
    x, y, side, _ = box_of_keypoints(move_points(similarity(0, -roll), keypoints), layout)
    x, y = (similarity(0, roll)[:, :2] @ (x, y)).tolist()
    return Box(x, y, side, roll)


def roll_of(keypoints: np.ndarray, layout: PointLayout) -> float:
    """By how many degrees (K, 2) points are turned counter-clockwise against the mean shape, -180 to 180; NaN points
    do not count. 0 for points that do not show it."""
    present = ~np.isnan(keypoints).any(-1)
    points, shape = (part[present].astype(float) @ (1, 1j) for part in (keypoints, layout.mean_points(1)))
    if not len(points):
        return 0.0
    return float(-np.rad2deg(np.angle(np.vdot(shape - shape.mean(), points - points.mean()))))


def reframed(box: Box, source: PointLayout, target: PointLayout) -> Box:
    """The box of a training crop of `target` for the face that `box` is a training crop of `source` for.

    Layouts with the points of a whole face need more of the image than those of its middle. The same box where nothing
    is known of how the two layouts' points lie to each other.
    """
    if source == target:
        return box
    x, y, scale = _relation(source, target)
    return box if (x, y, scale) == (0, 0, 1) else box.moved(x, y, scale)


@lru_cache(maxsize=256)
def _relation(source: PointLayout, target: PointLayout) -> tuple[float, float, float]:
    """Shift and scale, in sides of the source's box, from its box to the target's; by the two mean shapes."""
    if not find_conversion(source, target) and find_conversion(target, source):
        x, y, scale = _relation(target, source)
        return -x / scale, -y / scale, 1 / scale
    if not (found := common_part(source, target)):
        return 0, 0, 1
    part, convert = found
    points = convert(_in_own_box(source))
    if not np.ptp(points, 0).any() or not np.ptp(part.mean_shape, 0).any():
        return 0, 0, 1
    x, y, scale = (round(number, 6) for number in box_of_keypoints(points, part)[:3])
    return x, y, scale


def _in_own_box(layout: PointLayout) -> np.ndarray:
    """(K, 2) places of the mean shape in a box around 0 with side 1."""
    return np.array(layout.mean_shape) - 0.5
