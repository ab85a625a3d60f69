"""recommend, on rows with chosen times and errors."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.bench import result as results
from edgefkp.bench.recommend import recommend
from edgefkp.bench.recommend_table import recommendation
from edgefkp.bench.result import Result
from edgefkp.cli import main
from edgefkp.errors import EdgefkpError, GateError, UsageError

# file: ms, RMSE
MEASURED = {"slow": (9.0, 1.2), "middle": (4.0, 1.41), "beaten": (5.0, 1.5), "fast": (1.0, 2.0), "alike": (4.5, 1.4)}


@pytest.fixture
def result(measured: Result) -> Result:
    row = next(row for row in measured.rows if row.mode == "invoke")
    times = {name: replace(row.ms, p50=ms, interval=(ms * 0.9, ms * 1.1)) for name, (ms, _) in MEASURED.items()}
    rows = [
        replace(row, file=f"{name}.int8.tflite", ms=times[name], rmse=rmse, verdict="VALID", mode="invoke")
        for name, (_, rmse) in MEASURED.items()
    ]
    return replace(measured, rows=[*rows, replace(rows[0], mode="e2e", ms=replace(row.ms, p50=0.1), rmse=0.1)])


def name(result: Result, **limits: float) -> str:
    chosen = recommend(result, **limits).chosen
    assert chosen is not None
    return chosen.file.removesuffix(".int8.tflite")


def test_a_budget_gives_the_lowest_rmse_that_surely_keeps_it(result: Result) -> None:
    assert name(result, budget_ms=20) == "slow"
    assert name(result, budget_ms=9.5) == "middle"  # slow's interval ends at 9.9; alike is 0.01 px better and slower
    assert name(result, budget_ms=2) == "fast"


def test_a_limit_of_error_gives_the_fastest(result: Result) -> None:
    assert name(result, max_rmse=2.5) == "fast"
    assert name(result, max_rmse=1.5) == "middle"
    assert name(result, max_rmse=1.2) == "slow"
    assert name(result, max_rmse=1.5, budget_ms=20) == "slow"


def test_the_front_is_what_no_other_beats(result: Result) -> None:
    found = recommend(result)
    assert found.chosen is None
    assert [choice.file.split(".")[0] for choice in found.choices if choice.pareto] == [
        "fast",
        "middle",
        "alike",
        "slow",
    ]
    assert [choice.ms for choice in found.choices] == sorted(ms for ms, _ in MEASURED.values())


def test_nothing_fits_is_the_gates_exit_with_the_nearest(result: Result) -> None:
    with pytest.raises(GateError, match=r"within 0\.5 ms: the fastest is fast\.int8\.tflite .* the best slow"):
        recommend(result, budget_ms=0.5)
    with pytest.raises(GateError, match="within 2 ms and 1 px"):
        recommend(result, budget_ms=2, max_rmse=1)
    with pytest.raises(UsageError):
        recommend(result, budget_ms=-1)


def test_rows_that_cannot_be_relied_on_are_never_chosen(result: Result) -> None:
    rows = [replace(row, verdict="INVALID" if row.file.startswith("fast") else "SUSPECT") for row in result.rows]
    doubtful = replace(result, rows=[replace(row, reasons=["the clock changed"]) for row in rows])
    with pytest.raises(EdgefkpError, match="none of its 5 rows is VALID") as caught:
        recommend(doubtful, max_rmse=2.5)
    assert "--allow-suspect counts 4 SUSPECT rows" in caught.value.hint
    listed = recommend(doubtful)  # what was measured is shown all the same
    assert (len(listed.choices), listed.chosen, [one for one in listed.choices if one.pareto]) == (5, None, [])
    found = recommend(doubtful, max_rmse=2.5, allow_suspect=True)
    assert found.left_out == 1
    assert found.chosen is not None
    assert found.chosen.file == "middle.int8.tflite"
    assert "middle.int8.tflite: SUSPECT, the clock changed" in found.ignored
    assert "doubt ignored: middle.int8.tflite: SUSPECT, the clock changed" in recommendation(found).notes
    with pytest.raises(EdgefkpError, match="VALID or SUSPECT"):
        recommend(replace(result, rows=[replace(row, verdict="INVALID") for row in rows]), 5, allow_suspect=True)


def test_without_labels_there_is_nothing_to_choose_by(result: Result) -> None:
    unlabeled = replace(result, rows=[replace(row, rmse=None) for row in result.rows])
    assert not any(choice.pareto for choice in recommend(unlabeled).choices)
    with pytest.raises(EdgefkpError, match="measured without labels") as caught:
        recommend(unlabeled, budget_ms=5)
    assert "--data" in caught.value.hint


def test_command(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("recommend") == 1
    assert "measure first: edgefkp bench" in capsys.readouterr().err
    results.save(result, tmp_path / "bench/results/board.json")
    (tmp_path / "bench/results/other.json").write_text("{}")
    assert run("recommend", "--max-rmse", "1.5") == 0
    shown = capsys.readouterr().out
    assert "use middle.int8.tflite" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert run("recommend", "bench/results/board.json", "--budget-ms", "0.1", "--json") == 3
    capsys.readouterr()
    # The newest is the one that was measured last, and not the file that was copied last.
    results.save(replace(result, name="later", created="2031-01-01T00:00:00Z"), tmp_path / "bench/results/a.json")
    os.utime(tmp_path / "bench/results/a.json", (0, 0))
    assert run("recommend") == 0
    assert "taking bench/results/a.json, measured 2031-01-01T00:00:00Z on" in capsys.readouterr().err
    assert run("recommend", "bench/results/other.json") == 1


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(args))
    return int(caught.value.code or 0)
