"""predict and demo unwind when a signal ends them: what is written is whole, and nothing else is left."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from edgefkp.detect.media import write_image
from edgefkp.detect.predict import PredictSettings, find_items, predict
from tests.discs import TINY

COMMAND = """
from edgefkp.runtime import signals
signals.unwind_on_signals()
from edgefkp.cli import main
main()
"""


def start(*words):
    return subprocess.Popen([sys.executable, "-c", COMMAND, *map(str, words)], stderr=subprocess.PIPE, text=True)


def ended(process, number, is_ready):
    deadline = time.monotonic() + 600
    while not is_ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, words = process.communicate(timeout=600)
    assert process.returncode == 128 + number, words
    assert "Traceback" not in words


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in"
    for number in range(40):
        image = np.random.default_rng(number).integers(0, 255, (60, 70, 3), np.uint8)
        write_image(folder / f"{number:02}.png", image)
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_predict_leaves_a_table_that_the_next_run_completes(tmp_path, photos, number, workers):
    out = tmp_path / "out"
    words = ["predict", photos, "--out", out, "--model", TINY, "--finder", "whole-image", "--workers", workers]
    (photos / "39.png").unlink()
    for count in range(400):  # enough work to be ended in the middle of it
        (photos / f"more-{count}.png").write_bytes((photos / "00.png").read_bytes())
    table = out / "points.csv"
    ended(start(*words), number, lambda: table.exists() and len(table.read_bytes().splitlines()) > 5)
    assert not list(tmp_path.rglob(".*"))
    own = PredictSettings(out, str(TINY), "whole-image")
    rest = predict(find_items([photos], out), own)
    assert rest.earlier >= 5
    assert rest.images + rest.earlier == 439
    assert len(table.read_bytes().splitlines()) == 440


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_closes_what_it_records(tmp_path, photos, number):
    import cv2

    video = tmp_path / "shown" / "d.mp4"
    words = ["demo", "--source", photos, "--display", "file", "--out", video, "--loop", "--model", TINY]
    process = start(*words, "--finder", "whole-image")
    ended(process, number, lambda: any(path.stat().st_size > 1000 for path in tmp_path.glob("shown/.*.mp4")))
    assert [path.name for path in video.parent.iterdir()] == ["d.mp4"]
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) > 0
