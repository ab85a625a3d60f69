"""A study of four cells whose trainings are fake (fake_cell), and how far it is."""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edgefkp.layout import KAGGLE15
from edgefkp.study import worker
from edgefkp.study.grid import select
from edgefkp.study.store import RUNNING, Study, state_of

ROOT = Path(__file__).parents[2]
CELLS = select(["manual-drop", "manual-masked-online", "small-*", "shi-*"])
NAMES = sorted(cell.name for cell in CELLS)


@pytest.fixture
def study(tmp_path) -> Study:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (30, 15, 2))).astype(np.float32)
    keypoints[::3, 5] = np.nan
    np.savez(tmp_path / "faces.npz", images=images, keypoints=keypoints, group=np.arange(30).astype(str))
    return Study(str(tmp_path / "faces.npz"), "csv", None, tmp_path / "study", tmp_path / "work")


def starts(study: Study) -> Counter[str]:
    file = study.work / "starts.txt"
    return Counter(file.read_text().split() if file.exists() else ())


def scored(study: Study) -> list[str]:
    return sorted(look.cell for look in worker.looks(study.test_log))


def scheduler(study: Study, workers: int = 2, ray: str = "", **environment: str) -> subprocess.Popen:
    arguments = [study.data, str(study.out), str(study.work), str(workers), ray, ",".join(NAMES)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.study.fake_study", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def running(study: Study) -> list[str]:
    return state_of(study, CELLS).names(RUNNING)
