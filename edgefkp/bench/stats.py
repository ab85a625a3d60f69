"""Summarize raw times: percentiles, and a bootstrap interval of the median over processes."""

from collections.abc import Sequence

import numpy as np

from edgefkp.bench.result import Times

ROUNDS = 1000  # of the bootstrap
THINNED = 400  # values of a process that the bootstrap draws from: neighbors in time are alike, so fewer count
BEYOND = 10  # values that must lie beyond a percentile

# Student's t at 97.5 % over the normal's 1.96, for 1, 2, ... processes more than one.
_STUDENT = (6.48, 2.20, 1.62, 1.42, 1.31, 1.25, 1.21, 1.18, 1.15, 1.14)


def times(processes: Sequence[np.ndarray], seed: int = 0) -> Times:
    """Summarize the processes' times, (n,) nanoseconds each."""
    pooled = np.concatenate(processes) / 1e6
    p50 = float(np.median(pooled))
    low, high = np.percentile(bootstrap_medians(processes, seed), [2.5, 97.5]) / 1e6
    return Times(
        p50=p50,
        # Thinning may leave the pooled median just outside its own interval.
        interval=(min(float(low), p50), max(float(high), p50)),
        p90=_percentile(pooled, 90),
        p95=_percentile(pooled, 95),
        p99=_percentile(pooled, 99),
        mad=float(np.median(np.abs(pooled - p50))),
        mean=float(pooled.mean()),
        minimum=float(pooled.min()),
        count=len(pooled),
    )


def _percentile(values: np.ndarray, percent: int) -> float | None:
    return float(np.percentile(values, percent)) if len(values) * (100 - percent) >= 100 * BEYOND else None


def bootstrap_medians(processes: Sequence[np.ndarray], seed: int = 0) -> np.ndarray:
    """(ROUNDS,) medians when the processes, and the values within each, are drawn again.

    Few processes show less spread than many would: the medians are spread by Student's t.
    """
    random = np.random.default_rng(seed)
    thinned = [_thin(values) for values in processes]
    medians = np.empty(ROUNDS)
    for number in range(ROUNDS):
        drawn = random.integers(0, len(thinned), len(thinned))
        medians[number] = _median(
            np.concatenate([thinned[d][random.integers(0, len(thinned[d]), len(thinned[d]))] for d in drawn])
        )
    more = max(1, len(processes) - 1)
    wider = np.sqrt((more + 1) / more) * _STUDENT[min(more, len(_STUDENT)) - 1]
    logs = np.log(medians)
    return np.exp(np.median(logs) + wider * (logs - np.median(logs)))


def _median(values: np.ndarray) -> float:
    """np.median of numbers without NaN, in a third of its time."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float((low + high) / 2)


def _thin(values: np.ndarray) -> np.ndarray:
    if len(values) <= THINNED:
        return values
    return values[np.linspace(0, len(values) - 1, THINNED).round().astype(int)]
