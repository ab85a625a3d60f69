import json

import pytest
from click.testing import CliRunner

from edgefkp.cli.study import command
from edgefkp.errors import UsageError
from edgefkp.study.grid import select
from edgefkp.study.store import Study


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def folders(tmp_path) -> list[str]:
    return ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]


def test_status_of_nothing_lists_every_cell_as_missing(folders):
    status = json.loads(run("status", "--json", *folders).stdout)
    assert status["missing"] == [cell.name for cell in select([])]
    assert status["done"] == status["running"] == []
    assert status["seconds_left"] == pytest.approx(sum(cell["left"] for cell in status["cells"]))


def test_status_shows_what_runs(folders, tmp_path):
    cell = select(["manual-drop"])[0]
    study = Study("", "csv", None, tmp_path / "out", tmp_path / "work")
    with study.claim(cell):
        study.progress_file(cell).write_text(json.dumps({"images": 30_000, "validation_rmse": 2.5, "seconds": 60}))
        table = run("status", "--only", "manual-drop", *folders).stdout
    assert "runs 25 %" in table
    assert "0 done, 1 running, 0 missing" in table
    assert "25 %" in run("status", "--only", "manual-drop", *folders).stdout  # stopped, with a checkpoint
    assert max(map(len, table.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "--data is missing"),
        (["run", "--data", "sample", "--only", "manuel-*"], "no cell is called manuel"),
        (["run", "--data", "sample", "--weights", "none.h5"], "no weights file at none.h5"),
    ],
)
def test_wrong_usage(arguments, message, folders):
    error = run(*arguments, *folders).exception
    assert isinstance(error, UsageError)
    assert message in error.message
