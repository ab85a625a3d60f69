import csv
import io
import json
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from edgefkp import records
from edgefkp.bench import result, table
from edgefkp.bench.device import Device
from edgefkp.bench.result import Result
from edgefkp.cli import main
from edgefkp.report import bench_page
from edgefkp.report.bench_figures import FIGURES, names_of
from tests.checked_page import check

TRACE = {
    "seconds": [0.0, 1.0, 2.0],
    "clock_mhz": [1800, 1500, 600],
    "temperature_c": [50, None, 82],
    "throttled": [0, 0, 4],
}


def test_the_page_is_whole_and_loads_nothing(measured: Result) -> None:
    text = bench_page.page([measured, replace(measured, device=Device("ssh://pi@board"), trace=TRACE)])
    checked = check(text)
    assert text.count("<svg ") == text.count("</svg>") == 3  # error, distributions, the second device's traces
    assert "nan" not in checked.text
    for row in measured.rows:
        assert row.file.removesuffix(".tflite") in text


def test_verdicts_are_words_in_color_and_bad_times_are_marked(
    measured: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FIGURES, "known", {})
    verdicts = ("VALID", "SUSPECT", "INVALID", "VALID")
    rows = [replace(row, verdict=verdict) for row, verdict in zip(measured.rows, verdicts, strict=True)]
    text = bench_page.page([replace(measured, rows=rows)])
    assert re.search(r'<span class="bad">[\d.]+(?: ±[\d.>%]+)?!</span>', text)
    assert re.search(r'<span class="doubt">[\d.]+(?: ±[\d.>%]+)?\?</span>', text)
    assert re.search(r'class="l" data-label="verdict on the times"><span class="bad">INVALID</span>', text)
    assert "2 measured: " in text
    for unit in ("RMSE, px", "ms an image, 95th percentile", "ms an image, end to end"):
        assert f">{unit}</th>" in text


def test_files_of_one_name_are_told_apart(measured: Result) -> None:
    later = replace(measured, created="2026-11-27T00:00:00Z")
    lines = table.lines_of([measured, later])
    names = names_of(lines)
    assert len(set(names)) == len(lines) == 4
    assert names_of(table.lines_of([measured])) == [line.row.file.removesuffix(".tflite") for line in lines[:2]]
    made = table.table_of([measured, later])
    assert made.columns[0].name == "measurement"
    assert len({tuple(row[:2]) for row in made.rows}) == 4


def test_a_result_without_labels_has_no_error_plot(measured: Result) -> None:
    rows = [replace(row, rmse=None) for row in measured.rows]
    assert "Time against error" not in bench_page.page([replace(measured, rows=rows)])


def test_a_device_that_reports_nothing_has_no_trace(measured: Result) -> None:
    assert FIGURES["traces"].draw([replace(measured, trace={})]) is None
    (figure,) = FIGURES["traces"].draw([replace(measured, trace=TRACE)]).values()
    assert [list(panel.lines[0].get_ydata()) for panel in figure.axes] == [[1800, 1500, 600], [50, 82], [0, 0, 4]]


def test_html_without_its_libraries_is_a_two_line_error(
    measured: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = result.save(measured, tmp_path / "a.json")
    for library in ("jinja2", "matplotlib.figure"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, library, None)
            with pytest.raises(SystemExit) as caught:
                main(["bench", "show", str(stored), "--as", "html"])
        assert caught.value.code == 4
        error, hint = capsys.readouterr().err.splitlines()
        assert "need" in error
        assert "pip install 'edgefkp[train]'" in hint


def test_csv_holds_every_row_unrounded(measured: Result) -> None:
    rows = list(csv.DictReader(io.StringIO(table.details([measured]).csv())))
    assert len(rows) == len(measured.rows)
    assert float(rows[0]["p50"]) == measured.rows[0].ms.p50
    assert rows[0]["sha256"] == measured.rows[0].sha256


def test_markdown_is_a_table(measured: Result) -> None:
    lines = table.table_of([measured]).markdown().splitlines()
    assert len({line.count("|") for line in lines[:4]}) == 1


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json", "html"])
def test_show_renders_stored_results(
    measured: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    stored = result.save(measured, tmp_path / "a.json")
    with pytest.raises(SystemExit) as caught:
        main(["bench", "show", str(stored), "--as", form])
    assert caught.value.code == 0
    assert "tiny.int8" in capsys.readouterr().out


def test_the_published_schema_is_current_and_names_every_member(capsys: pytest.CaptureFixture[str]) -> None:
    published = json.loads((Path(__file__).parents[2] / "docs" / "bench.schema.json").read_text())
    assert published == records.json_schema(Result, result.SCHEMA)
    assert set(published["properties"]) == {records.json_name(field) for field in fields(Result)}
    rows = published["properties"]["rows"]["items"]["properties"]
    assert "None without labels" in rows["rmse"]["description"]  # the field's comment


def test_a_member_of_another_type_is_named(measured: Result, tmp_path: Path) -> None:
    stored = json.loads(result.save(measured, tmp_path / "a.json").read_text())
    stored["rows"][1]["ms"]["p50"] = "fast"
    with pytest.raises(Exception, match=r"rows\.1\.ms\.p50 is str, expected number"):
        result.parse(stored, "a.json")
    del stored["rows"][0]["verdict"]
    with pytest.raises(Exception, match=r"rows\.0\.verdict is missing"):
        result.parse(stored, "a.json")
