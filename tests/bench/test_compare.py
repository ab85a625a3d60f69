from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import result, table
from edgefkp.bench.compare import compare, over
from edgefkp.bench.result import BenchRow, Raw, Result
from edgefkp.cli import main
from edgefkp.errors import EdgefkpError


def scaled(measured: Result, ratio: float = 1.0, seed: int = 0, offset: float = 0.005) -> Result:
    """The result as it would be if each inference took `ratio` ms, with an offset a process, on a calm machine."""
    random = np.random.default_rng(seed)

    def row_of(row: BenchRow) -> BenchRow:
        processes = []
        for _ in range(5):
            center = 1e6 * ratio * (1 + random.normal(0, offset))
            values = random.normal(center, 2e4, 500).astype(np.int64)
            processes.append(replace(row.processes[0], values=Raw.of(values)))
        p50 = float(np.median([process.values.nanoseconds() for process in processes])) / 1e6
        return replace(row, processes=processes, ms=replace(row.ms, p50=p50), verdict="VALID", reasons=[])

    return replace(measured, rows=[row_of(row) for row in measured.rows])


def test_two_runs_of_the_same_show_no_clear_difference(measured: Result) -> None:
    unclear = 0
    for seed in range(5):
        compared = compare(scaled(measured, seed=seed), scaled(measured, seed=seed + 100))
        unclear += sum(row.verdict == "no clear difference" for row in compared.rows)
    assert unclear >= 18


@pytest.mark.parametrize(("ratio", "verdict"), [(0.9, "faster"), (1.1, "slower"), (1.01, "no clear difference")])
def test_the_verdict_is_that_of_the_second(measured: Result, ratio: float, verdict: str) -> None:
    for row in compare(scaled(measured, offset=0.002), scaled(measured, ratio, seed=9, offset=0.002)).rows:
        assert row.verdict == verdict
        assert row.interval[0] <= row.ratio <= row.interval[1]
        assert row.ratio == pytest.approx(ratio, rel=0.02)


def test_a_disturbed_run_proves_nothing(measured: Result) -> None:
    disturbed = scaled(measured, 1.5)
    disturbed = replace(disturbed, rows=[replace(row, verdict="INVALID", reasons=["x"]) for row in disturbed.rows])
    for row in compare(scaled(measured), disturbed).rows:
        assert (row.verdict, row.doubts) == ("INVALID", ["second is INVALID"])


def test_unlike_machines_runtimes_and_files_are_refused_with_what_differs(measured: Result) -> None:
    other = replace(measured, machine={**measured.machine, "processor": "Cortex-A72"})
    with pytest.raises(EdgefkpError, match=r"processor .* and Cortex-A72") as caught:
        compare(measured, other)
    assert "--force" in caught.value.hint
    assert compare(measured, other, force=True).unlike
    for change, text in (({"version": "0.1"}, r"litert .* and litert 0\.1"), ({"sha256": "f" * 64}, "is another file")):
        changed = replace(measured, rows=[replace(row, **change) for row in measured.rows])  # type: ignore[arg-type]
        with pytest.raises(EdgefkpError, match=text):
            compare(measured, changed)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"runtime": "tflite-runtime"}, r"litert .* and tflite-runtime"),
        ({"file": "b.tflite"}, r"\.tflite and b\.tflite"),
    ],
)
def test_the_same_with_another_runtime_or_file_is_compared_when_forced(
    measured: Result, change: dict[str, str], text: str
) -> None:
    one_file = [row for row in measured.rows if row.file == measured.rows[0].file]
    ours, theirs = (
        replace(measured, rows=[replace(row, **changes) for row in one_file])  # type: ignore[arg-type]
        for changes in ({}, change)
    )
    with pytest.raises(EdgefkpError, match=text):
        compare(ours, theirs)
    assert [row.mode for row in compare(ours, theirs, force=True).rows] == [row.mode for row in one_file]


def test_nothing_in_common_is_said(measured: Result) -> None:
    with pytest.raises(EdgefkpError, match="no case in common"):
        compare(measured, replace(measured, rows=[replace(row, threads=2) for row in measured.rows]))


def test_end_to_end_times_of_another_crop_are_never_compared(measured: Result) -> None:
    before = replace(measured, rows=[replace(row, crop="numpy") for row in measured.rows])
    compared = compare(before, measured, force=True)
    assert {row.mode for row in compared.rows} == {"invoke"}
    assert len(compared.not_compared) == 2
    assert all("e2e: cropped with numpy, then with cv2" in reason for reason in compared.not_compared)
    assert compared.only_in_one == []
    assert "not compared: tiny" in table.comparison(compared).text()
    end_to_end = [replace(one, rows=[row for row in one.rows if row.mode == "e2e"]) for one in (before, measured)]
    with pytest.raises(EdgefkpError, match=r"cannot be compared: .* cropped with numpy, then with cv2"):
        compare(*end_to_end, force=True)


def test_cases_that_only_one_holds_are_named(measured: Result) -> None:
    compared = compare(measured, replace(measured, rows=measured.rows[:1]), force=True)
    assert len(compared.rows) == 1
    assert len(compared.only_in_one) == len(measured.rows) - 1


def test_the_gate_needs_the_whole_interval(measured: Result) -> None:
    compared = compare(scaled(measured), scaled(measured, 1.1, seed=3))
    assert len(over(compared, 1.05)) == len(compared.rows)
    assert over(compared, 1.2) == []


def test_a_gate_is_neither_kept_nor_broken_by_invalid_rows(measured: Result) -> None:
    disturbed = scaled(measured, 1.5)
    disturbed = replace(disturbed, rows=[replace(row, verdict="INVALID", reasons=["x"]) for row in disturbed.rows])
    with pytest.raises(EdgefkpError, match="4 of 4 rows cannot be relied on") as caught:
        over(compare(disturbed, disturbed), 1.05)
    assert caught.value.exit_code == 1


def test_the_command_exits_3_over_the_gate(
    measured: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    result.save(scaled(measured), first)
    result.save(scaled(measured, 1.2), second)
    with pytest.raises(SystemExit) as caught:
        main(["compare", str(first), str(second), "--gate", "1.05"])
    assert caught.value.code == 3
    printed = capsys.readouterr()
    assert "slower" in printed.out
    assert max(len(line) for line in printed.out.splitlines()) <= 80
    assert "took over 1.05 times as long" in printed.err
