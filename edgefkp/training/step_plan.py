"""How a training step runs on this machine: precision, lanes and kernels, chosen by a short trial and remembered.

A lane is a part of the batch that goes forward and back beside the others on its own cores. Two lanes of one
core each beat one lane of two cores where the convolutions are small, and make every sum's order fixed. The gradients
of filters come from the library's kernel or from matrix products (convolution.py).
"""

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgefkp.bench.machine import describe
from edgefkp.files import cache_dir, read_json, write_json
from edgefkp.networks.tensorflow import require_tensorflow

LIBRARY, PRODUCTS = "library", "products"

TRIAL_SECONDS = 4.0
TRIAL_TIMEOUT = 300  # seconds; to trace the two lanes of NASNetMobile takes two minutes of a slow core
STEP = "3"  # raise it when a training step changes its speed, so that plans are tried again
# Multiply-accumulates of the forward passes of a whole training, about five minutes on two cores: below, the trials
# (10 s each) cost more than they gain.
WORTH_TRIALS = 1e13


def cores() -> int:
    """The cores that this process may use: $EDGEFKP_CORES where trainings share a machine, else all of them."""
    return int(os.environ.get("EDGEFKP_CORES") or os.cpu_count() or 1)


@dataclass(frozen=True)
class Plan:
    precision: str = "float32"
    lanes: int = 2
    filter_gradients: str = LIBRARY

    def apply(self) -> None:
        """Divide the cores among the lanes. Has an effect only before TensorFlow's first operation."""
        require_tensorflow("training")
        import tensorflow as tf

        if not tf.config.threading.get_inter_op_parallelism_threads():
            try:
                tf.config.threading.set_inter_op_parallelism_threads(self.lanes)
                tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // self.lanes))
            except RuntimeError:
                pass  # TensorFlow runs already: slower, the same sums


CANDIDATES = (
    Plan("float32", 2),
    Plan("float32", 1),
    Plan("float32", 2, PRODUCTS),
    Plan("mixed_bfloat16", 1),
    Plan("mixed_bfloat16", 1, PRODUCTS),
)


def choose_plan(
    network: str, options: dict[str, Any], batch: int, precision: str = "auto", work: float = math.inf
) -> Plan:
    """The fastest plan for this network here; each candidate is timed in a fresh process, once a machine.

    precision: other than "auto" leaves only the candidates of that precision.
    work: multiply-accumulates for all images; a short training takes the first candidate, untried.
    """
    machine = describe()
    candidates = [plan for plan in CANDIDATES if precision in ("auto", plan.precision)]
    if precision == "auto" and not _has_bfloat16(machine):
        candidates = [plan for plan in candidates if plan.precision == "float32"]
    if work < WORTH_TRIALS:
        return candidates[0]
    record = cache_dir() / "plans.json"
    about = [machine.get("processor"), machine.get("features"), cores(), version("tensorflow"), STEP]
    speeds: dict[Plan, float] = {}
    for plan in candidates:
        key = json.dumps([network, options, batch, asdict(plan), about], sort_keys=True)
        if key not in (known := _known(record)):
            if not (speed := _trial(network, options, batch, plan)):
                continue  # perhaps for want of time beside other work: the next training tries it again
            known = {**_known(record), key: speed}  # read again: a study's other cells have their trials meanwhile
            write_json(record, known)
        speeds[plan] = known[key]
    return max(speeds, key=lambda plan: speeds[plan], default=candidates[0])


def _known(record: Path) -> dict[str, float]:
    return read_json(record) if record.exists() else {}


def _has_bfloat16(machine: dict[str, Any]) -> bool:
    """Whether TensorFlow has fast kernels for it: oneDNN's for AVX512, or Arm's. Elsewhere even a trial times out."""
    return not {"avx512f", "bf16"}.isdisjoint(machine.get("features", []))


def _trial(network: str, options: dict[str, Any], batch: int, plan: Plan) -> float:
    """Images a second; 0 where the trial fails."""
    job = json.dumps({"network": network, "options": options, "batch": batch, **asdict(plan)})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edgefkp.training.step_plan", job],
            capture_output=True,
            text=True,
            timeout=TRIAL_TIMEOUT,
        )
        return float(done.stdout.split()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return 0.0


def run_trial(network: str, options: dict[str, Any], batch: int, **plan: Any) -> float:
    """Train on random pictures for a few seconds: images a second."""
    import time

    import numpy as np

    from edgefkp.networks.registry import NETWORKS, build
    from edgefkp.training.learner import Learner
    from edgefkp.training.recipe import Recipe

    chosen = Plan(**plan)
    chosen.apply()
    learner = Learner(lambda: build(NETWORKS[network], **options), Recipe(batch=batch), 1000, chosen)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (batch, 96, 96), np.uint8)
    targets = rng.uniform(-0.5, 0.5, (batch, 30)).astype(np.float32)
    weights = np.ones(batch, np.float32)
    for _ in range(2):
        learner.step(images, targets, weights)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < TRIAL_SECONDS or steps < 3:
        learner.step(images, targets, weights)
        steps += 1
    return steps * batch / (time.perf_counter() - start)


if __name__ == "__main__":
    print(run_trial(**json.loads(sys.argv[1])))
