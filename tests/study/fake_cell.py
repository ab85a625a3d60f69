"""Stands for edgefkp.study.worker in tests: everything but the training and the scoring of a network is real.

FAKE_SECONDS: how long the training takes. FAKE_FAIL: name of a cell that fails. FAKE_DIE: name of a cell that kills
itself at its first start. Each start of a training adds the cell's name to starts.txt in the work folder.
"""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgefkp.card import NETWORK, Card, CardData
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file
from edgefkp.records import read_record
from edgefkp.study import worker
from tests.study.made_study import made_cell


def train(experiment, source, folder, resume, progress):
    name = folder.name
    with (folder.parent / "starts.txt").open("a") as stream:
        stream.write(f"{name}\n")
    first = (folder.parent / "starts.txt").read_text().split().count(name) == 1
    if name == os.environ.get("FAKE_FAIL"):
        raise EdgefkpError("this cell is made to fail", "nothing")
    progress.on_epoch({"epoch": 1, "images": experiment.recipe.images // 2, "validation_rmse": 2.0})
    if first and name == os.environ.get("FAKE_DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    path = folder / f"{experiment.model_name()}.keras"
    path.write_bytes(name.encode())
    parts = split(source)
    card = Card(
        NETWORK,
        experiment.model_name(),
        key=experiment.key(source, parts),
        sha256=sha256_file(path),
        bytes=path.stat().st_size,
        parameters=1,
        macs=1,
        data=CardData(source.name, source.train.hash, parts.hash, {}, {}, "none"),
        training={"plan": {"precision": "float32", "lanes": 1}},
        metrics={"validation_rmse": 1.5},
    )
    return path, card


def score(path, source, validation_rmse):
    made = made_cell("manual-drop", 2.0)
    return replace(made.scores, validation_rmse=validation_rmse), made.persons


def work(job: dict[str, Any]) -> bool:
    """As worker.work, for cells that are not trained."""
    worker._score = score
    worker.h5_bytes = lambda path: Path(path).stat().st_size
    asked = read_record(worker.Job, job, "the job")
    return worker.run(asked.study, asked.cell, train)
