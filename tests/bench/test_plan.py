from collections import Counter

import pytest

from edgefkp.bench.plan import Case, Schedule, TimingSettings, cases_of
from edgefkp.errors import UsageError

CASES = tuple(Case(f"{number}.tflite", "litert") for number in range(6))


def test_each_round_has_every_cell_once_in_an_order_of_its_own() -> None:
    steps = list(Schedule(CASES, TimingSettings(processes=5)).steps())
    rounds = [[step.case for step in steps if step.round == number] for number in range(5)]
    assert all(Counter(cases) == Counter(CASES) for cases in rounds)
    assert len({tuple(cases) for cases in rounds}) > 1
    assert [step.round for step in steps] == sorted(step.round for step in steps)


def test_the_order_is_the_seeds() -> None:
    def order(seed: int) -> list[Case]:
        return [step.case for step in Schedule(CASES, TimingSettings(seed=seed)).steps()]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_delegate_is_measured_once_not_with_and_without_xnnpack() -> None:
    cases = cases_of(["a.tflite"], xnnpack=(True, False), delegates=("", "lib.so"), modes=("invoke",))
    assert [(case.delegate, case.xnnpack) for case in cases] == [("", True), ("", False), ("lib.so", True)]


def test_an_accelerator_is_measured_beside_what_else_is_asked_for_and_not_with_xnnpack_off() -> None:
    cases = cases_of(["a.tflite"], xnnpack=(True, False), modes=("invoke",), accelerators=("cpu", "gpu"))
    assert [(case.accelerator, case.xnnpack) for case in cases] == [
        *(("", True), ("", False)),
        *(("cpu", True), ("gpu", True)),
    ]
    (only,) = cases_of(["a.tflite"], delegates=(), modes=("e2e",), accelerators=("gpu",))
    assert only.label == "a.tflite, default runtime, gpu, e2e"
    with pytest.raises(UsageError, match="tflite-runtime has no accelerators"):
        cases_of(["a.tflite"], ["tflite-runtime"], delegates=(), accelerators=("gpu",))
