"""Losses on normalized points that skip what is missing (NaN in the target)."""

import math
from typing import Any

WING_WIDTH = 0.2  # half an image's side = 1; beyond it the wing loss is linear


def masked_sum(name: str, beta: float, outputs: Any, targets: Any, weights: Any) -> Any:
    """Sum over the labeled coordinates of a batch, each times the weight of its face.

    outputs, targets: (B, 2 K), weights: (B,) float32 tensors.

    "smooth_l1": quadratic below `beta`, linear above. "mse": the paper's (equation 2).
    "wing": logarithmic below WING_WIDTH (Feng et al., CVPR 2018), `beta` is its curvature.
    """
    import tensorflow as tf

    labeled = tf.math.is_finite(targets)
    error = tf.where(labeled, outputs - tf.where(labeled, targets, 0.0), 0.0)
    size = tf.abs(error)
    if name == "mse":
        each = error**2
    elif name == "smooth_l1":
        each = tf.where(size < beta, 0.5 * error**2 / beta, size - 0.5 * beta)
    else:
        offset = WING_WIDTH - WING_WIDTH * math.log1p(WING_WIDTH / beta)
        each = tf.where(size < WING_WIDTH, WING_WIDTH * tf.math.log1p(size / beta), size - offset)
    return tf.reduce_sum(each * weights[:, tf.newaxis])


def labeled_weight(targets: Any, weights: Any) -> Any:
    """The summed weights of the batch's labeled coordinates: what masked_sum is divided by."""
    import tensorflow as tf

    labeled = tf.cast(tf.math.is_finite(targets), tf.float32)
    return tf.maximum(tf.reduce_sum(labeled * weights[:, tf.newaxis]), 1e-6)
