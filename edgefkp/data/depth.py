"""Images of 9 to 32 bits, whole numbers or not, as the 8 bits that everything else works with."""

from __future__ import annotations

import numpy as np

_LEVELS = 1 << 16
_RARE = 1e-4  # share of the pixels that may lie outside: dead and hot ones of a sensor


def to_8_bits(image: np.ndarray) -> np.ndarray | None:
    """The same image as uint8; None where all 16 bits are used, of which the upper 8 are the image.

    A sensor uses 10, 12 or 14 of 16 bits: the range is what its values need, or, far from zero, as of a thermal
    camera, from the smallest to the largest. Fractions are 0..1, else handled as whole numbers are.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype != np.uint16:
        image = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
        low, high = _ends(image)
        if low >= 0 and high <= 1:
            return _stretched(image, 0, 1)
        if low < 0 or high >= _LEVELS:
            return _stretched(image, low, high)
    low, high = _ends(image)
    if low > high / 2 and high > 255:
        return _stretched(image, low, high)
    bits = max(8, int(high).bit_length())
    if bits == 16 and image.dtype == np.uint16:
        return None
    return _stretched(image, 0, 255 * 2 ** (bits - 8))


def _ends(image: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, without the rare ones."""
    values = image.reshape(-1)
    rare = min(3 + int(_RARE * values.size), values.size // 4)
    if not values.size:
        return 0.0, 0.0
    ordered = np.partition(values, (rare, values.size - 1 - rare))
    return float(ordered[rare]), float(ordered[values.size - 1 - rare])


def _stretched(image: np.ndarray, low: float, high: float) -> np.ndarray:
    scaled = (image.astype(np.float32) - low) * (255 / max(high - low, 1e-9))
    return np.asarray(np.clip(scaled, 0, 255)).round().astype(np.uint8)
