"""A z-buffer in numpy: which triangle each pixel sees, and where in it.

Triangles are sorted by the size of their bounds, and all of one size are tried at every pixel of such a square at once:
a head of 50,000 triangles takes about as long as its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIZES = (2, 4, 8, 16, 32, 64)  # pixels, sides of the squares


@dataclass(frozen=True, eq=False)
class Seen:
    """What the pixels of an image see; N of them see anything."""

    pixels: np.ndarray  # (N,) flat indices
    triangles: np.ndarray  # (N,)
    weights: np.ndarray  # (N, 3) float32 of the triangle's corners
    depth: np.ndarray  # (H, W) float32, larger is closer; -inf where nothing is

    def mix(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """(N, C): (V, C) values of vertices at the pixels, given the (T, 3) triangles."""
        corners = values[triangles[self.triangles]]
        mixed: np.ndarray = (corners * self.weights[..., None]).sum(1)
        return mixed


def rasterize(points: np.ndarray, triangles: np.ndarray, height: int, width: int) -> Seen:
    """points: (V, 3) x and y in pixels, pixel centers at whole numbers, and depth, larger is closer. Triangles that
    turn away (clockwise with y down) are not seen; those larger than the largest of SIZES are left out."""
    corners = points[triangles].astype(np.float32)  # (T, 3, 3)
    one, two, three = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    area = _cross(two - one, three - one)
    low = np.ceil(corners[..., :2].min(1)).astype(np.int32)
    high = np.floor(corners[..., :2].max(1)).astype(np.int32)
    extent = (high - low).max(1) + 1  # pixels; 0 where no pixel center is within
    alive = (area < -1e-6) & (extent > 0) & (high >= 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height)
    found: list[tuple[np.ndarray, ...]] = []
    least = 0
    for size in SIZES:
        which = np.flatnonzero(alive & (extent > least) & (extent <= size))
        least = size
        for chunk in np.array_split(which, max(1, len(which) * size * size // 400_000)):
            if len(chunk):
                found.append(_covered(corners, area, low, chunk, size, height, width))
    depth = np.full(height * width, -np.inf, np.float32)
    if not found:
        empty = np.zeros(0, np.int64)
        return Seen(empty, empty, np.zeros((0, 3), np.float32), depth.reshape(height, width))
    pixels, which, weights, near = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((-near, pixels))
    pixels = pixels[order]
    first = np.concatenate([[True], pixels[1:] != pixels[:-1]])
    kept = order[first]
    depth[pixels[first]] = near[kept]
    return Seen(pixels[first], which[kept], weights[kept], depth.reshape(height, width))


def _covered(
    corners: np.ndarray, area: np.ndarray, low: np.ndarray, chunk: np.ndarray, size: int, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(pixel, triangle, weights, depth) of every pixel center within the triangles of a chunk."""
    steps = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(1, -1, 2)
    at = low[chunk, None] + steps  # (n, size * size, 2)
    inside = ((at >= 0) & (at < (width, height))).all(-1)
    one, two, three = (corners[chunk, corner, None] for corner in range(3))
    places = at.astype(np.float32)
    whole = area[chunk, None]
    first = _cross(three[..., :2] - two[..., :2], places - two[..., :2]) / whole
    second = _cross(one[..., :2] - three[..., :2], places - three[..., :2]) / whole
    third = 1 - first - second
    inside &= (first >= 0) & (second >= 0) & (third >= 0)
    row, place = np.nonzero(inside)
    weights = np.stack([first[row, place], second[row, place], third[row, place]], 1)
    near = (weights * corners[chunk[row], :, 2]).sum(1)
    x, y = at[row, place].T
    return y.astype(np.int64) * width + x, chunk[row], weights, near


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    crossed: np.ndarray = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return crossed


def normals_of(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) float32 of length 1: the mean of the triangles around each vertex, weighted by their areas."""
    corners = points[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.stack([np.bincount(triangles.ravel(), faces[:, axis].repeat(3), len(points)) for axis in range(3)], 1)
    unit: np.ndarray = (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit
