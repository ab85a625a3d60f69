from dataclasses import replace

import pytest

from edgefkp.bench import table
from edgefkp.bench.result import Result


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


def test_rmse_counts_and_failures_are_told(measured: Result) -> None:
    text = table.terminal([measured])
    assert "RMSE over 19 faces, 568 coordinates" in text
    assert "20 different images (twenty)" in text
