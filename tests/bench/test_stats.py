from dataclasses import replace

import numpy as np
import pytest

from edgefkp.bench import stats, verdict
from edgefkp.bench.result import Clocks, Process, Raw

RANDOM = np.random.default_rng(0)


def process(milliseconds: float = 1.0, growth: float = 0.0, **changes: object) -> Process:
    values = RANDOM.normal(milliseconds, 0.01, 1000) * np.linspace(1, 1 + growth, 1000) * 1e6
    calm = Process(
        round=0,
        started=0.0,
        steady_from=0.1,
        steady_to=1.1,
        reference_seconds=(0.001, 0.001),
        load=0.0,
        clocks=Clocks(0, 0, 0, 0, 0),
        cpu_seconds=1.0,
        wall_seconds=1.0,
        voluntary_switches=0,
        involuntary_switches=3,
        others_cores=0.05,
        stolen_cores=0.0,
        memory={"start": 1, "loaded": 2, "steady": 3},
        warmups=Raw.of(values[:10]),
        values=Raw.of(values),
        stages={},
    )
    return replace(calm, **changes)  # type: ignore[arg-type]


def graded(processes: list[Process], threads: int = 1, cores: int = 4) -> tuple[str, str]:
    word, reasons = verdict.grade(processes, threads, cores)
    return word, "; ".join(reasons)


def test_a_calm_run_is_valid() -> None:
    assert graded([process() for _ in range(5)]) == ("VALID", "")


@pytest.mark.parametrize(
    ("changes", "word", "reason"),
    [
        ({"growth": 0.1}, "SUSPECT", "last third"),
        ({"growth": 0.5}, "INVALID", "last third"),
        ({"cpu_seconds": 0.9}, "SUSPECT", "90% of a core"),
        ({"cpu_seconds": 0.5}, "INVALID", "50% of a core"),
        ({"involuntary_switches": 200}, "SUSPECT", "interrupted 200 times"),
        ({"others_cores": 1.0}, "SUSPECT", "kept 1.0 of 4 cores busy"),
        ({"others_cores": 4.0}, "INVALID", "kept 4.0 of 4 cores busy"),
        ({"stolen_cores": 0.1}, "SUSPECT", "hypervisor"),
        ({"reference_seconds": (0.001, 0.0025)}, "SUSPECT", "the clock changed"),
    ],
)
def test_what_disturbs_is_named(changes: dict[str, float], word: str, reason: str) -> None:
    got, reasons = graded([process(**changes) for _ in range(5)])
    assert got == word
    assert reason in reasons


@pytest.mark.parametrize(
    ("core_wait", "word", "reason"),
    [
        (None, "VALID", ""),
        (0.01, "VALID", ""),
        (0.1, "SUSPECT", "it waited for a core 10% of the time"),
        (0.5, "INVALID", "it waited for a core 50% of the time"),
    ],
)
def test_a_wait_for_a_device_is_no_lost_core(core_wait: float | None, word: str, reason: str) -> None:
    """A GPU or an NPU lets the process sleep: it gives up its core itself, once an inference."""
    count = process().values.count
    waiting = [process(cpu_seconds=0.05, voluntary_switches=count, core_wait=core_wait) for _ in range(5)]
    assert graded(waiting) == (word, reason + (" while it was timed" if reason else ""))
    lost = [process(cpu_seconds=0.05, voluntary_switches=count // 2) for _ in range(5)]
    assert graded(lost)[0] == "INVALID"


def test_processes_that_disagree() -> None:
    assert graded([process(1), process(1), process(1.15)])[0] == "SUSPECT"
    assert graded([process(1), process(1), process(1.5)])[0] == "INVALID"


def test_the_worst_reason_comes_first() -> None:
    word, reasons = graded([process(cpu_seconds=0.5, involuntary_switches=200) for _ in range(3)])
    assert word == "INVALID"
    assert reasons.index("core while") < reasons.index("interrupted")


def test_what_was_busy_before_the_run_is_a_reason() -> None:
    calm = [process() for _ in range(3)]
    assert verdict.grade(calm, 1, 1, load=0.4)[0] == "VALID"
    assert verdict.grade(calm, 1, 4, load=3.5) == (
        "SUSPECT",
        ["other processes kept 3.5 of 4 cores busy before the run"],
    )


def test_what_happened_to_the_board_counts() -> None:
    calm = [process() for _ in range(3)]
    assert verdict.grade(calm, 1, 4, monitored=[("INVALID", "the board reported: throttled")])[0] == "INVALID"


def test_unknown_neighbors_are_no_reason() -> None:
    assert graded([process(others_cores=None, stolen_cores=None) for _ in range(3)])[0] == "VALID"


def test_percentiles_need_ten_values_beyond_them() -> None:
    few = stats.times([np.full(50, 1e6)] * 2)
    assert (few.p90, few.p95, few.p99) == (1.0, None, None)
    assert stats.times([np.full(500, 1e6)] * 2).p99 == 1.0


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Processes have an offset of their own (3 %): an interval over values alone would cover it rarely."""
    random = np.random.default_rng(1)
    covered, covered_by_values = 0, 0
    for trial in range(30):
        processes = [random.normal(1e6 * (1 + offset), 2e4, 300) for offset in random.normal(0, 0.03, 5)]
        low, high = stats.times(processes, seed=trial).interval
        covered += low <= 1 <= high
        mixed = np.array_split(random.permutation(np.concatenate(processes)), 5)
        low, high = stats.times(mixed, seed=trial).interval
        covered_by_values += low <= 1 <= high
    assert covered >= 27
    assert covered_by_values < covered - 5


def test_the_median_is_of_all_values() -> None:
    values = RANDOM.permutation(np.arange(1001.0)) * 1e6
    times = stats.times([values[:500], values[500:]])
    assert times.p50 == 500
    assert times.interval[0] <= 500 <= times.interval[1]
    assert times.minimum == 0
    assert times.count == 1001
