from dataclasses import replace

import pytest
from click.testing import CliRunner

from bench.render_docs import main, rendered
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.files import write_json
from edgefkp.report.run_table import table


@pytest.fixture
def document(result, tmp_path):
    write_json(tmp_path / "run.json", result)
    path = tmp_path / "PAGE.md"
    path.write_text("before\n<!-- table run run.json -->\nold\n<!-- end -->\nafter\n")
    return path


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_table_is_made_from_the_json_that_it_names(document, result):
    run(document)
    text = document.read_text()
    assert table(result).markdown() in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")


def test_made_twice_it_stays_the_same(document):
    run(document)
    first = document.read_text()
    run(document)
    assert document.read_text() == first


def test_check_tells_and_writes_nothing(document):
    before = document.read_text()
    assert isinstance(run(document, "--check").exception, GateError)
    assert document.read_text() == before
    run(document)
    assert run(document, "--check").exit_code == 0


def test_other_results_make_it_stale(document, result, tmp_path):
    run(document)
    write_json(tmp_path / "run.json", replace(result, mean_shape_rmse=9.5))
    assert isinstance(run(document, "--check").exception, GateError)


def test_an_unknown_kind_is_an_error(tmp_path):
    path = tmp_path / "PAGE.md"
    path.write_text("<!-- table weather x.json -->\n<!-- end -->\n")
    with pytest.raises(EdgefkpError, match="weather"):
        rendered(path)
