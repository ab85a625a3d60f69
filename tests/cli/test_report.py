import json

import pytest
from click.testing import CliRunner

pytest.importorskip("matplotlib")

from edgefkp.cli.report import command
from edgefkp.errors import EdgefkpError
from edgefkp.study.figures import FIGURES
from tests.study.made_study import made_cell, write_study


@pytest.fixture
def folders(tmp_path) -> list[str]:
    study = write_study(tmp_path, [made_cell(f"manual-{column}") for column in ("drop", "augment")])
    names = {"--study": study, "--bench": tmp_path / "none", "--files": tmp_path / "none", "--out": tmp_path / "out"}
    return [str(word) for pair in names.items() for word in pair]


def test_a_started_study_gives_a_page_and_a_table_that_fits(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(FIGURES, "known", {"figure-01-nulls": FIGURES["figure-01-nulls"]})  # the others take seconds
    done = CliRunner().invoke(command, folders)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "2 of 47 cells are done" in done.stdout
    assert (tmp_path / "out" / "report.html").exists()
    assert f"report: {tmp_path / 'out' / 'report.html'}" in done.stderr


def test_json_holds_every_part_of_every_claim(folders, monkeypatch):
    monkeypatch.setattr("edgefkp.study.page.write_report", lambda out, *known: out / "report.html")
    answer = json.loads(CliRunner().invoke(command, [*folders, "--json"]).stdout)
    assert answer["schema"] == "edgefkp.findings/1"
    assert len(answer["missing"]) == 45
    (claim,) = [one for one in answer["findings"] if "significant increase" in one["sentence"]]
    verdicts = {part["what"]: part["verdict"] for part in claim["parts"]}
    assert verdicts["manual, augment / drop"] == "held"
    assert claim["verdict"] == "inconclusive"


def test_a_damaged_cell_is_named_and_the_others_are_shown(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("edgefkp.study.page.write_report", lambda out, *known: out / "report.html")
    (tmp_path / "models/study/manual-drop.json").write_text("{")
    done = CliRunner().invoke(command, folders)
    assert done.exit_code == 0
    assert "1 of 47 cells are done" in done.stdout
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "manual-drop.json is not a readable JSON file" in warning


def test_data_that_are_not_there_are_an_error(folders):
    error = CliRunner().invoke(command, [*folders, "--data", "nowhere"]).exception
    assert isinstance(error, EdgefkpError)
