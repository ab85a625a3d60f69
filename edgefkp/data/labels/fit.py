"""How a face's points lie: upright, mirrored, turned by a quarter, or like no face; by the mean shape alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgefkp.layout import REFERENCE_SIDE, PointLayout

# Of 20,000 labeled faces (LFW, YouTube Faces, portraits; 15 and 68 points) none had less than 0.81 upright, and none
# had more mirrored than upright.
_CLEAR = 0.8  # correlation with the mean shape
_AHEAD = 0.1  # of the next best way to lay it
_ON_A_LINE = 0.97  # two points, or points on one line, fit both ways
_LIKE_A_FACE = 0.75
_ENOUGH = 5  # points that make a face; fewer fit too easily
UNCLEAR = 0
# The ways in which the mean shape can be laid, numbered as EXIF has them. By quarter turns clockwise:
_PROPER = (1, 6, 3, 8)
_MIRRORED = (4, 5, 2, 7)  # after y was turned over


@dataclass(frozen=True, eq=False)
class Fit:
    """Each face's points against the mean shape, shifted, scaled, turned and perhaps mirrored (least squares)."""

    points: np.ndarray  # (N, K, 2) pixels, NaN = missing
    layout: PointLayout

    @cached_property
    def _present(self) -> np.ndarray:
        return ~np.isnan(self.points).any(-1)

    @cached_property
    def counts(self) -> np.ndarray:
        """(N,) points that a face has."""
        return self._present.sum(1)

    @cached_property
    def _centered(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, K) complex of the points and of the mean shape's same points, each around its middle; 0 = missing."""
        shape = self.layout.mean_points().astype(float) @ (1, 1j)
        parts = []
        for places in (self.points.astype(float) @ (1, 1j), np.broadcast_to(shape, self._present.shape)):
            placed = np.where(self._present, places, 0)
            middle = placed.sum(1) / np.maximum(self.counts, 1)
            parts.append(np.where(self._present, placed - middle[:, None], 0))
        return parts[0], parts[1]

    @cached_property
    def _turns(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) complex correlations, as they are and mirrored: the size is how well it fits, the angle the turn."""
        points, shape = self._centered
        scale = np.sqrt((np.abs(points) ** 2).sum(1) * (np.abs(shape) ** 2).sum(1))
        scale[scale == 0] = np.inf
        return (points * shape.conj()).sum(1) / scale, (points * shape).sum(1) / scale

    @cached_property
    def ways(self) -> np.ndarray:
        """(N,) int 1..8: how the face lies, as the EXIF orientation that would lay an upright one so; UNCLEAR = 0."""
        proper, mirrored = self._turns
        quarter = [np.round(np.angle(turn) / (np.pi / 2)).astype(int) % 4 for turn in (proper, mirrored)]
        as_it_is, other = np.array(_PROPER)[quarter[0]], np.array(_MIRRORED)[quarter[1]]
        # Where both fit alike, as with two points, a face is upright rather than mirrored rather than turned.
        upright = np.abs(proper) + 0.02 * (as_it_is == 1) >= np.abs(mirrored) + 0.01 * (other == 2)
        ways = np.where(upright, as_it_is, other)
        best, next_best = np.maximum(*np.abs(self._turns)), np.minimum(*np.abs(self._turns))
        clear = (ways == 1) | (best - next_best >= _AHEAD) | ((ways == 2) & (next_best >= _ON_A_LINE))
        return np.where(clear & (best >= _CLEAR) & (self.counts >= 2), ways, UNCLEAR)

    @cached_property
    def like_no_face(self) -> np.ndarray:
        """(N,) bool: enough points, and laid in no way they are near the mean shape."""
        return (np.maximum(*np.abs(self._turns)) < _LIKE_A_FACE) & (self.counts >= _ENOUGH)

    @cached_property
    def extents(self) -> np.ndarray:
        """(N,) pixels, the longer side of the box around the points; NaN with fewer than two."""
        few = self.counts < 2
        return np.where(few, np.nan, np.ptp(self._filled(), axis=1).max(-1))

    @cached_property
    def middles(self) -> np.ndarray:
        """(N, 2) pixels, the points' mean; NaN without points."""
        counts = np.where(self.counts, self.counts, np.nan)
        return np.where(self._present[..., None], self.points, 0).sum(1) / counts[:, None]

    def _filled(self) -> np.ndarray:
        """(N, K, 2): points that are missing at the middle of the others."""
        filled: np.ndarray = np.where(self._present[..., None], self.points, self.middles[:, None])
        return filled

    def beyond(self, sizes: np.ndarray) -> np.ndarray:
        """(N,) pixels that the outermost point is outside of its image of (N, 2) width and height; <= 0 inside."""
        filled = self._filled()
        beyond: np.ndarray = np.maximum(-0.5 - filled, filled - (sizes[:, None] - 0.5)).max((1, 2))
        return beyond

    def proportion(self) -> float:
        """How wide the upright faces are for their height, the mean shape's being 1: the median; NaN without any."""
        points, shape = self._centered
        with np.errstate(all="ignore"):
            wide = (points.real * shape.real).sum(1) / (shape.real**2).sum(1)
            high = (points.imag * shape.imag).sum(1) / (shape.imag**2).sum(1)
            ratio = (wide / high)[(self.counts >= _ENOUGH) & (wide > 0) & (high > 0)]
        return float(np.median(ratio)) if len(ratio) else float("nan")

    @cached_property
    def _places(self) -> np.ndarray:
        """(N,) complex, in pixels of REFERENCE_SIDE: the middle of the mean shape's points that a face has."""
        places = np.where(self._present[..., None], self.layout.mean_points().astype(float), 0)
        middles: np.ndarray = places.sum(1) @ (1, 1j) / np.maximum(self.counts, 1)
        return middles

    @cached_property
    def _onto(self) -> np.ndarray:
        """(N,) complex: the scale and turn that lay each face onto the mean shape of REFERENCE_SIDE."""
        points, shape = self._centered
        turns: np.ndarray = (points.conj() * shape).sum(1) / np.maximum((np.abs(points) ** 2).sum(1), 1e-9)
        return turns

    def laid(self) -> np.ndarray:
        """(N, K, 2) pixels of REFERENCE_SIDE: each face shifted, scaled and turned onto the mean shape (least squares).

        NaN where a point is missing or all of a face's points are one place.
        """
        laid = self._onto[:, None] * self._centered[0] + self._places[:, None]
        known = self._present & (self.extents > 0)[:, None]
        return np.where(known[..., None], np.stack([laid.real, laid.imag], -1), np.nan)

    def onto_mean_shape(self, side: int) -> np.ndarray:
        """(N, 2, 3) matrices that lay each face onto the mean shape of an image of that side; two points or more."""
        scale = side / REFERENCE_SIDE
        turn = self._onto * scale
        # Pixel centers are at whole numbers: half a pixel stays half a pixel.
        middle = (self._places + (0.5 + 0.5j)) * scale - (0.5 + 0.5j)
        offset = middle - turn * (np.nan_to_num(self.middles) @ (1, 1j))
        rows = np.stack([turn.real, -turn.imag, offset.real, turn.imag, turn.real, offset.imag], -1)
        return rows.reshape(-1, 2, 3)

    def boxes(self) -> np.ndarray:
        """(N, 3) x, y and side in pixels, as `geometry.box_of_keypoints` has them; two points or more."""
        points, shape = self._centered
        scale = (points * shape.conj()).real.sum(1) / np.maximum((np.abs(shape) ** 2).sum(1), 1e-9)
        middle = (REFERENCE_SIDE - 1) / 2
        centers = self.middles @ (1, 1j) + scale * (middle * (1 + 1j) - self._places)
        return np.stack([centers.real, centers.imag, np.abs(scale) * REFERENCE_SIDE], -1)
