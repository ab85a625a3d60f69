"""Altered images for training: the paper's offline set (section 3.4) and a richer one made on the fly.

Both take what only an imputation makes (`TrainingSet`); every change of geometry is one 2x3 matrix for the image
and its points.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from edgefkp.data.imputation import TrainingSet
from edgefkp.geometry import move_image, move_points, similarity
from edgefkp.layout import REFERENCE_SIDE, PointLayout

_COLUMNS = ("images", "targets", "weights")  # of a TrainingSet, with a row for each face
AUGMENTS = ("none", "paper", "online")

PAPER_DEGREES = (12, -12)
PAPER_BRIGHTNESS = (1.2, 0.6)
# Pixels of REFERENCE_SIDE; a copy is kept if its points stay inside.
PAPER_SHIFTS = tuple((x, y) for x in (-12, 12) for y in (-12, 12))
PAPER_NOISE = 0.008  # standard deviation, of pixels in [0, 1]


def paper_set(faces: TrainingSet, seed: int = 0) -> TrainingSet:
    """The faces, and after them every rotated, brightened, shifted and noisy copy: about nine times as many."""
    rng = np.random.default_rng(seed)
    center, pixel = faces.input.center, faces.input.side / REFERENCE_SIDE
    parts = [faces]
    parts += [_moved(faces, similarity(center, degrees)) for degrees in PAPER_DEGREES]
    parts += [replace(faces, images=_to_pixels(faces.images * np.float32(gain))) for gain in PAPER_BRIGHTNESS]
    parts += [_inside(_moved(faces, similarity(center, shift=(x * pixel, y * pixel)))) for x, y in PAPER_SHIFTS]
    noise = rng.standard_normal(faces.images.shape, np.float32) * np.float32(255 * PAPER_NOISE)
    parts += [replace(faces, images=_to_pixels(faces.images + noise))]
    images, targets, weights = (np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS)
    return replace(faces, images=images, targets=targets, weights=weights)


def _moved(faces: TrainingSet, matrix: np.ndarray) -> TrainingSet:
    images = np.stack([move_image(matrix, image, faces.input.side) for image in faces.images])
    return replace(faces, images=images, targets=move_points(matrix, faces.targets))


def _inside(faces: TrainingSet) -> TrainingSet:
    with np.errstate(invalid="ignore"):
        outside = (faces.targets < 0) | (faces.targets > faces.input.side - 1)  # a missing point is not outside
    return faces.take(np.flatnonzero(~outside.any((1, 2))))


def _to_pixels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class AugmentConfig:
    """How far the on-the-fly changes go; each image draws its own. Lengths in pixels of REFERENCE_SIDE.

    With `peaked`, "uniform" below is triangular about the middle for degrees, scale, stretch and shift. A new field
    needs a default that changes nothing.
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
    unmoved: float = 0  # probability that nothing of the geometry changes but the mirror

    def halved(self) -> AugmentConfig:
        """Every change half as far and half as often; as many faces are mirrored, and as many keep their geometry."""
        kept = ("mirror", "peaked", "unmoved")
        return replace(self, **{one.name: getattr(self, one.name) / 2 for one in fields(self) if one.name not in kept})


DARKEST = 0.1  # of the gray levels
_OCCLUSION_LEAST = 4  # pixels of REFERENCE_SIDE, smallest side
# Pixels of REFERENCE_SIDE: the standard deviation is the first, plus a share of the second.
_BLUR_LEAST, _BLUR_MORE = 0.4, 1.4
_BLUR_REACH = 2  # pixels of REFERENCE_SIDE to each side


@lru_cache(maxsize=4)
def _noise(side: int) -> np.ndarray:
    """(4 side, 4 side) float32 to cut noise from at random offsets: drawing it anew costs more than all the rest."""
    return np.random.default_rng(0).standard_normal((4 * side, 4 * side), np.float32)


class _Draw(NamedTuple):
    """Random numbers in [0, 1) for what happens to one image."""

    occludes: float  # the change is made if this is below its probability
    blurs: float
    adds_noise: float
    x: float  # left edge of the occlusion, and of the part that is cut from the noise
    y: float  # top edge of the same
    width: float  # of the occlusion
    height: float
    level: float  # gray level of the occlusion, and strength of the blur
    noise_level: float


