from dataclasses import replace

import pytest

from edgefkp.bench import table
from edgefkp.bench.device import Device
from edgefkp.bench.result import Result
from edgefkp.evaluation.table import significant


def text_of(results: list[Result]) -> str:
    return table.table_of(results).text()


def test_one_line_a_file_with_both_modes(measured: Result) -> None:
    lines = table.lines_of([measured])
    assert {line.row.file for line in lines} == {"tiny.int8.tflite", "tiny.float32.tflite"}
    for line in lines:
        assert line.invoke is not None
        assert line.end_to_end is not None
        assert line.verdict in ("VALID", "SUSPECT", "INVALID")


@pytest.mark.parametrize("name", ["a.tflite", "tuned-drop-augment-online.float16.tflite", "x" * 90 + ".int8.tflite"])
def test_no_line_is_wider_than_a_terminal(measured: Result, name: str) -> None:
    # The widest figures that a run can give: unsteady times of a large network on a busy machine.
    wide = {"ms": replace(measured.rows[0].ms, p50=1234.5, interval=(1.0, 9999.0)), "seconds_per_100": 123.45}
    setting = {"runtime": "tflite-runtime", "version": "2.14.0", "threads": 4, "rmse": 12.345, "verdict": "INVALID"}
    rows = [replace(row, file=name, **setting, **wide) for row in measured.rows]
    text = text_of([replace(measured, rows=rows, notes=["word " * 60])])
    assert max(len(line) for line in text.splitlines()) <= 80
    assert name.removesuffix(".tflite")[-8:] in text


def test_the_lines_of_several_devices_stand_together(measured: Result) -> None:
    text = text_of([measured, replace(measured, device=Device("ssh://pi@board"))])
    assert text.splitlines()[0].startswith("device")
    assert sum(line.startswith("pi@board ") for line in text.splitlines()) == 2


def test_rmse_counts_and_failures_are_told(measured: Result) -> None:
    text = text_of([measured])
    assert "RMSE over 19 faces, 568 coordinates" in text
    assert "20 different images (twenty)" in text


def test_a_new_column_is_one_line(measured: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    column = table.BenchColumn("KiB", cell=lambda line: None if not line.invoke else str(line.invoke.memory_kib))
    monkeypatch.setattr(table, "COLUMNS", (*table.COLUMNS, column))
    made = table.table_of([measured])
    value = str(next(row.memory_kib for row in measured.rows if row.mode == "invoke"))
    for text in (made.text(None), made.markdown(), made.html(), made.csv()):
        assert "KiB" in text
        assert value in text


def test_a_column_that_nothing_was_measured_for_is_left_out(measured: Result) -> None:
    rows = [row for row in measured.rows if row.mode == "invoke"]
    heads = [column.name for column in table.table_of([replace(measured, rows=rows)]).columns]
    assert "ms" in heads
    assert "e2e ms" not in heads


def test_the_first_time_is_milliseconds_an_image(measured: Result) -> None:
    made = table.table_of([measured])
    at = [column.name for column in made.columns].index("ms")
    assert made.columns[at + 1].name == "e2e ms"
    assert (row := table.lines_of([measured])[0].invoke) is not None
    assert made.rows[0][at].startswith(f"{significant(row.ms.p50)} ±")


def test_how_frames_were_cropped_is_told(measured: Result) -> None:
    assert "the face cropped with OpenCV as in use" in " ".join(text_of([measured]).split())
    stored = replace(measured, rows=[replace(row, crop="numpy") for row in measured.rows])
    assert "an earlier crop, in numpy" in text_of([stored])
    assert "numpy" not in text_of([replace(stored, rows=[row for row in stored.rows if row.mode == "invoke"])])
