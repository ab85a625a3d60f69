"""Is there still a face under these keypoints? A network answers with a plausible face on any picture.

Two checks: the shape of the points, and the picture itself: the patch that the points bring upright goes into a small
classifier, which bench.fit_finders trained on training persons against what networks see when a face is lost.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import replacing
from edgefkp.layout import MEAN_SHAPE, SIZE

WEIGHTS = Path(__file__).with_name("presence.npz")
PATCH = 24  # pixels, side of the patch
MARGIN = 4  # pixels of the upright crop left out on each side: hair and background
FACE_THRESHOLD = 0.5  # from this score on there is a face
# Points of a face, seen from whichever side, stay this close (root mean square, pixels of the upright crop) to the
# mean shape; those of the validation persons reach 5.5.
SHAPE_LIMIT = 8.0
SCALE_LIMITS = (0.5, 2.0)  # of the points' size, where 1 fills the crop as a training face does

_STEP = (SIZE - 2 * MARGIN) / PATCH
_TO_PATCH = np.array([[1 / _STEP, 0, (0.5 - MARGIN) / _STEP - 0.5], [0, 1 / _STEP, (0.5 - MARGIN) / _STEP - 0.5]])
_SHAPE = MEAN_SHAPE.astype(np.float64) @ (1, 1j)  # points as complex numbers: a similarity is one product and one sum
_SHAPE_MIDDLE = _SHAPE.mean()
_SHAPE_CENTRED = _SHAPE - _SHAPE_MIDDLE


def upright(keypoints: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The similarity that brings (15, 2) points closest to the mean shape.

    Returns the (2, 3) matrix, its scale, and the distance that is left (root mean square, pixels of the crop).
    """
    points = np.asarray(keypoints, np.float64) @ (1, 1j)
    middle = points.mean()
    centred = points - middle
    turn = np.vdot(centred, _SHAPE_CENTRED) / max(np.vdot(centred, centred).real, 1e-9)
    left = np.sqrt(np.mean(np.abs(turn * centred - _SHAPE_CENTRED) ** 2))
    shift = _SHAPE_MIDDLE - turn * middle
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return matrix, abs(turn), float(left)


def patch_of(crop: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(PATCH, PATCH) float32, mean 0 and length 1: the upright face without its brightness and contrast."""
    import cv2

    linear = _TO_PATCH[:, :2] @ matrix[:, :2]
    shift = _TO_PATCH[:, :2] @ matrix[:, 2] + _TO_PATCH[:, 2]
    # Smoothed by as much as the patch is coarser than the crop.
    smooth = cv2.blur(crop, (3, 3))
    patch = cv2.warpAffine(
        smooth,
        np.column_stack([linear, shift]),
        (PATCH, PATCH),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    patch -= patch.mean()
    return patch / max(float(np.linalg.norm(patch)), 1e-3)


@dataclass(frozen=True, eq=False)
class Presence:
    """A classifier of one hidden layer. hidden: (units, PATCH * PATCH). hidden_bias, out: (units,)."""

    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    bias: float

    def __call__(self, crop: np.ndarray, keypoints: np.ndarray) -> float:
        """How sure it is that (15, 2) `keypoints` lie on a face of the (96, 96) `crop`: 0 to 1."""
        if not np.isfinite(keypoints).all():
            return 0.0
        matrix, scale, left = upright(keypoints)
        if left > SHAPE_LIMIT or not SCALE_LIMITS[0] < scale < SCALE_LIMITS[1]:
            return 0.0
        units = np.maximum(self.hidden @ patch_of(crop, matrix).ravel() + self.hidden_bias, 0)
        evidence = float(self.out @ units) + self.bias
        return float(1 / (1 + np.exp(-np.clip(evidence, -50, 50))))

    def save(self, path: Path) -> None:
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary,
                hidden=self.hidden.astype(np.float16),
                hidden_bias=self.hidden_bias.astype(np.float32),
                out=self.out.astype(np.float32),
                bias=np.float32(self.bias),
            )


@functools.cache
def fitted() -> Presence:
    """The check that comes with edgefkp."""
    try:
        with np.load(WEIGHTS) as arrays:
            hidden, hidden_bias, out = (arrays[name].astype(np.float32) for name in ("hidden", "hidden_bias", "out"))
            return Presence(hidden, hidden_bias, out, float(arrays["bias"]))
    except OSError as error:
        raise EdgefkpError(f"{WEIGHTS.name} is missing from this edgefkp", "install edgefkp again") from error
