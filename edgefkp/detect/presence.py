"""Is there a face under these keypoints? A network predicts a plausible face on any image.

Two checks: the shape of the points, and the image itself: the points bring a small patch of it upright, and a small
classifier judges the patch. bench.fit_presence trained the classifier on training persons, in every light, against what
networks see when a face is lost. The score is how likely the points are good: within a tenth of the eyes' distance.
"""

from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.arrays import write_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, reframed
from edgefkp.layout import KAGGLE15, REFERENCE_SIDE, PointLayout
from edgefkp.layouts.maps import Conversion, common_part

WEIGHTS = Path(__file__).with_name("presence.npz")
FREE_WEIGHTS = WEIGHTS.with_name("presence-free.npz")  # of the free set (free.py)
FACE_THRESHOLD = 0.35  # from this score on there is a face; what passes below are mostly faces whose points are off
PATCH = 24  # pixels, side of the patch
# Lengths in pixels of an upright crop of REFERENCE_SIDE:
MARGIN = 4  # left out on each side: hair and background
BLUR = 3  # before the patch is sampled, by about as much as it is coarser than the crop
# Points of a face, seen from whichever side, stay this close (root mean square) to the mean shape; those of the
# validation persons reach 5.5.
SHAPE_LIMIT = 8.0
SCALE_LIMITS = (0.5, 2.0)  # of the points' size; at 1 the face fills the crop as a training face does


@functools.lru_cache(maxsize=16)
def _mean_shape(layout: PointLayout, side: int) -> tuple[complex, np.ndarray]:
    """Middle and centered points of the mean shape as complex numbers: a similarity is one product and one sum."""
    shape = layout.mean_points(side).astype(np.float64) @ (1, 1j)
    return shape.mean(), shape - shape.mean()


@functools.lru_cache(maxsize=16)
def judged(layout: PointLayout) -> tuple[PointLayout, Conversion, float]:
    """The layout whose points are judged, the way to them, and the side of its crop as a share of `layout`'s.

    The classifier was fitted on upright crops of KAGGLE15: as many of its points as follow from those of the layout
    bring a face there. A layout of entirely other points has to sit in its crops as a face does in those.
    """
    part, convert = common_part(layout, KAGGLE15) or (layout, Conversion(()))
    return part, convert, reframed(Box(0, 0, 1), layout, KAGGLE15).side


def upright(keypoints: np.ndarray, layout: PointLayout, side: int) -> tuple[np.ndarray, float, float]:
    """The similarity that brings (K, 2) points of a crop of that side closest to the layout's mean shape.

    Returns the (2, 3) matrix, its scale, and the distance that is left (root mean square, pixels of the crop).
    """
    shape_middle, shape = _mean_shape(layout, side)
    points = np.asarray(keypoints, np.float64) @ (1, 1j)
    middle = points.mean()
    centered = points - middle
    turn = np.vdot(centered, shape) / max(np.vdot(centered, centered).real, 1e-9)
    left = np.sqrt(np.mean(np.abs(turn * centered - shape) ** 2))
    shift = shape_middle - turn * middle
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return matrix, abs(turn), float(left)


def patch_of(crop: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(PATCH, PATCH) float32, mean 0 and length 1: the upright face without its brightness and contrast.

    crop: (side, side) gray or (side, side, 3) rgb uint8. matrix: see `upright`.
    """
    import cv2

    side = len(crop)
    zoom = side / REFERENCE_SIDE
    step, margin = (side - 2 * MARGIN * zoom) / PATCH, MARGIN * zoom
    to_patch = np.array([[1 / step, 0, (0.5 - margin) / step - 0.5], [0, 1 / step, (0.5 - margin) / step - 0.5]])
    linear = to_patch[:, :2] @ matrix[:, :2]
    shift = to_patch[:, :2] @ matrix[:, 2] + to_patch[:, 2]
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 else crop
    width = 2 * int(BLUR * zoom / 2) + 1  # odd: an even one shifts the image by half a pixel
    patch = cv2.warpAffine(
        cv2.blur(gray, (width, width)),
        np.column_stack([linear, shift]),
        (PATCH, PATCH),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    patch -= patch.mean()
    return patch / max(float(np.linalg.norm(patch)), 1e-3)


@dataclass(frozen=True, eq=False)
class Presence:
    """A classifier of patches with one hidden layer."""

    hidden: np.ndarray  # (units, PATCH * PATCH) weights
    hidden_bias: np.ndarray  # (units,)
    out: np.ndarray  # (units,) weights
    bias: float
    terms: str = ""  # of what it was fitted on, as free.py reads them; "" where they are not stated

    def __call__(self, crop: np.ndarray, keypoints: np.ndarray, layout: PointLayout) -> float:
        """How likely (K, 2) `keypoints`, pixels of the crop, lie on a face of it: 0 to 1.

        crop: (side, side) gray or (side, side, 3) rgb uint8.
        """
        if not np.isfinite(keypoints).all():
            return 0.0
        side = len(crop)
        part, convert, size = judged(layout)
        matrix, scale, left = upright(convert(keypoints), part, side)
        if left * (REFERENCE_SIDE / side) > SHAPE_LIMIT or not SCALE_LIMITS[0] < scale * size < SCALE_LIMITS[1]:
            return 0.0
        units = np.maximum(self.hidden @ patch_of(crop, matrix).ravel() + self.hidden_bias, 0)
        evidence = float(self.out @ units) + self.bias
        return float(1 / (1 + np.exp(-np.clip(evidence, -50, 50))))

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {
            "hidden": self.hidden.astype(np.float16),
            "hidden_bias": self.hidden_bias.astype(np.float32),
            "out": self.out.astype(np.float32),
            "bias": np.float32(self.bias),
        }
        if self.terms:
            arrays["terms"] = np.array(self.terms)
        write_arrays(path, arrays, compressed=True)


@functools.cache
def fitted() -> Presence:
    """The check that comes with edgefkp."""
    return read_presence(WEIGHTS)


def read_presence(path: Path) -> Presence:
    """Raises EdgefkpError for a file that is missing or damaged."""
    try:
        with np.load(path) as arrays:
            hidden, hidden_bias, out = (arrays[name].astype(np.float32) for name in ("hidden", "hidden_bias", "out"))
            terms = str(arrays["terms"]) if "terms" in arrays else ""
            return Presence(hidden, hidden_bias, out, float(arrays["bias"]), terms)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise EdgefkpError(f"{path.name} is missing from this edgefkp, or damaged", "install edgefkp again") from error
