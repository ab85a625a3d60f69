"""A worker that dies costs the image it died of, and nothing else."""

import os
import signal

import pytest

from edgefkp.detect import workers as workers_module
from edgefkp.detect.images import Item, Outcome, PredictSettings
from edgefkp.detect.workers import in_workers
from edgefkp.errors import EdgefkpError
from edgefkp.runtime.isolate import report
from tests.discs import TINY


def obedient(settings, items):
    """In a child: does what the items' names ask for."""
    if settings["model"] == "absent":
        raise EdgefkpError("no model", "give one")
    report("ready")
    for item in items:
        if item["name"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if item["name"] == "exception":
            raise ValueError("strange image")
        if item["name"] == "full":
            raise EdgefkpError("cannot write", "another disk")
        report({"rows": [], "sha256": item["name"], "reason": ""})


def outcomes(monkeypatch, tmp_path, names, count=2, **settings):
    monkeypatch.setattr(workers_module, "work", obedient)
    items = [Item(tmp_path / name, name) for name in names]
    return list(in_workers(items, PredictSettings(tmp_path, **settings), count))


def test_the_image_that_ends_a_worker_is_named_and_the_rest_goes_on(monkeypatch, tmp_path):
    names = ["a", "kill", "b", "c", "exception", "kill", "d"]
    found = outcomes(monkeypatch, tmp_path, names)
    assert [item.name for item, _ in found] == names
    assert [outcome.sha256 for _, outcome in found] == ["a", "", "b", "c", "", "", "d"]
    reasons = [outcome.reason for _, outcome in found if outcome.rows is None]
    assert "SIGKILL" in reasons[0]
    assert "strange image" in reasons[1]


def test_more_workers_than_images_are_not_started(monkeypatch, tmp_path):
    assert [outcome for _, outcome in outcomes(monkeypatch, tmp_path, ["a"], 100_000)] == [Outcome([], "a")]


@pytest.mark.parametrize(("names", "settings"), [(["a", "b"], {"model": "absent"}), (["a", "full"], {})])
def test_what_concerns_every_image_ends_the_run(monkeypatch, tmp_path, names, settings):
    with pytest.raises(EdgefkpError) as caught:
        outcomes(monkeypatch, tmp_path, names, **settings)
    assert caught.value.hint


def test_the_real_workers_start_from_any_folder(monkeypatch, tmp_path):
    for name in ("resource.py", "numpy.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('foreign code')")
    monkeypatch.chdir(tmp_path)
    items = [Item(tmp_path / "absent.jpg", "absent.jpg")]
    settings = PredictSettings(tmp_path, str(TINY), "whole-image")
    ((_, outcome),) = in_workers(items, settings, 2)
    assert "absent.jpg does not exist" in outcome.reason
