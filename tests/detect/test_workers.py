"""A worker that dies costs the image it died of, and nothing else."""

import os
import shutil
import signal
import time

import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.data import images as images_module
from edgefkp.detect import images as detect_images
from edgefkp.detect import workers as workers_module
from edgefkp.detect.images import TIMEOUT, Item, Outcome, PredictSettings
from edgefkp.detect.media import Video
from edgefkp.detect.predict import find_items, predict
from edgefkp.detect.workers import in_workers, work
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
        if item["name"] == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            report("begun")
            time.sleep(1000)
        if item["name"] == "exception":
            raise ValueError("strange image")
        if item["name"] == "full":
            raise EdgefkpError("cannot write", "another disk")
        report({"rows": [], "faces": 0, "sha256": item["name"], "reason": ""})


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


@pytest.mark.parametrize("count", [1, 2])
def test_the_image_that_holds_up_its_worker_is_named_and_the_rest_goes_on(monkeypatch, tmp_path, count):
    names = ["a", "hang", "b", "c", "hang"]
    found = outcomes(monkeypatch, tmp_path, names, count, timeout=2)
    assert [item.name for item, _ in found] == names
    assert [outcome.reason for _, outcome in found if outcome.rows is None] == [
        "it took longer than 2 s (--timeout)"
    ] * 2


def held_up(settings, items):
    """In a child: the real work, from a disk that does not answer for images called hang, nor after a frame."""
    real = Video.frames

    def frames(self):
        yield next(real(self))
        time.sleep(1000)

    def image_bytes(path):
        return time.sleep(1000) if path.name == "hang.png" else images_module.image_bytes(path)

    Video.frames = frames
    detect_images.image_bytes = image_bytes
    work(settings, items)


def test_a_video_that_stops_in_the_middle_is_named_and_nothing_of_it_is_left(monkeypatch, tmp_path, video):
    import cv2

    monkeypatch.setattr(workers_module, "work", held_up)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "hang.png", "z.png"):
        cv2.imwrite(str(tmp_path / "in" / name), np.zeros((96, 96, 3), np.uint8))
    shutil.copy(video, tmp_path / "in" / "clip.mp4")
    own = PredictSettings(tmp_path / "out", str(TINY), "whole-image", timeout=5)
    result = predict(find_items([tmp_path / "in"], own.out), own)
    assert result.images == 2
    assert result.skipped == {
        "hang.png": "it took longer than 5 s (--timeout)",
        "clip.mp4": "one of its frames took longer than 5 s (--timeout)",
    }
    left = sorted(str(path.relative_to(own.out)) for path in own.out.rglob("*.*"))
    assert left == ["faces/a.png", "faces/z.png", "points.csv", "predict.jsonl"]


def test_the_default_limit_is_that_of_the_help():
    assert f"[default: {TIMEOUT:g}]" in CliRunner().invoke(cli, ["predict", "--help"]).stdout


def test_more_workers_than_images_are_not_started(monkeypatch, tmp_path):
    assert [outcome for _, outcome in outcomes(monkeypatch, tmp_path, ["a"], 100_000)] == [Outcome([], sha256="a")]


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
