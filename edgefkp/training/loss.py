"""Losses on normalised points that skip what is missing (NaN in the target)."""

import math
from typing import Any

WING_WIDTH = 0.2  # half a picture's side = 1; beyond it the wing loss is linear


def masked_sum(name: str, corner: float, outputs: Any, targets: Any, weights: Any) -> Any:
    """Sum over the labelled coordinates of a batch, each times the weight of its face.

    outputs, targets: (B, 30), weights: (B,) float32 tensors.

    "smooth_l1": quadratic below `corner`, linear above. "mse": the paper's (equation 2).
    "wing": logarithmic below WING_WIDTH (Feng et al., CVPR 2018), `corner` is its curvature.
    """
    import tensorflow as tf

    there = tf.math.is_finite(targets)
    error = tf.where(there, outputs - tf.where(there, targets, 0.0), 0.0)
    size = tf.abs(error)
    if name == "mse":
        each = error**2
    elif name == "smooth_l1":
        each = tf.where(size < corner, 0.5 * error**2 / corner, size - 0.5 * corner)
    else:
        offset = WING_WIDTH - WING_WIDTH * math.log1p(WING_WIDTH / corner)
        each = tf.where(size < WING_WIDTH, WING_WIDTH * tf.math.log1p(size / corner), size - offset)
    return tf.reduce_sum(each * weights[:, tf.newaxis])


def labelled_weight(targets: Any, weights: Any) -> Any:
    """The weights of all coordinates of the batch that are there, summed: what masked_sum is divided by."""
    import tensorflow as tf

    there = tf.cast(tf.math.is_finite(targets), tf.float32)
    return tf.maximum(tf.reduce_sum(there * weights[:, tf.newaxis]), 1e-6)
