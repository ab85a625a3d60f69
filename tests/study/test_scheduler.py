"""No cell is lost, run twice or scored twice, whatever is killed. The cells are fake; the rest is real."""

import json
import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import plain
from edgefkp.study import worker
from edgefkp.study.grid import select
from edgefkp.study.scheduler import run_study
from edgefkp.study.store import DONE, MISSING, state_of
from tests.study.fake_cell import score, work
from tests.study.fake_crew import CELLS, NAMES, running, scheduler, scored, starts, until


def test_all_cells_are_done_once_and_a_second_run_starts_none(study):
    notes: list[str] = []
    state = run_study(study, CELLS, 2, None, notes.append, work)
    assert sorted(state.names(DONE)) == NAMES
    assert state.left == 0
    assert any("validation 1.500 px" in note for note in notes)
    run_study(study, CELLS, 2, None, notes.append, work)
    assert starts(study) == Counter(NAMES)
    assert scored(study) == NAMES


def test_a_result_says_what_was_trained_on_what(study):
    run_study(study, CELLS[:1], 1, None, work=work)
    result = study.result(CELLS[0])
    assert result is not None
    assert result.identity.images == 120_000
    assert result.counts["imputed"] == 0
    assert result.counts["coordinates"] == 30 * result.counts["faces"]  # drop keeps complete rows only
    assert result.file["sha256"] == worker.looks(study.test_log)[0].sha256
    source = open_dataset(study.data)
    assert result.key == CELLS[0].experiment(None).key(source, split(source))


def test_a_failed_cell_is_named_and_keeps_no_other_from_running(study, monkeypatch):
    monkeypatch.setenv("FAKE_FAIL", "manual-drop")
    with pytest.raises(EdgefkpError, match="1 of 2 cells failed, first manual-drop: this cell is made") as caught:
        run_study(study, CELLS[:2], 1, None, work=work)
    assert str(study.log_file(CELLS[0])) in caught.value.hint
    assert state_of(study, CELLS[:2]).names(MISSING) == ["manual-drop"]
    monkeypatch.delenv("FAKE_FAIL")
    assert len(run_study(study, CELLS[:2], 1, None, work=work).names(DONE)) == 2


def test_a_killed_process_runs_again(study, monkeypatch):
    monkeypatch.setenv("FAKE_DIE", "manual-drop")
    names = sorted(cell.name for cell in CELLS[:2])
    assert len(run_study(study, CELLS[:2], 1, None, work=work).names(DONE)) == 2
    assert starts(study) == Counter([*names, "manual-drop"])
    assert scored(study) == names


def test_a_killed_scheduler_takes_its_cells_with_it_and_the_next_one_finishes(study):
    first = scheduler(study, FAKE_SECONDS="600")
    until(lambda: len(starts(study)) == 2)  # a claim alone, which `running` sees, is no start yet
    begun = running(study)
    first.kill()
    first.wait(10)
    until(lambda: not running(study))
    assert state_of(study, CELLS).cells[0].share in (0.0, 0.5)  # of the images, as its progress file says
    second = scheduler(study)
    assert second.wait(120) == 0
    assert sorted(state_of(study, CELLS).names(DONE)) == NAMES
    assert starts(study) == Counter([*NAMES, *begun])
    assert scored(study) == NAMES


def test_two_schedulers_share_a_study(study):
    schedulers = [scheduler(study, FAKE_SECONDS="1") for _ in range(2)]
    assert [one.wait(120) for one in schedulers] == [0, 0]
    assert starts(study) == Counter(NAMES)
    assert scored(study) == NAMES


def test_a_stopped_scheduler_stops_its_cells(study):
    process = scheduler(study, FAKE_SECONDS="600")
    until(lambda: len(running(study)) == 2)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert not running(study)
    assert scored(study) == []


@pytest.mark.parametrize("line", ["{", "[]", '{"cell": 3}', "\x00"])
def test_a_damaged_line_of_the_log_of_scores_is_named(study, line):
    study.test_log.parent.mkdir(parents=True, exist_ok=True)
    study.test_log.write_text(f"\n{line}\n")
    with pytest.raises(EdgefkpError, match="line 2"):
        worker.looks(study.test_log)


def test_the_test_split_is_looked_at_once(study, monkeypatch, tmp_path):
    looked = []
    monkeypatch.setattr(worker, "_score", lambda *given: looked.append(given) or score(*given))
    cell, source = CELLS[0], open_dataset(study.data)
    model = tmp_path / "a.keras"
    model.write_bytes(b"weights")
    once = worker.score_once(study, cell, model, source, 1.5)
    assert plain(worker.score_once(study, cell, model, source, 1.5)) == plain(once)
    assert len(looked) == len(worker.looks(study.test_log)) == 1
    model.write_bytes(b"other weights")
    with pytest.raises(EdgefkpError, match="was scored on the test split before"):
        worker.score_once(study, cell, model, source, 1.5)
    assert len(looked) == 1


def test_a_look_whose_log_line_was_lost_is_logged_without_a_second_look(study, monkeypatch, tmp_path):
    looked = []
    monkeypatch.setattr(worker, "_score", lambda *given: looked.append(given) or score(*given))
    model = tmp_path / "a.keras"
    model.write_bytes(b"weights")
    source = open_dataset(study.data)
    worker.score_once(study, CELLS[0], model, source, 1.5)
    study.test_log.unlink()  # as if killed between the scores' file and the log
    worker.score_once(study, CELLS[0], model, source, 1.5)
    assert len(looked) == 1
    assert scored(study) == [CELLS[0].name]


def test_results_of_other_data_are_refused(study, tmp_path):
    run_study(study, CELLS[:1], 1, None, work=work)
    with np.load(study.data) as stored:
        arrays = dict(stored)
    arrays["images"] = arrays["images"] ^ 1
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(EdgefkpError, match="made from other data"):
        run_study(replace(study, data=str(tmp_path / "other.npz")), CELLS, 1, None, work=work)


def test_missing_weights_are_told_before_any_work(study):
    with pytest.raises(UsageError, match="no weights file"):
        run_study(replace(study, weights="none.weights.h5"), select(["mobilenetv2-drop"]), 1, None, work=work)


def test_a_file_that_is_no_result_is_named(study):
    study.out.mkdir()
    study.result_file(CELLS[0]).write_text(json.dumps({"schema": "x"}))
    with pytest.raises(EdgefkpError, match="not the result of a cell"):
        state_of(study, CELLS)
