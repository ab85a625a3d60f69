"""What the raw times say, and whether they can be believed."""

from collections.abc import Sequence

import numpy as np

from edgefkp.bench.result import Process, Times

ROUNDS = 1000  # of the bootstrap
THINNED = 400  # values of a process that the bootstrap draws from: neighbours in time are alike, so fewer count
BEYOND = 10  # values that must lie beyond a percentile

VALID, SUSPECT, INVALID = "VALID", "SUSPECT", "INVALID"
VERDICTS = (VALID, SUSPECT, INVALID)  # from good to bad


# Student's t at 97.5 % over the normal's 1.96, for 1, 2, ... processes more than one.
_STUDENT = (6.48, 2.20, 1.62, 1.42, 1.31, 1.25, 1.21, 1.18, 1.15, 1.14)


def times(processes: Sequence[np.ndarray], seed: int = 0) -> Times:
    """Summarise the steady nanoseconds of each process."""
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

    Few processes show less spread than many would: the medians are drawn apart as Student's t says.
    """
    random = np.random.default_rng(seed)
    thinned = [_thin(values) for values in processes]
    medians = np.empty(ROUNDS)
    for number in range(ROUNDS):
        drawn = random.integers(0, len(thinned), len(thinned))
        medians[number] = np.median(
            np.concatenate([thinned[d][random.integers(0, len(thinned[d]), len(thinned[d]))] for d in drawn])
        )
    more = max(1, len(processes) - 1)
    wider = np.sqrt((more + 1) / more) * _STUDENT[min(more, len(_STUDENT)) - 1]
    logs = np.log(medians)
    return np.exp(np.median(logs) + wider * (logs - np.median(logs)))


def _thin(values: np.ndarray) -> np.ndarray:
    if len(values) <= THINNED:
        return values
    return values[np.linspace(0, len(values) - 1, THINNED).round().astype(int)]


Check = tuple[str, str]  # SUSPECT or INVALID, and the reason


def verdict(
    processes: Sequence[Process],
    threads: int,
    cores: int | None,
    load: float | None = None,
    board: Sequence[Check] = (),
) -> tuple[str, list[str]]:
    """VALID, SUSPECT or INVALID, and every reason, worst first.

    load: cores that other processes kept busy just before the whole run. board: what happened to the board meanwhile.
    """
    checks = [
        *board,
        _cpu_share(processes),
        _neighbours(processes, threads, cores),
        _switches(processes),
        _drift(processes),
        _spread(processes),
        _kernel(processes),
        _stolen(processes),
        _load(load, cores),
    ]
    found = sorted((check for check in checks if check), key=lambda check: -VERDICTS.index(check[0]))
    return (found[0][0] if found else VALID), [reason for _, reason in found]


def worst(verdicts: Sequence[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default=VALID)


def _graded(value: float, suspect: float, invalid: float, reason: str) -> Check | None:
    if value < suspect:
        return None
    return (INVALID if value >= invalid else SUSPECT), reason


def _drift(processes: Sequence[Process]) -> Check | None:
    """The last third of a process against its first; the median process counts, so that one hiccup does not."""
    drifts = []
    for process in processes:
        first, _, last = np.array_split(process.steady.nanoseconds(), 3)
        if len(first) and len(last):
            drifts.append(float(np.median(last) / np.median(first) - 1))
    if not drifts:
        return SUSPECT, "fewer than three inferences in a process"
    drift = float(np.median(drifts))
    return _graded(abs(drift), 0.05, 0.2, f"the last third of a process took {drift:+.0%} against its first")


def _spread(processes: Sequence[Process]) -> Check | None:
    medians = [float(np.median(process.steady.nanoseconds())) for process in processes]
    if len(medians) < 2:
        return None
    spread = max(medians) / min(medians) - 1
    return _graded(spread, 0.1, 0.3, f"the medians of its {len(medians)} processes differ by {spread:.0%}")


def _cpu_share(processes: Sequence[Process]) -> Check | None:
    share = float(np.median([process.cpu_seconds / process.wall_seconds for process in processes]))
    return _graded(1 - share, 0.05, 0.2, f"the process had {share:.0%} of a core while it was timed")


def _switches(processes: Sequence[Process]) -> Check | None:
    rate = float(np.median([process.involuntary_switches / process.wall_seconds for process in processes]))
    return _graded(rate, 50, 500, f"it was interrupted {rate:.0f} times a second by other processes")


def _neighbours(processes: Sequence[Process], threads: int, cores: int | None) -> Check | None:
    known = [process.others_cores for process in processes if process.others_cores is not None]
    if not known or not cores:
        return None
    others = float(np.median(known))
    reason = f"other processes kept {others:.1f} of {cores} cores busy"
    # A core that is idle beside the benchmark does no harm; two processes on one core do.
    crowded = others + threads - cores
    if crowded > 0.5:
        return INVALID, reason
    return _graded(max(others / cores - 0.1, crowded), 0.1, 9, reason)


def _kernel(processes: Sequence[Process]) -> Check | None:
    """The slowest run of the fixed arithmetic against the median: the core's clock changed."""
    seconds = [seconds for process in processes for seconds in process.kernel]
    change = max(seconds) / float(np.median(seconds)) - 1
    return _graded(change, 0.15, 0.5, f"fixed arithmetic took up to {change:.0%} longer: the clock changed")


def _load(load: float | None, cores: int | None) -> Check | None:
    if load is None or not cores or load <= max(0.5, 0.25 * cores):
        return None
    return SUSPECT, f"other processes kept {load:.1f} of {cores} cores busy before the run"


def _stolen(processes: Sequence[Process]) -> Check | None:
    known = [process.stolen_cores for process in processes if process.stolen_cores is not None]
    stolen = float(np.median(known)) if known else 0.0
    return _graded(stolen, 0.02, 0.2, f"the hypervisor took {stolen:.2f} cores away")
