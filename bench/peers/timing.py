"""Time the contenders of bench/peers/peers.py in rounds of shuffled order, and grade each as `edgefkp bench` would."""

import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefkp.bench.result import Raw
from edgefkp.bench.usage import Usage
from edgefkp.bench.verdict import grade
from edgefkp.bench.worker import reference_seconds

ROUNDS = 5
SECONDS, WARM = 1.5, 0.3  # of each contender in each round, and before it is timed
THREADS = 1

Run = Callable[[Any], Any]


@dataclass(frozen=True)
class Round:
    """One contender in one round: what the verdict needs (edgefkp.bench.verdict.Timing)."""

    values: Raw
    reference_seconds: tuple[float, float]
    cpu_seconds: float
    wall_seconds: float
    voluntary_switches: int
    involuntary_switches: int
    others_cores: float | None
    stolen_cores: float | None
    core_wait: float | None


def timed(runs: Mapping[str, Run], inputs: Mapping[str, Sequence[Any]]) -> dict[str, list[Round]]:
    """The rounds of each contender by name; inputs are prepared in advance."""
    shuffle, found = random.Random(0), {name: list[Round]() for name in runs}
    gc.collect()
    gc.disable()
    for _ in range(ROUNDS):
        order = list(runs)
        shuffle.shuffle(order)
        for name in order:
            found[name].append(_round(runs[name], inputs[name]))
    gc.enable()
    return found


def _round(run: Run, inputs: Sequence[Any]) -> Round:
    _passes(run, inputs, WARM)
    reference, before = reference_seconds(), Usage()
    values = _passes(run, inputs, SECONDS)
    return Round(Raw.of(np.array(values)), (reference, reference_seconds()), **before.until_now())


def _passes(run: Run, inputs: Sequence[Any], seconds: float) -> list[int]:
    """Nanoseconds of every run, in whole passes over the inputs."""
    values, clock = list[int](), time.perf_counter_ns
    deadline = clock() + int(seconds * 1e9)
    while clock() < deadline:
        for value in inputs:
            started = clock()
            run(value)
            values.append(clock() - started)
    return values


def row_of(rounds: Sequence[Round], cores: int | None, load: float | None) -> dict[str, Any]:
    """The quartiles in milliseconds over all rounds, the verdict and its reasons, and the median of each round."""
    every = np.concatenate([one.values.nanoseconds() for one in rounds]) / 1e6
    verdict, reasons = grade(rounds, THREADS, cores, load, part="round")
    return {
        "ms": [float(quartile) for quartile in np.percentile(every, (25, 50, 75))],
        "rounds_ms": [float(np.median(one.values.nanoseconds())) / 1e6 for one in rounds],
        "verdict": verdict,
        "reasons": reasons,
    }
