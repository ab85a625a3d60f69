"""Grade a measurement: VALID, SUSPECT or INVALID, with every reason."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from edgefkp.bench.result import VERDICTS, Raw
from edgefkp.errors import counted
from edgefkp.evaluation.table import BAD, DOUBT, GOOD, significant

VALID, SUSPECT, INVALID = VERDICTS
MARKS = {VALID: GOOD, SUSPECT: DOUBT, INVALID: BAD}  # of cells in HTML
SIGNS = {VALID: "", SUSPECT: "?", INVALID: "!"}  # after a time in a table, so that none stands there as if it were good
SIGNS_EXPLAINED = "? SUSPECT, ! INVALID: not measured under steady conditions"

WAITS = 0.9  # voluntary switches an inference, of a process that waits for a device

TimingCheck = tuple[str, str]  # SUSPECT or INVALID, and the reason
DIFFER = (0.1, 0.3)  # times that differ by this share are SUSPECT, INVALID


class Timing(Protocol):
    """What a verdict needs of each process, as result.Process has it."""

    @property
    def values(self) -> Raw: ...
    @property
    def reference_seconds(self) -> tuple[float, float]: ...
    @property
    def cpu_seconds(self) -> float: ...
    @property
    def wall_seconds(self) -> float: ...
    @property
    def voluntary_switches(self) -> int: ...
    @property
    def involuntary_switches(self) -> int: ...
    @property
    def core_wait(self) -> float | None: ...
    @property
    def others_cores(self) -> float | None: ...
    @property
    def stolen_cores(self) -> float | None: ...


def grade(
    processes: Sequence[Timing],
    threads: int,
    cores: int | None,
    load: float | None = None,
    monitored: Sequence[TimingCheck] = (),
    part: str = "process",
) -> tuple[str, list[str]]:
    """VALID, SUSPECT or INVALID, and every reason, worst first.

    load: cores that other processes kept busy just before the whole run. monitored: monitor.checks of these processes.
    part: what one of `processes` is called.
    """
    checks = [
        *monitored,
        _cpu_share(processes),
        _other_processes(processes, threads, cores),
        _switches(processes),
        _drift(processes, part),
        _spread(processes, part),
        _clock_change(processes),
        _stolen(processes),
        _load(load, cores),
    ]
    found = sorted((check for check in checks if check), key=lambda check: -VERDICTS.index(check[0]))
    return (found[0][0] if found else VALID), [reason for _, reason in found]


def worst(verdicts: Sequence[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default=VALID)


def signed_time(value: float, verdict: str) -> str:
    """A time as tables show it."""
    return significant(value) + SIGNS[verdict]


def mark_of_time(cell: str) -> str:
    """The mark of a cell that signed_time made."""
    return next((MARKS[verdict] for verdict, sign in SIGNS.items() if sign and cell.endswith(sign)), "")


def mark_of_verdict(cell: str) -> str:
    return MARKS.get(cell, "")


def _graded(value: float, suspect: float, invalid: float, reason: str) -> TimingCheck | None:
    if value < suspect:
        return None
    return (INVALID if value >= invalid else SUSPECT), reason


def _drift(processes: Sequence[Timing], part: str) -> TimingCheck | None:
    """The last third of a process against its first; the median process counts, so that one hiccup does not."""
    drifts = []
    for process in processes:
        first, _, last = np.array_split(process.values.nanoseconds(), 3)
        if len(first) and len(last):
            drifts.append(float(np.median(last) / np.median(first) - 1))
    if not drifts:
        return SUSPECT, f"fewer than three inferences in a {part}"
    drift = float(np.median(drifts))
    return _graded(abs(drift), 0.05, 0.2, f"the last third of a {part} took {drift:+.0%} against its first")


def _spread(processes: Sequence[Timing], part: str) -> TimingCheck | None:
    medians = [float(np.median(process.values.nanoseconds())) for process in processes]
    if len(medians) < 2:
        return None
    spread = max(medians) / min(medians) - 1
    return _graded(spread, *DIFFER, f"the medians of its {counted(len(medians), part)} differ by {spread:.0%}")


def _cpu_share(processes: Sequence[Timing]) -> TimingCheck | None:
    """A process that gives up its core itself, about once an inference or more often, waits for a device; what counts
    then is the time in which it was ready and had no core, where the system reports that."""
    if all(process.voluntary_switches >= WAITS * process.values.count for process in processes):
        known = [process.core_wait / process.wall_seconds for process in processes if process.core_wait is not None]
        lost = float(np.median(known)) if known else 0.0
        return _graded(lost, 0.05, 0.2, f"it waited for a core {lost:.0%} of the time while it was timed")
    share = float(np.median([process.cpu_seconds / process.wall_seconds for process in processes]))
    return _graded(1 - share, 0.05, 0.2, f"the process had {share:.0%} of a core while it was timed")


def _switches(processes: Sequence[Timing]) -> TimingCheck | None:
    rate = float(np.median([process.involuntary_switches / process.wall_seconds for process in processes]))
    return _graded(rate, 50, 500, f"it was interrupted {rate:.0f} times a second by other processes")


def _other_processes(processes: Sequence[Timing], threads: int, cores: int | None) -> TimingCheck | None:
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


def _clock_change(processes: Sequence[Timing]) -> TimingCheck | None:
    """The slowest run of the fixed arithmetic against the median: the core's clock changed."""
    seconds = [seconds for process in processes for seconds in process.reference_seconds]
    change = max(seconds) / float(np.median(seconds)) - 1
    return _graded(change, 0.15, 0.5, f"fixed arithmetic took up to {change:.0%} longer: the clock changed")


def _load(load: float | None, cores: int | None) -> TimingCheck | None:
    if load is None or not cores or load <= max(0.5, 0.25 * cores):
        return None
    return SUSPECT, f"other processes kept {load:.1f} of {cores} cores busy before the run"


def _stolen(processes: Sequence[Timing]) -> TimingCheck | None:
    known = [process.stolen_cores for process in processes if process.stolen_cores is not None]
    stolen = float(np.median(known)) if known else 0.0
    return _graded(stolen, 0.02, 0.2, f"the hypervisor took {stolen:.2f} cores away")
