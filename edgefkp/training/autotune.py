"""The fastest plan for a network on this machine, chosen by short trials in fresh processes and remembered."""

import json
import math
import platform
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, plain, read_json, write_json
from edgefkp.layout import ModelSpec
from edgefkp.networks.registry import NETWORKS, build
from edgefkp.records import read_record
from edgefkp.runtime import isolate
from edgefkp.training.learner import Learner
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import MATMUL, Plan, cores

TRIAL_SECONDS = 4.0
TRIAL_TIMEOUT = 300  # seconds; to trace the two shards of NASNetMobile takes two minutes of a slow core
STEP = "4"  # raise it when a training step changes its speed, so that plans are tried again
# Multiply-accumulates of the forward passes of a whole training, about five minutes on two cores: below, the trials
# (10 s each) cost more than they gain.
WORTH_TRIALS = 1e13

CANDIDATES = (
    Plan("float32", 2),
    Plan("float32", 1),
    Plan("float32", 2, MATMUL),
    Plan("mixed_bfloat16", 1),
    Plan("mixed_bfloat16", 1, MATMUL),
)


def choose_plan(
    network: str, options: dict[str, Any], batch: int, spec: ModelSpec, precision: str = "auto", work: float = math.inf
) -> Plan:
    """The fastest plan for this network here; each candidate is timed in a fresh process, once a machine.

    precision: other than "auto" leaves only the candidates of that precision.
    work: multiply-accumulates for all images; a short training takes the first candidate, untried.
    """
    processor = _processor()
    candidates = [plan for plan in CANDIDATES if precision in ("auto", plan.precision)]
    if precision == "auto" and not _has_bfloat16(processor):
        candidates = [plan for plan in candidates if plan.precision == "float32"]
    if work < WORTH_TRIALS:
        return candidates[0]
    record = cache_dir() / "plans.json"
    about = [processor, cores(), version("tensorflow"), STEP]
    speeds: dict[Plan, float] = {}
    for plan in candidates:
        key = json.dumps([network, options, batch, str(spec), plain(plan), about], sort_keys=True)
        if key not in (known := _known(record)):
            if not (speed := _trial(network, options, batch, spec, plan)):
                continue  # perhaps for want of time beside other work: the next training tries it again
            known = {**_known(record), key: speed}  # read again: a study's other cells have their trials meanwhile
            write_json(record, known)
        speeds[plan] = known[key]
    return max(speeds, key=lambda plan: speeds[plan], default=candidates[0])


def _known(record: Path) -> dict[str, float]:
    """The speeds of earlier trials; none where the record is missing or damaged: they are then tried again."""
    try:
        return read_record(dict[str, float], read_json(record), str(record))
    except EdgefkpError:
        return {}


@cache
def _processor() -> tuple[str, ...]:
    """Words: the first core's name and features by /proc/cpuinfo, elsewhere what Python knows of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return tuple(platform.processor().split())
    known = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.split() for name, value in known.items()}
    names = ("model name", "CPU implementer", "CPU part", "flags", "Features")
    return tuple(word for name in names for word in fields.get(name, ()))


def _has_bfloat16(processor: tuple[str, ...]) -> bool:
    """Whether TensorFlow has fast kernels for it: oneDNN's for AVX512, or Arm's. Elsewhere even a trial times out."""
    return not {"avx512f", "bf16"}.isdisjoint(processor)


def _trial(network: str, options: dict[str, Any], batch: int, spec: ModelSpec, plan: Plan) -> float:
    """Images a second; 0 where the trial fails."""
    try:
        return float(isolate.call(run_in_child, network, options, batch, spec, plan, seconds=TRIAL_TIMEOUT))
    except EdgefkpError:
        return 0.0


def run_in_child(network: str, options: dict[str, Any], batch: int, spec: Any, plan: Any) -> float:
    """In the child: `run_trial` with records from JSON."""
    return run_trial(
        network, options, batch, read_record(ModelSpec, spec, "the trial's spec"), read_record(Plan, plan, "its plan")
    )


def run_trial(network: str, options: dict[str, Any], batch: int, spec: ModelSpec, plan: Plan) -> float:
    """Train on random images for a few seconds: images a second."""
    plan.apply()
    learner = Learner(lambda: build(NETWORKS[network], spec, **options), Recipe(batch=batch), 1000, plan, spec)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (batch, *spec.input.image_shape), np.uint8)
    targets = rng.uniform(-0.5, 0.5, (batch, spec.numbers)).astype(np.float32)
    weights = np.ones(batch, np.float32)
    for _ in range(2):
        learner.step(images, targets, weights)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < TRIAL_SECONDS or steps < 3:
        learner.step(images, targets, weights)
        steps += 1
    return steps * batch / (time.perf_counter() - start)
