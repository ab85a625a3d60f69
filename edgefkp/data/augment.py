"""Altered pictures for training: the paper's offline set (section 3.4) and a richer one made on the fly.

Both take `TrainingSet`, which only a treatment makes; every change of geometry is one 2x3 matrix for the image
and its points.
"""

from dataclasses import dataclass, replace

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.geometry import move_image, move_points, similarity
from edgefkp.layout import CENTRE, MIRROR, SIZE

AUGMENTS = ("none", "paper", "online")

PAPER_DEGREES = (12, -12)
PAPER_BRIGHTNESS = (1.2, 0.6)
PAPER_SHIFTS = tuple((x, y) for x in (-12, 12) for y in (-12, 12))  # pixels; kept where the points stay inside
PAPER_NOISE = 0.008  # standard deviation, of pixels in [0, 1]


def paper_set(faces: TrainingSet, seed: int = 0) -> TrainingSet:
    """The faces, and after them every rotated, brightened, shifted and noisy copy: about nine times as many."""
    rng = np.random.default_rng(seed)
    parts = [faces]
    parts += [_moved(faces, similarity(CENTRE, degrees)) for degrees in PAPER_DEGREES]
    parts += [replace(faces, images=_to_pixels(faces.images * np.float32(gain))) for gain in PAPER_BRIGHTNESS]
    parts += [_inside(_moved(faces, similarity(CENTRE, shift=shift))) for shift in PAPER_SHIFTS]
    noise = rng.standard_normal(faces.images.shape, np.float32) * np.float32(255 * PAPER_NOISE)
    parts += [replace(faces, images=_to_pixels(faces.images + noise))]
    columns = (np.concatenate([getattr(p, name) for p in parts]) for name in ("images", "targets", "weights"))
    return TrainingSet(*columns)


def _moved(faces: TrainingSet, matrix: np.ndarray) -> TrainingSet:
    images = np.stack([move_image(matrix, image, SIZE) for image in faces.images])
    return replace(faces, images=images, targets=move_points(matrix, faces.targets))


def _inside(faces: TrainingSet) -> TrainingSet:
    with np.errstate(invalid="ignore"):
        outside = (faces.targets < 0) | (faces.targets > SIZE - 1)  # a missing point is not outside
    return faces.take(np.flatnonzero(~outside.any((1, 2))))


def _to_pixels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class AugmentConfig:
    """How far the on-the-fly changes go; each picture draws its own. Lengths in pixels of the 96x96 image.

    "uniform" below is triangular about the middle, for degrees, scale, stretch and shift, where `peaked`.
    """

    degrees: float = 20  # uniform in +-
    scale: float = 0.15  # uniform in 1 +-
    stretch: float = 0.05  # width against height, uniform in 1 +-
    shift: float = 7  # uniform in +-, each axis
    mirror: float = 0.5  # probability
    contrast: float = 0.4  # gain uniform in 1 +-
    brightness: float = 40  # gray levels, uniform in +-
    gamma: float = 0.3  # exponent, log-uniform in exp(+-)
    noise: float = 0.25  # probability
    noise_level: float = 14  # gray levels, largest standard deviation
    blur: float = 0.2  # probability
    occlusion: float = 0.2  # probability
    occlusion_size: float = 30  # pixels, largest side
    dark: float = 0  # probability of gray levels times uniform in DARKEST to 1
    peaked: bool = False  # geometry is drawn from a triangle in place of a box: its extremes are seen, but rarely


DARKEST = 0.1

# Noise is drawn once and then cut from at random offsets: drawing it anew would cost more than all the rest.
_NOISE = np.random.default_rng(0).standard_normal((4 * SIZE, 4 * SIZE), np.float32)


def online_batch(
    images: np.ndarray, targets: np.ndarray, rng: np.random.Generator, strength: AugmentConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Alter (B, 96, 96) uint8 images and their (B, 15, 2) targets, each by its own draw.

    The same generator state gives the same batch. Points may leave the picture; NaN stays NaN.
    """
    matrices, mirrored = _random_matrices(len(images), rng, strength)
    moved = np.einsum("bij,bkj->bki", matrices[:, :, :2], targets, dtype=np.float64) + matrices[:, None, :, 2]
    moved[mirrored] = moved[mirrored][:, MIRROR]
    tables = _tone_tables(len(images), rng, strength)
    chance = rng.random((len(images), 3))
    amount = rng.random((len(images), 6))
    altered = np.empty_like(images)
    for i, image in enumerate(images):
        altered[i] = _photograph(image, matrices[i], tables[i], chance[i], amount[i], strength)
    return altered, moved.astype(np.float32)


def _random_matrices(count: int, rng: np.random.Generator, s: AugmentConfig) -> tuple[np.ndarray, np.ndarray]:
    def within(limit: float, shape: int | tuple[int, int] = count) -> np.ndarray:
        if s.peaked:
            return limit * rng.triangular(-1, 0, 1, shape)
        return rng.uniform(-limit, limit, shape)

    angle = np.deg2rad(within(s.degrees))
    scale = 1 + within(s.scale)
    stretch = 1 + within(s.stretch)
    mirrored = rng.random(count) < s.mirror
    width, height = scale * stretch * np.where(mirrored, -1, 1), scale / stretch
    linear = np.empty((count, 2, 2))
    linear[:, 0, 0], linear[:, 0, 1] = np.cos(angle) * width, np.sin(angle) * height
    linear[:, 1, 0], linear[:, 1, 1] = -np.sin(angle) * width, np.cos(angle) * height
    offset = CENTRE - linear @ (CENTRE, CENTRE) + within(s.shift, (count, 2))
    return np.concatenate([linear, offset[..., None]], 2), mirrored


def _tone_tables(count: int, rng: np.random.Generator, s: AugmentConfig) -> np.ndarray:
    """(count, 256) uint8: gamma, contrast about the middle gray, brightness and darkness as one table each."""
    gamma = np.exp(rng.uniform(-s.gamma, s.gamma, (count, 1)))
    gain = 1 + rng.uniform(-s.contrast, s.contrast, (count, 1))
    offset = rng.uniform(-s.brightness, s.brightness, (count, 1))
    levels = 255 * (np.arange(256) / 255) ** gamma
    levels = (levels - 127.5) * gain + 127.5 + offset
    if s.dark:
        dark = np.where(rng.random((count, 1)) < s.dark, rng.uniform(DARKEST, 1, (count, 1)), 1)
        levels = np.clip(levels, 0, 255) * dark
    return _to_pixels(levels)


def _photograph(
    image: np.ndarray, matrix: np.ndarray, table: np.ndarray, chance: np.ndarray, amount: np.ndarray, s: AugmentConfig
) -> np.ndarray:
    import cv2

    picture = cv2.LUT(move_image(matrix, image, SIZE), table)
    if chance[0] < s.occlusion:
        left, top = (amount[:2] * SIZE).astype(int)
        width, height = (4 + amount[2:4] * (s.occlusion_size - 4)).astype(int)
        picture[top : top + height, left : left + width] = int(amount[4] * 255)
    if chance[1] < s.blur:
        picture = cv2.GaussianBlur(picture, (5, 5), 0.4 + 1.4 * amount[4])
    if chance[2] < s.noise:
        left, top = (amount[:2] * 3 * SIZE).astype(int)
        noise = _NOISE[top : top + SIZE, left : left + SIZE] * np.float32(s.noise_level * amount[5])
        picture = cv2.add(picture, noise, dtype=cv2.CV_8U)
    return picture
