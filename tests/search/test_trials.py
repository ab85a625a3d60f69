"""Candidates are handed out once, again when they were cut off, and always alike."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from edgefkp.errors import EdgefkpError
from edgefkp.search.front import SLOW, STOPPED, TRAINED, Tuning
from edgefkp.search.trials import JOURNAL, Taken, Trials, record_of

ROOT = Path(__file__).parents[2]
TUNING = Tuning("found", "wide", trials=12, images=64)
FACTS: dict[str, Any] = {"parameters": 1, "macs": 1, "bytes": 1000}


def finish(trials: Trials, taken: Taken, **facts: Any) -> None:
    """With values that follow from what was drawn."""
    width = taken.point.options["channels"][0]
    facts = {**FACTS, "ms": width / 100, "validation_rmse": 40 / width, "outcome": TRAINED, **facts}
    trials.finish(taken, record_of(taken.number, taken.point, facts))


def search(folder: Path, tuning: Tuning = TUNING, count: int = 99) -> list[Any]:
    """What was drawn, `count` candidates at most, in a process that was started again for each."""
    drawn: list[Any] = []
    while len(drawn) < count:
        trials = Trials(folder, tuning)
        with trials.taken() as taken:
            if taken is None:
                break
            drawn.append(taken.point)
            finish(trials, taken)
    return drawn


def test_as_many_as_are_wanted_and_more_can_follow(tmp_path):
    assert len(search(tmp_path, replace(TUNING, trials=3))) == 3
    assert search(tmp_path, replace(TUNING, trials=3)) == []
    assert len(search(tmp_path, replace(TUNING, trials=5))) == 2
    assert [one.trial for one in Trials(tmp_path, TUNING).all()] == list("01234")


def test_the_same_seed_draws_the_same_in_one_process_or_in_many(tmp_path):
    trials, drawn = Trials(tmp_path / "one", TUNING), []
    for _ in range(TUNING.trials):
        with trials.taken() as taken:
            assert taken
            drawn.append(taken.point)
            finish(trials, taken)
    assert search(tmp_path / "many") == drawn
    assert search(tmp_path / "other", replace(TUNING, seed=1)) != drawn
    assert len({str(point) for point in drawn}) == len(drawn)


def test_of_the_authors_space_none_is_drawn_twice(tmp_path):
    tuning = replace(TUNING, space="authors", trials=16)
    trials, drawn = Trials(tmp_path, tuning), []
    for _ in range(tuning.trials):
        with trials.taken() as taken:
            assert taken
            drawn.append(str(taken.point))
            trials.finish(taken, record_of(taken.number, taken.point, {**FACTS, "ms": 1.0, "outcome": STOPPED}))
    assert len(set(drawn)) == 16


def test_what_runs_is_not_handed_out_again_and_what_was_cut_off_is_with_its_facts(tmp_path):
    first, second = Trials(tmp_path, TUNING), Trials(tmp_path, TUNING)
    with first.taken() as one:
        assert one
        first.note(one, ms=0.5)
        with second.taken() as other:
            assert other
            assert (one.number, other.number) == (0, 1)
            finish(second, other)
        assert second.running() == 1
    with second.taken() as again:  # the block ended without a result, as a process that was killed
        assert again
        assert (again.number, again.point, again.facts) == (0, one.point, {"ms": 0.5})
        finish(second, again)
    assert [trial.trial for trial in first.all()] == ["0", "1"]


def test_a_killed_process_lets_go_of_its_candidate(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from edgefkp.search.front import Tuning\n"
        "from edgefkp.search.trials import Trials\n"
        "trials = Trials(Path(sys.argv[1]), Tuning('found', 'wide', trials=12, images=64))\n"
        "with trials.taken() as taken: print(taken.number, flush=True); time.sleep(600)"
    )
    held = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert held.stdout is not None
    assert held.stdout.readline() == b"0\n"
    trials = Trials(tmp_path, TUNING)
    with trials.taken() as other:
        assert other
        assert other.number == 1
    held.kill()
    held.wait()
    with trials.taken() as again:
        assert again
        assert again.number == 0


def test_optuna_learns_what_was_not_trained_to_its_end(tmp_path):
    trials = Trials(tmp_path, replace(TUNING, budget=1.0))
    curve = [(16, 5.0), (32, 4.0)]
    for outcome in ({"outcome": STOPPED, "curve": curve}, {"outcome": SLOW, "ms": 3.0}, {}):
        with trials.taken() as taken:
            assert taken
            finish(trials, taken, **({"validation_rmse": None} if outcome else {}), **outcome)
    stopped, slow, trained = trials._study.trials
    assert [one.state.name for one in (stopped, slow, trained)] == ["PRUNED", "PRUNED", "COMPLETE"]
    assert slow.constraints == {"ms": 2.0}
    assert len(trained.values) == 3
    assert trials.all()[0].curve == tuple(map(tuple, curve))
    search(tmp_path, replace(TUNING, budget=1.0, trials=12))  # ten begin at random, then it samples by these


def test_the_objectives_are_what_optuna_minimizes(tmp_path):
    for objectives in (("rmse",), ("rmse", "kb")):
        folder = tmp_path / str(len(objectives))
        search(folder, replace(TUNING, objectives=objectives))
        values = Trials(folder, replace(TUNING, objectives=objectives))._study.trials[0].values
        assert len(values) == len(objectives)


def test_a_journal_of_other_objectives_is_refused(tmp_path):
    search(tmp_path, count=1)
    with pytest.raises(EdgefkpError, match="it minimizes 3 numbers, expected 1"):
        Trials(tmp_path, replace(TUNING, objectives=("rmse",)))


def test_optunas_own_tools_read_the_journal(tmp_path):
    search(tmp_path, count=2)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL))
    study = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))
    assert [trial.params for trial in study.trials] == [one.params for one in Trials(tmp_path, TUNING)._study.trials]
    study.set_user_attr("seen", True)  # it may write, too
    assert len(Trials(tmp_path, TUNING).all()) == 2


def altered(path: Path, change: Any) -> None:
    logs = [json.loads(line) for line in path.read_text().splitlines()]
    for log in logs:
        change(log)
    path.write_text("".join(f"{json.dumps(log)}\n" for log in logs))


@pytest.mark.parametrize(
    "change",
    [
        lambda log: log.update(op_code=99),
        lambda log: log.pop("op_code"),
        lambda log: "param_value_internal" in log and log.update(param_value_internal=1e9),
        lambda log: "user_attr" in log and log.update(user_attr={"outcome": "great"}),
        lambda log: "user_attr" in log and log.update(user_attr={"ms": "fast"}),
    ],
)
def test_an_altered_journal_is_two_lines(tmp_path, change):
    search(tmp_path, count=2)
    altered(tmp_path / JOURNAL, change)
    with pytest.raises(EdgefkpError) as caught:
        Trials(tmp_path, TUNING)
    assert JOURNAL in caught.value.message
    assert caught.value.hint


def test_without_optuna_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(EdgefkpError, match="Optuna, which is not installed") as caught:
        Trials(tmp_path, TUNING)
    assert caught.value.exit_code == 4
    assert caught.value.hint == "pip install 'edgefkp[tune]'"
