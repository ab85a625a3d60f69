"""Workers share one search: each candidate is judged once, also where a worker is killed."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")

from edgefkp.errors import EdgefkpError
from edgefkp.records import read_record
from edgefkp.runtime import isolate
from edgefkp.search.candidate import Watcher
from edgefkp.search.front import TRAINED, Tuning
from edgefkp.search.trials import Trials, record_of
from edgefkp.search.tune import SearchJob
from edgefkp.search.workers import KILLED, work_apart

TUNING = Tuning("found", "wide", trials=4, images=64)


def judge(job: dict[str, Any]) -> None:
    """In a worker's process: judge without training. A file `kill` ends the process in the middle of a candidate."""
    asked = read_record(SearchJob, job, "the job")
    folder = asked.out / asked.tuning.name
    trials = Trials(folder, asked.tuning)
    while True:
        with trials.taken() as taken:
            if taken is None:
                return
            marks = sorted(asked.out.glob("kill*"))
            if marks:
                marks[0].unlink(missing_ok=True)
                os.kill(os.getpid(), signal.SIGKILL)
            if (asked.out / "fail").exists():
                raise EdgefkpError("the disk is full", "make room")
            isolate.report(["note", f"{os.getpid()} {taken.number}"])
            facts = {"parameters": 1, "macs": 1, "bytes": 1, "ms": 1.0, "validation_rmse": 2.0, "outcome": TRAINED}
            trials.finish(taken, record_of(taken.number, taken.point, facts))


def run(folder: Path, workers: int = 2) -> list[list[str]]:
    """[process, candidate] of each that was judged."""
    heard: list[str] = []
    work_apart(SearchJob(TUNING, folder, "sample"), workers, Watcher(heard.append), judge)
    return [line.split() for line in heard if line[0].isdigit()]


def test_each_candidate_is_judged_once(tmp_path):
    judged = run(tmp_path)
    assert sorted(number for _, number in judged) == list("0123")
    assert [trial.trial for trial in Trials(tmp_path / "found", TUNING).all()] == list("0123")


def test_a_killed_worker_is_replaced_and_its_candidate_is_judged(tmp_path):
    (tmp_path / "kill").touch()
    assert sorted(number for _, number in run(tmp_path)) == list("0123")


def test_workers_that_are_killed_again_and_again_end_the_search_in_two_lines(tmp_path):
    for number in range(2 * KILLED):
        (tmp_path / f"kill{number}").touch()
    with pytest.raises(EdgefkpError, match="SIGKILL, perhaps for want of memory") as caught:
        run(tmp_path, 1)
    assert "fewer --workers" in caught.value.hint


def test_the_error_of_a_worker_is_that_of_the_search(tmp_path):
    (tmp_path / "fail").touch()
    with pytest.raises(EdgefkpError, match="the disk is full"):
        run(tmp_path)
    (tmp_path / "fail").unlink()
    assert sorted(number for _, number in run(tmp_path)) == list("0123")
