"""Camera-like frames with a face in them, and the steps between a frame and a network, in numpy alone.

The end-to-end clock times these steps, so that it runs wherever the benchmark does: OpenCV is not needed.
"""

import numpy as np

from edgefkp.geometry import Box
from edgefkp.layout import SIZE

HEIGHT, WIDTH = 480, 640  # pixels, a small camera's frame
FACE = 200.0  # pixels, side of the face's box in the frame


def frames(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, list[Box]]:
    """(N, 96, 96) uint8 -> (N, 480, 640) uint8 frames that show them enlarged at drawn places, and their boxes."""
    random = np.random.default_rng(seed)
    scale = FACE / SIZE
    side = round(FACE)
    taken = np.minimum((np.arange(side) / scale).astype(int), SIZE - 1)
    shown = np.full((len(images), HEIGHT, WIDTH), 127, np.uint8)
    boxes = []
    for frame, image in zip(shown, images, strict=True):
        top, left = int(random.integers(0, HEIGHT - side)), int(random.integers(0, WIDTH - side))
        frame[top : top + side, left : left + side] = image[taken][:, taken]
        middle = (side - 1) / 2
        boxes.append(Box(left + middle, top + middle, FACE))
    return shown, boxes


def crop(frame: np.ndarray, box: Box, size: int = SIZE) -> np.ndarray:
    """Cut `box` out of a (H, W) uint8 frame, bilinear, the border replicated: (size, size) uint8."""
    rows, row_weight = _samples(box.y, box.side, size, frame.shape[0])
    columns, column_weight = _samples(box.x, box.side, size, frame.shape[1])
    left, right = columns.min(), columns.max() + 2
    near, far = frame[rows, left:right], frame[np.minimum(rows + 1, frame.shape[0] - 1), left:right]
    lines = near + row_weight[:, None] * (far.astype(np.float32) - near)
    columns -= left
    last = lines.shape[1] - 1
    near, far = lines[:, columns], lines[:, np.minimum(columns + 1, last)]
    return (near + column_weight * (far - near) + 0.5).astype(np.uint8)


def _samples(centre: float, side: float, size: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """For each target pixel along one axis: the source pixel before it and the weight of the one after."""
    scale = side / size
    places = centre + (np.arange(size, dtype=np.float32) - (size - 1) / 2) * scale
    places = np.clip(places, 0, limit - 1)
    before = places.astype(np.intp)
    return before, (places - before).astype(np.float32)


def to_frame(points: np.ndarray, box: Box, size: int = SIZE) -> np.ndarray:
    """(..., 2) points of the crop -> the same points in the frame's pixels."""
    return (points - (size - 1) / 2) * (box.side / size) + (box.x, box.y)
