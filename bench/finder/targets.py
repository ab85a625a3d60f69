"""From the faces of a scene to what each cell of the network is to learn, and the loss on it."""

import functools
from typing import Any

import numpy as np

from bench.finder.scenes import Scene, squares_of
from edgefkp.networks.finder import CELLS, FIVE, REACH, grid

# A face belongs to the grid whose cell times these factors holds its side; the ranges overlap a little.
SIDES = {8: (0.0, 46.0), 16: (36.0, 100.0), 32: (80.0, np.inf)}  # pixels
NEAR, AROUND = 0.2, 0.42  # shares of the side: cells this near to the middle learn the face; those around it nothing
BOX_WEIGHT, POINTS_WEIGHT = 1.0, 0.3
GAMMA = 2.0  # of the focal loss
BETA = 0.05  # of the smooth L1 loss of points, in sides of the face


def targets_of(scene: Scene) -> np.ndarray:
    """(N, 2 + 3 + 10) float32 of all cells: is there a face, the weight of that, box and points in the cell's unit."""
    cells, side_of_cell, low, high = _cells(*scene.image.shape)
    result = np.zeros((len(cells), 2 + 3 + 2 * FIVE.count), np.float32)
    result[:, 1] = 1
    own = np.full(len(cells), np.inf)  # the distance to the face that the cell has, in its sides
    squares = squares_of(scene.points)
    for (x, y, side), points, sure in zip(squares.tolist(), scene.points, scene.sure.tolist(), strict=True):
        dx, dy = cells[:, 0] - x, cells[:, 1] - y
        far = np.hypot(dx, dy)
        around = far < np.maximum(AROUND * side, 0.75 * side_of_cell)
        if not sure:
            result[far < np.maximum(0.7 * side, 0.75 * side_of_cell), 1] = 0
            continue
        fits = (side >= low) & (side < high)
        inside = np.maximum(abs(dx), abs(dy)) <= 0.5 * side_of_cell
        near = fits & ((far < NEAR * side) | inside)
        # Of the sizes next to it, cells in the middle may see the face as well.
        close = (side >= 0.6 * low) & (side < 1.6 * high)
        result[around & close & (result[:, 0] == 0), 1] = 0
        better = near & (far / side < own)
        if not better.any():  # its middle lies outside, or other faces are nearer everywhere
            continue
        own[better] = far[better] / side
        unit = cells[better, 2]
        result[better, 0] = result[better, 1] = 1
        result[better, 2] = -dx[better] / unit
        result[better, 3] = -dy[better] / unit
        result[better, 4] = np.log(side / unit)
        result[better, 5:] = ((points[None] - cells[better, None, :2]) / unit[:, None, None]).reshape(len(unit), -1)
    return result


@functools.cache
def _cells(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The grid of that size; the side of each cell, and the smallest and largest side of its faces."""
    cells = grid(height, width)
    sides = cells[:, 2] / REACH
    low, high = (np.select([sides == cell for cell in CELLS], [SIDES[cell][end] for cell in CELLS]) for end in (0, 1))
    return cells, sides, low, high


def loss_of(outputs: dict[str, Any], targets: Any) -> tuple[Any, Any, Any]:
    """The losses of scores, boxes and points of a batch, each over the number of cells with a face.

    outputs: of the network. targets: (B, N, 15) as `targets_of` makes them.
    """
    import tensorflow as tf

    label, weight, boxes, points = tf.split(targets, [1, 1, 3, 2 * FIVE.count], axis=-1)
    count = tf.maximum(tf.reduce_sum(label), 1.0)
    overlap = _overlap(outputs["boxes"], boxes)
    score = tf.clip_by_value(outputs["scores"], 1e-5, 1 - 1e-5)
    # As much as the box lies on the face, the score is to be 1 (generalized focal loss); elsewhere 0.
    quality = label * (0.4 + 0.6 * tf.stop_gradient(overlap))
    entropy = -quality * tf.math.log(score) - (1 - quality) * tf.math.log(1 - score)
    focus = tf.abs(quality - tf.stop_gradient(score)) ** GAMMA
    of_scores = tf.reduce_sum(weight * focus * entropy) / count
    shift = tf.abs(outputs["boxes"] - boxes) / tf.exp(tf.clip_by_value(boxes[..., 2:], -4.0, 4.0))
    of_boxes = tf.reduce_sum(label * (1 - overlap + 0.1 * tf.reduce_sum(shift, -1, keepdims=True))) / count
    error = tf.abs(outputs["points"] - points) / tf.exp(boxes[..., 2:])
    smooth = tf.where(error < BETA, 0.5 * error**2 / BETA, error - 0.5 * BETA)
    of_points = tf.reduce_sum(label * smooth) / count
    return of_scores, BOX_WEIGHT * of_boxes, POINTS_WEIGHT * of_points


def _overlap(one: Any, other: Any) -> Any:
    """(B, N, 1) intersection over union of squares (x, y, logarithm of the side)."""
    import tensorflow as tf

    a, b = (tf.exp(tf.clip_by_value(boxes[..., 2:], -4.0, 4.0)) for boxes in (one, other))
    apart = tf.abs(one[..., :2] - other[..., :2])
    shared = tf.minimum(tf.minimum(a, b), tf.nn.relu((a + b) / 2 - apart))
    area = shared[..., :1] * shared[..., 1:]
    return area / (a**2 + b**2 - area)
