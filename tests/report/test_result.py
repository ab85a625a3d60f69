import pytest

from edgefkp.data.faces import shown_rows
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_json
from edgefkp.records import NewerField
from edgefkp.report.result import read_run


def test_a_stored_run_is_read_as_it_was(result, tmp_path):
    assert read_run(write_json(tmp_path / "run.json", result)) == result


def test_what_a_newer_version_adds_is_left_out(result, tmp_path):
    stored = read_json(write_json(tmp_path / "run.json", result))
    stored["weather"] = stored["models"][0]["mood"] = "new"
    with pytest.warns(NewerField, match="weather and 1 more|mood and 1 more"):
        assert read_run(write_json(tmp_path / "run.json", stored)) == result


@pytest.mark.parametrize("damage", [{"schema": "edgefkp.bench/1"}, {"models": [{}]}, {"faces": None, "models": 3}])
def test_another_file_is_refused(result, tmp_path, damage):
    stored = {**read_json(write_json(tmp_path / "run.json", result)), **damage}
    with pytest.raises(EdgefkpError, match=r"run\.json"):
        read_run(write_json(tmp_path / "run.json", stored))


def test_a_list_is_no_run(tmp_path):
    with pytest.raises(EdgefkpError, match="list"):
        read_run(write_json(tmp_path / "run.json", [1]))


def test_a_sheet_takes_all_of_few_faces_and_twelve_of_many():
    assert shown_rows(5).tolist() == [0, 1, 2, 3, 4]
    assert len(set(shown_rows(100).tolist())) == 12
