from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.bench import harness, table
from edgefkp.bench.plan import Settings
from edgefkp.bench.result import Result
from tests.bench.test_harness import FIXTURES, labelled


@pytest.fixture(scope="module")
def measured() -> Result:
    settings = Settings(processes=2, seconds=0.02, warm_seconds=(0.01, 0.05), pause=0)
    files = [FIXTURES / "tiny.int8.tflite", FIXTURES / "tiny.float32.tflite"]
    return harness.measure(harness.cells_of(files), labelled(), settings, "test")


def test_one_line_a_file_with_both_modes(measured: Result) -> None:
    lines = table.lines_of([measured])
    assert {line.row.file for line in lines} == {"tiny.int8.tflite", "tiny.float32.tflite"}
    for line in lines:
        assert line.invoke is not None
        assert line.end_to_end is not None
        assert line.verdict in ("VALID", "SUSPECT", "INVALID")


@pytest.mark.parametrize("name", ["a.tflite", "tuned-drop-augment-online.float16.tflite", "x" * 90 + ".int8.tflite"])
def test_no_line_is_wider_than_a_terminal(measured: Result, name: str) -> None:
    rows = [replace(row, file=name, runtime="tflite-runtime", version="2.14.0", threads=4) for row in measured.rows]
    text = table.terminal([replace(measured, rows=rows, notes=["word " * 60])])
    assert max(len(line) for line in text.splitlines()) <= 100
    assert name.removesuffix(".tflite")[-8:] in text


def test_the_lines_of_several_devices_stand_together(measured: Result) -> None:
    text = table.terminal([measured, replace(measured, device="ssh://pi@board")])
    assert text.splitlines()[0].startswith("device")
    assert sum(line.startswith("pi@board ") for line in text.splitlines()) == 2


def test_rmse_counts_and_failures_are_told(measured: Result, tmp_path: Path) -> None:
    text = table.terminal([measured])
    assert "RMSE over 19 faces, 568 coordinates" in text
    assert "20 different images (twenty)" in text
