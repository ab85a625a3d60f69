"""Losses on normalised points that skip what is missing (NaN in the target)."""

import math
from typing import Any

WING_WIDTH = 0.2  # half a picture's side = 1; beyond it the wing loss is linear


def masked_sum(name: str, corner: float, targets: Any, outputs: Any) -> Any:
    """Sum over the labelled coordinates of a batch; targets, outputs: (B, 30) float32 tensors.

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
    return tf.reduce_sum(each)


def labelled_count(targets: Any) -> Any:
    """How many coordinates of the batch are there, at least 1, float32."""
    import tensorflow as tf

    return tf.maximum(tf.reduce_sum(tf.cast(tf.math.is_finite(targets), tf.float32)), 1.0)
