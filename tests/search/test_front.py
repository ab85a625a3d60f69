"""The front of a search, its file, and files of earlier versions."""

import json
from dataclasses import replace

import pytest

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import write_json
from edgefkp.networks.registry import read_point
from edgefkp.search.front import FAILED, SLOW, STOPPED, TRAINED, read_tuned, with_front
from edgefkp.training.experiment import Experiment
from tests.made_search import EARLIER, MEAN_SHAPE, TUNING, trial, trials, tuned, write_tuned


def front(objectives: tuple[str, ...], mean_shape: float = MEAN_SHAPE) -> list[str]:
    return [one.trial for one in with_front(trials(), objectives, mean_shape) if one.pareto]


def test_the_front_is_what_no_other_candidate_beats():
    assert front(("rmse", "ms", "kb")) == ["4", "1", "0"]
    assert front(("rmse",)) == ["4"]


def test_each_objective_can_put_a_candidate_on_the_front():
    small = trial(7, 0.5, 30, 3.0)
    for objectives, on_front in ((("rmse", "ms"), False), (("rmse", "kb"), True)):
        marked = with_front([*trials(), small], objectives, MEAN_SHAPE)
        assert next(one.pareto for one in marked if one.trial == "7") is on_front


def test_equal_candidates_are_both_on_the_front():
    twins = [trial(0, 0.1, 40, 2.0), trial(1, 0.1, 40, 2.0)]
    assert [one.pareto for one in with_front(twins, ("rmse", "ms", "kb"), MEAN_SHAPE)] == [True, True]


def test_what_does_not_beat_the_mean_shape_is_on_no_front():
    assert front(("rmse", "ms", "kb"), 1.45) == ["4"]


def test_the_file_is_read_as_it_was_written_and_names_a_network(tmp_path):
    file = write_tuned(tmp_path)
    assert json.loads(json.dumps(read_tuned(file).tuning.objectives)) == list(TUNING.objectives)
    assert [one.trial for one in read_tuned(file).front] == ["0", "1", "4"]
    assert {outcome: tuned().count(outcome) for outcome in (TRAINED, STOPPED, SLOW, FAILED)} == {
        **{TRAINED: 4, STOPPED: 1, SLOW: 1, FAILED: 1}
    }
    assert read_point(str(file)).name == "found"
    assert Experiment(str(file)).model_name() == "found-masked-online"


def test_a_file_of_an_earlier_search_is_read_and_trained(tmp_path):
    file = write_json(tmp_path / "older.json", EARLIER)
    assert [(one.trial, one.done, one.pareto) for one in read_tuned(file).trials] == [
        ("0", TRAINED, True),
        ("1", FAILED, False),
    ]
    assert Experiment(str(file)).model_name() == "older-masked-online"


@pytest.mark.parametrize("content", [[], {"schema": "edgefkp.run/1"}, {**EARLIER, "trials": 3}])
def test_another_file_is_refused_in_two_lines(tmp_path, content):
    file = write_json(tmp_path / "x.json", content)
    with pytest.raises(EdgefkpError) as caught:
        read_tuned(file)
    assert str(file) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        *({"space": "widest"}, {"name": "small"}, {"name": "a/b"}, {"budget": 0.0}),
        *({"objectives": ("ms", "kb")}, {"objectives": ("rmse", "speed")}, {"space": "authors", "trials": 193}),
    ],
    ids=str,
)
def test_wrong_usage(wrong):
    with pytest.raises(UsageError):
        replace(TUNING, **wrong)


def test_objectives_are_named_once_and_in_order():
    assert replace(TUNING, objectives=("kb", "rmse", "rmse")).objectives == ("rmse", "kb")


def test_a_file_that_is_no_network(tmp_path):
    (tmp_path / "x.json").write_text('{"name": "x", "space": "cube", "options": {}}')
    with pytest.raises(EdgefkpError, match="not a network"):
        Experiment(str(tmp_path / "x.json"))
    with pytest.raises(EdgefkpError, match="does not exist"):
        Experiment(str(tmp_path / "none.json"))
