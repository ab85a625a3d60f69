"""`recommend` chooses among the networks of a search, and names the commands that make the chosen one."""

import json
import shlex

import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.cli.export import command as export
from edgefkp.cli.train import command as train
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.files import write_json
from edgefkp.search.choices import recommend_network
from edgefkp.search.front import read_tuned
from tests.made_search import EARLIER, tuned, write_tuned


def choice(**limits):
    found = recommend_network(tuned(), **limits).chosen
    assert found
    return found.file


def test_the_lowest_error_within_a_time_and_the_fastest_within_an_error():
    assert choice(budget_ms=0.3) == "found_1"
    assert choice(budget_ms=0.15) == "found_0"
    assert choice(max_rmse=2.0) == "found_0"


def test_a_suspect_time_counts_only_where_that_is_asked_for():
    with pytest.raises(GateError):
        choice(max_rmse=1.45)
    found = recommend_network(tuned(), max_rmse=1.45, allow_suspect=True)
    assert found.chosen
    assert found.chosen.file == "found_4"
    assert found.ignored == ("found_4: SUSPECT, other processes kept 2.0 of 2 cores busy",)


def test_what_no_other_beats_is_marked():
    found = recommend_network(tuned())
    assert [(one.file, one.pareto) for one in found.choices] == [
        ("found_0", True),
        ("found_2", False),
        ("found_1", True),
        ("found_4", False),
    ]
    assert (found.left_out, found.device, found.faces) == (1, "a board", 30)


def test_a_search_without_times_says_so(tmp_path):
    stored = json.loads(write_tuned(tmp_path).read_text())
    for trial in stored["trials"]:
        trial["ms"] = trial["timing"] = None
    with pytest.raises(EdgefkpError, match="were not timed"):
        recommend_network(read_tuned(write_json(tmp_path / "x.json", stored)), 1.0)


def test_the_command_prints_what_to_type_next(tmp_path):
    file = write_tuned(tmp_path)
    done = CliRunner().invoke(cli, ["recommend", str(file), "--budget-ms", "0.3"])
    assert done.exit_code == 0, done.output
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "use found_1 with" in done.stdout
    words = [shlex.split(line.partition(": ")[2]) for line in done.stderr.splitlines()]
    network = f"{tmp_path}/found/trials/1/found_1.json"
    assert words[0] == ["edgefkp", "train", network, "--learning-rate", "0.002", "--data", "my faces"]
    assert words[1][:3] == ["edgefkp", "export", "found_1-masked-online"]
    train.make_context("train", words[0][2:])
    export.make_context("export", words[1][2:])


def test_a_search_of_an_earlier_version_is_shown_and_its_times_are_in_doubt(tmp_path):
    file = write_json(tmp_path / "older.json", EARLIER)
    assert CliRunner().invoke(cli, ["recommend", str(file)]).exit_code == 0
    done = CliRunner().invoke(cli, ["recommend", str(file), "--budget-ms", "1", "--allow-suspect", "--json"])
    assert json.loads(done.stdout)["chosen"]["file"] == "older_0"