def online_batch(
    images: np.ndarray, targets: np.ndarray, rng: np.random.Generator, config: AugmentConfig, layout: PointLayout
) -> tuple[np.ndarray, np.ndarray]:
    """Alter (B, side, side[, 3]) uint8 images and their (B, K, 2) targets, each by its own draw.

    The same generator state gives the same batch. Points may leave the image; NaN stays NaN.
    """
    altered, moved, _ = painted_batch(images, targets, rng, config, layout)
    return altered, moved


def painted_batch(
    images: np.ndarray, targets: np.ndarray, rng: np.random.Generator, config: AugmentConfig, layout: PointLayout
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `online_batch`, and (B, K) bool: which points the occlusion painted over."""
    matrices, mirrored = _random_matrices(len(images), images.shape[1], rng, config)
    moved = np.einsum("bij,bkj->bki", matrices[:, :, :2], targets, dtype=np.float64) + matrices[:, None, :, 2]
    moved[mirrored] = moved[mirrored][:, layout.mirror_order]
    tables = _tone_tables(len(images), rng, config)
    chances, amounts = rng.random((len(images), 3)), rng.random((len(images), 6))
    altered, painted = np.empty_like(images), np.zeros(moved.shape[:2], bool)
    for i, numbers in enumerate(np.hstack([chances, amounts]).tolist()):
        draw = _Draw(*numbers)
        altered[i] = _alter(images[i], matrices[i], tables[i], draw, config)
        if draw.occludes < config.occlusion:
            left, top, width, height = _occlusion(draw, images.shape[1], config)
            pixels, end = np.rint(moved[i]), np.minimum((left + width, top + height), images.shape[1])
            painted[i] = ((pixels >= (left, top)) & (pixels < end)).all(-1)
    return altered, moved.astype(np.float32), painted


def _occlusion(draw: _Draw, side: int, s: AugmentConfig) -> tuple[int, int, int, int]:
    """Left, top, width and height of the painted rectangle, which may reach beyond the image."""
    pixel = side / REFERENCE_SIDE
    width, height = (
        int((_OCCLUSION_LEAST + share * (s.occlusion_size - _OCCLUSION_LEAST)) * pixel)
        for share in (draw.width, draw.height)
    )
    return int(draw.x * side), int(draw.y * side), width, height


def _random_matrices(
    count: int, side: int, rng: np.random.Generator, s: AugmentConfig
) -> tuple[np.ndarray, np.ndarray]:
    """(count, 2, 3) matrices, and (count,) bool: which of them mirror the image."""
    center = (side - 1) / 2

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
    shift = within(s.shift * (side / REFERENCE_SIDE), (count, 2))
    if s.unmoved:
        unmoved = rng.random(count) < s.unmoved
        linear[unmoved] = np.where(mirrored[unmoved, None, None], np.diag((-1.0, 1.0)), np.eye(2))
        shift[unmoved] = 0
    offset = center - linear @ (center, center) + shift
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


def _alter(image: np.ndarray, matrix: np.ndarray, table: np.ndarray, draw: _Draw, s: AugmentConfig) -> np.ndarray:
    """Move one (side, side[, 3]) image by its matrix, change its tones by the table, then occlude, blur, add noise."""
    import cv2

    side = len(image)
    pixel = side / REFERENCE_SIDE
    altered = cv2.LUT(move_image(matrix, image, side), table)
    if draw.occludes < s.occlusion:
        left, top, width, height = _occlusion(draw, side, s)
        altered[top : top + height, left : left + width] = int(draw.level * 255)
    if draw.blurs < s.blur:
        window = 2 * round(_BLUR_REACH * pixel) + 1
        deviation = (_BLUR_LEAST + _BLUR_MORE * draw.level) * pixel
        altered = cv2.GaussianBlur(altered, (window, window), deviation)
    if draw.adds_noise < s.noise:
        left, top = int(draw.x * 3 * side), int(draw.y * 3 * side)
        noise = _noise(side)[top : top + side, left : left + side] * np.float32(s.noise_level * draw.noise_level)
        if image.ndim == 3:
            noise = np.repeat(noise[..., None], image.shape[2], 2)
        altered = cv2.add(altered, noise, dtype=cv2.CV_8U)
    return altered
