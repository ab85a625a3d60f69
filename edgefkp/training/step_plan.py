"""How a training step runs on this machine: precision, shards and kernels (autotune.py chooses among them).

A shard is a part of the batch that goes forward and back beside the others on its own cores. Two shards of one
core each beat one shard of two cores where the convolutions are small, and make every sum's order fixed. The gradients
of filters come from the library's kernel or from matrix products (kernels.py).
"""

import os
from dataclasses import dataclass, field

from edgefkp.networks.tensorflow import require_tensorflow

LIBRARY, MATMUL = "library", "products"  # as in files


def cores() -> int:
    """The cores that this process may use: $EDGEFKP_CORES where trainings share a machine, else all of them."""
    return int(os.environ.get("EDGEFKP_CORES") or os.cpu_count() or 1)


@dataclass(frozen=True)
class Plan:
    """How one training step is computed."""

    precision: str = "float32"  # or mixed_bfloat16
    shards: int = field(default=2, metadata={"json": "lanes"})
    filter_gradients: str = LIBRARY  # or MATMUL

    def apply(self) -> None:
        """Divide the cores among the shards. Has an effect only before TensorFlow's first operation."""
        require_tensorflow("training")
        import tensorflow as tf

        if not tf.config.threading.get_inter_op_parallelism_threads():
            try:
                tf.config.threading.set_inter_op_parallelism_threads(self.shards)
                tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // self.shards))
            except RuntimeError:
                pass  # TensorFlow has started already: training is slower, the sums are the same
