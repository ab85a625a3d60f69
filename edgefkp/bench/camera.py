"""Camera-like frames with a face in them: what the end-to-end clock begins with."""

import numpy as np

from edgefkp.geometry import Box
from edgefkp.layout import InputSpec

HEIGHT, WIDTH = 480, 640  # pixels, a small camera's frame
FACE = 200.0  # pixels, side of the face's box in the frame


def frames(images: np.ndarray, spec: InputSpec, seed: int = 0) -> tuple[np.ndarray, list[Box]]:
    """(N, *spec.image_shape) uint8 -> frames that show them enlarged at drawn places, and their boxes.

    Frames are (N, 480, 640) uint8, for rgb (N, 480, 640, 3) with blue first, as a camera gives them.
    """
    random = np.random.default_rng(seed)
    scale = FACE / spec.side
    side = round(FACE)
    taken = np.minimum((np.arange(side) / scale).astype(int), spec.side - 1)
    shown = np.full((len(images), HEIGHT, WIDTH, *images.shape[3:]), 127, np.uint8)
    boxes = []
    for frame, image in zip(shown, images[..., ::-1] if images.ndim == 4 else images, strict=True):
        top, left = int(random.integers(0, HEIGHT - side)), int(random.integers(0, WIDTH - side))
        frame[top : top + side, left : left + side] = image[taken][:, taken]
        middle = (side - 1) / 2
        boxes.append(Box(left + middle, top + middle, FACE))
    return shown, boxes


def to_frame(points: np.ndarray, box: Box, spec: InputSpec) -> np.ndarray:
    """(..., 2) points of the crop -> the same points in the frame's pixels."""
    return (points - spec.center) * (box.side / spec.side) + (box.x, box.y)
