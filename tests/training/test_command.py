"""`edgefkp train` as a user types it, on faces that are drawn."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.data.synthetic import draw_all
from tests.doubtful_labels import faces, typed

pytest.importorskip("tensorflow")

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))


def has_loaded(process: int, library: bytes) -> bool:
    """The process that works for the program."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return any(library in Path(f"/proc/{child}/maps").read_bytes() for child in children)


def test_a_command_that_is_stopped_tells_once_how_to_go_on(tmp_path):
    images, keypoints = draw_all(60)
    np.savez(tmp_path / "drawn.npz", images=images, keypoints=keypoints, group=np.arange(60) // 6)
    few = ["--images", "300000"]  # for trials of plans
    words = ["train", "small", "--data", str(tmp_path / "drawn.npz"), *few, "--out", str(tmp_path)]
    command = [sys.executable, "-m", "edgefkp", *words]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not has_loaded(process.pid, b"libtensorflow_framework") and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert error.count("stopped") == 1
    assert "stopped; re-run the same command with --resume" in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("**/.*-*"))


def test_a_training_prints_its_audit_and_blames_doubtful_labels(tmp_path, capsys):
    def shuffled(points):
        return points[np.random.default_rng(0).permutation(30)]

    data = faces(tmp_path, shuffled)
    arguments = ["train", "nano", "--data", data, "--images", "16", "--augment", "none", "--out", str(tmp_path / "m")]
    code, path, err = typed(capsys, *arguments)
    assert code == 0, err
    card = read_card(path.strip())
    assert card is not None
    assert card.data is not None
    assert card.data.labels == {}, "the points were taken as they are"
    assert "audit of 30 faces: doubtful labels: images" in err
    assert "does not beat the mean shape; look at them before you train longer" in err
    assert "epochs" not in err.split("audit of")[1].replace("epoch 1", "")


def test_a_model_knows_how_its_labels_were_read(tmp_path, capsys):
    data = faces(tmp_path, lambda points: points / 96)
    out = ["--images", "16", "--augment", "none", "--out", str(tmp_path / "m"), "--json"]
    code, card, err = typed(capsys, "train", "nano", "--data", data, "--unit", "share", *out)
    assert code == 0, err
    assert json.loads(card)["data"]["labels"] == {"unit": "share"}
