"""Images of the same moment: exact copies, and near-duplicates by a perceptual hash that correlation confirms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgefkp.data.cache import stored
from edgefkp.data.faces import resampled
from edgefkp.errors import counted, warn
from edgefkp.files import sha256_arrays
from edgefkp.layout import InputSpec

_INPUT = InputSpec()  # images of another size or in color are compared as gray ones of the reference size
# Of the hash's bits that may differ. Wide on purpose: a crop moved by 2 px differs in a quarter of them, other
# persons in half; the correlation decides.
HASH_DISTANCE = 0.33
# Of the fine detail of two faces at their best shift. On LFW, pairs from 0.78 were the same photograph or burst,
# those of different persons ended at 0.77.
LIKENESS = 0.78
_SHIFT = 10  # pixels, the largest shift at which two images are compared
FLAT = 8  # gray levels between the darkest and the brightest pixel of an image that shows nothing
_GRID, _WAVES = 32, 16  # the hash: 16x16 lowest cosine waves of the 32x32 image
_CHUNK = 512
_VERSION = 1  # part of the cache's key: raise it when the pairs change
_MANY = 1000  # images: from here on, the pairs are worth a file in the cache


class Pairs(NamedTuple):
    first: np.ndarray  # (M,) rows
    second: np.ndarray  # (M,) rows, each larger than its first
    likeness: np.ndarray  # (M,) correlation, 1 for the same pixels


def near_duplicates(images: np.ndarray) -> Pairs:
    """All pairs among (N, side, side[, 3]) uint8 images that show the same moment, best first."""
    if len(images) < _MANY:
        return _near_duplicates(images)
    found = stored(sha256_arrays(images), f"near-duplicates-{_VERSION}", lambda: _near_duplicates(images)._asdict())
    return Pairs(**found)


def _near_duplicates(images: np.ndarray) -> Pairs:
    copies = _exact_copies(images)
    candidates = ~constant(images)
    candidates[copies.second] = False  # the first of its copies stands for all
    gray = resampled(images, _INPUT)
    first, second = _close_hashes(gray, np.flatnonzero(candidates))
    likeness = _likeness(gray, first, second)
    alike = likeness >= LIKENESS
    near = Pairs(first[alike], second[alike], likeness[alike])
    pairs = Pairs(*(np.concatenate(parts) for parts in zip(copies, near, strict=True)))
    order = np.lexsort((pairs.second, pairs.first, -pairs.likeness))
    return Pairs(*(part[order] for part in pairs))


def groups_of_duplicates(images: np.ndarray) -> np.ndarray:
    """(N,) str: one name for all faces that a chain of near-duplicates links; stands in for unknown persons."""
    pairs = near_duplicates(images)
    root = np.arange(len(images))

    def find(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        low, high = sorted((find(a), find(b)))
        root[high] = low
    return np.array([f"face-{find(row)}" for row in range(len(images))])


def constant(images: np.ndarray) -> np.ndarray:
    """(N, side, side[, 3]) -> (N,) bool: nothing is to be seen."""
    flat = images.max((1, 2)) - images.min((1, 2)) < FLAT
    return np.asarray(flat if images.ndim == 3 else flat.all(-1))


def perceptual_hash(images: np.ndarray) -> np.ndarray:
    """(N, side, side) gray of the reference size -> (N, 255) bool: signs of the lowest cosine waves but the mean."""
    cell = _INPUT.side // _GRID
    steps = np.pi * (np.arange(_GRID) + 0.5) / _GRID
    waves = np.cos(np.arange(_WAVES)[:, None] * steps).astype(np.float32)
    small = images.reshape(-1, _GRID, cell, _GRID, cell).mean((2, 4), dtype=np.float32)
    return (waves @ small @ waves.T).reshape(len(images), -1)[:, 1:] > 0


def _exact_copies(images: np.ndarray) -> Pairs:
    """Each copy with the first image of its pixels."""
    seen: dict[bytes, int] = {}
    pairs = []
    for row, image in enumerate(images):
        first = seen.setdefault(image.tobytes(), row)
        if first != row:
            pairs.append((first, row))
    first_rows, rows = np.array(pairs, np.int64).reshape(-1, 2).T
    return Pairs(first_rows, rows, np.ones(len(rows)))


def _close_hashes(images: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The product of signs counts equal minus different bits: all pairs in one matrix product.
    signs = np.where(perceptual_hash(images)[rows], 1, -1).astype(np.float32)
    least = signs.shape[1] * (1 - 2 * HASH_DISTANCE)
    first, second = [], []
    for start in range(0, len(signs), _CHUNK):
        a, b = np.nonzero(signs[start : start + _CHUNK] @ signs[start:].T >= least)
        first.append(a[b > a] + start)
        second.append(b[b > a] + start)
    if not first:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return rows[np.concatenate(first)], rows[np.concatenate(second)]


def _likeness(images: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(M,) correlation of fine detail, at the best shift: light and background count for little."""
    import cv2

    detail = {}
    for row in np.unique(np.concatenate([first, second])).tolist():
        soft = cv2.GaussianBlur(images[row].astype(np.float32), (0, 0), 1)
        detail[row] = soft - cv2.GaussianBlur(soft, (0, 0), 4)
    inner = slice(_SHIFT, _INPUT.side - _SHIFT)
    return np.array(
        [
            cv2.matchTemplate(detail[b], detail[a][inner, inner], cv2.TM_CCOEFF_NORMED).max()
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        ],
        np.float64,
    )


def persons_or_duplicates(name: str, images: np.ndarray, persons: np.ndarray | None) -> np.ndarray:
    """(N,) str: `persons` where they are known, else a name for each set of near-duplicate images."""
    if persons is not None:
        return persons
    groups = groups_of_duplicates(images)
    warn(
        f"{name} does not name the persons, so near-duplicates count as one person "
        f"({counted(len(np.unique(groups)), 'group')} of {counted(len(groups), 'face')}); "
        "scores may be too good where persons repeat"
    )
    return groups
