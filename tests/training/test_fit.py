"""A run that is killed and continued is the run that was not; the data alone decide what a batch holds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.data.faces import faces_of
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from edgefkp.networks.ours import plain
from edgefkp.training import batches
from edgefkp.training import fit as loop
from edgefkp.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import Plan

SPEC = ModelSpec()

# A run in a process of its own, since it is killed: four short epochs, a checkpoint after each.
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from edgefkp.data.faces import faces_of
from edgefkp.data.imputation import TrainingSet
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.training import batches, fit as loop
from edgefkp.training.step_plan import Plan
from edgefkp.training.recipe import Recipe
from edgefkp.networks.ours import plain
from edgefkp.networks.tensorflow import require_tensorflow

batches.EPOCH_IMAGES, loop.SAVE_SECONDS = 128, 0
rng = np.random.default_rng(0)
spec = ModelSpec()
require_tensorflow("this test")
images = rng.integers(0, 255, (64, 96, 96), np.uint8)
targets = (KAGGLE15.mean_points() + rng.normal(0, 3, (64, 15, 2))).astype(np.float32)
targets[::2, 3:9] = np.nan
result = loop.fit(
    lambda: plain(spec, (8, 8), (4, 2)), TrainingSet(images, targets), faces_of(images[:16], targets[:16]),
    Recipe(epochs=4, batch=32), Plan("float32", 2), spec, True, Path(sys.argv[1]),
    on_epoch=lambda row: print(row["epoch"], flush=True),
)
weights = {f"w{i}": w for i, w in enumerate(result.model.get_weights())}
np.savez(sys.argv[2], history=json.dumps(result.history), **weights)
"""


def run(tmp_path: Path, name: str) -> subprocess.Popen:
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / f"{name}.ckpt.npz"), str(tmp_path / f"{name}.npz")]
    with (tmp_path / f"{name}.log").open("a") as log:
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=log, text=True)


@pytest.mark.slow
def test_killed_and_continued_is_the_run_that_was_not(tmp_path):
    uninterrupted, process = run(tmp_path, "whole"), run(tmp_path, "killed")
    assert process.stdout is not None
    while process.stdout.readline().strip() != "2":
        assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    checkpoint = read_checkpoint(tmp_path / "killed.ckpt.npz")
    assert checkpoint is not None
    assert 1 <= checkpoint.epoch <= 3
    assert run(tmp_path, "killed").wait(600) == 0
    assert uninterrupted.wait(600) == 0
    whole, killed = (np.load(tmp_path / f"{name}.npz") for name in ("whole", "killed"))
    for name in whole.files:
        if name != "history":
            np.testing.assert_allclose(killed[name], whole[name], atol=1e-5)
    rows = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in json.loads(str(one["history"]))]
        for one in (whole, killed)
    ]
    assert len(rows[0]) == len(rows[1]) == 4
    for one, other in zip(*rows, strict=True):
        assert other == pytest.approx(one, abs=1e-5)


@pytest.mark.slow
def test_ctrl_c_keeps_the_last_finished_epoch(tmp_path):
    process = run(tmp_path, "stopped")
    assert process.stdout is not None
    while process.stdout.readline().strip() != "2":
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    log = tmp_path / "stopped.log"
    assert process.wait(120) != 0, log.read_text()
    checkpoint = read_checkpoint(tmp_path / "stopped.ckpt.npz")
    assert checkpoint is not None
    assert checkpoint.epoch >= 2, log.read_text()


def faces(count: int) -> TrainingSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (count, 96, 96), np.uint8)
    return TrainingSet(images, rng.uniform(0, 95, (count, 15, 2)).astype(np.float32))


def test_batches_depend_on_seed_and_epoch_alone():
    data = faces(40)
    recipe = Recipe(batch=8, seed=3)
    first, again = (list(batches.epoch_batches(data, recipe, 5, recipe.online, 4, SPEC)) for _ in range(2))
    other = list(batches.epoch_batches(data, recipe, 6, recipe.online, 4, SPEC))
    for (images, targets, _), (images2, targets2, _) in zip(first, again, strict=True):
        assert (images == images2).all()
        assert (targets == targets2).all()
    assert (first[0][0] != other[0][0]).any()


def test_targets_come_from_whoever_labels_the_altered_images():
    data = faces(40)
    recipe = Recipe(batch=8)
    altered = []

    def relabel(images, targets):
        altered.append(images)
        return np.full_like(targets, 47.5)  # the image's middle

    shown = list(batches.epoch_batches(data, recipe, 0, recipe.online, 3, SPEC, relabel))
    for (images, targets, _), asked in zip(shown, altered, strict=True):
        assert (images == asked).all()
        np.testing.assert_allclose(targets, 0, atol=1e-6)


def test_the_last_images_are_altered_half_as_much(monkeypatch):
    seen = []

    def record(faces, recipe, epoch, online, count, spec, relabel):
        seen.append((online.degrees, online.occlusion, online.mirror))
        return real(faces, recipe, epoch, online, count, spec, relabel)

    real = batches.epoch_batches
    monkeypatch.setattr(loop, "epoch_batches", record)
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 1)
    data = faces(16)
    validation = faces_of(data.images, data.targets)
    recipe = Recipe(epochs=4, batch=8, settled=0.5)
    loop.fit(lambda: plain(SPEC, (8, 8), (4, 4)), data, validation, recipe, Plan("float32", 1), SPEC, online=True)
    whole, half = (20, 0.2, 0.5), (10, 0.1, 0.5)
    assert seen == [whole, whole, half, half]


def test_an_epoch_shows_every_face_and_keeps_image_and_points_together(monkeypatch):
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 1)
    data = faces(32)
    seen = list(batches.epoch_batches(data, Recipe(batch=8), 0, None, batches.epoch_size(32, 8), SPEC))
    images = np.concatenate([batch[0] for batch in seen])
    targets = SPEC.decode(np.concatenate([batch[1] for batch in seen]))
    position = {image.tobytes(): row for row, image in enumerate(data.images)}
    rows = [position[image.tobytes()] for image in images]
    assert sorted(rows) == list(range(32))
    np.testing.assert_allclose(targets, data.targets[rows], atol=1e-4)


def test_fewer_faces_than_a_batch_still_make_one():
    assert len(next(iter(batches.epoch_batches(faces(3), Recipe(batch=4096), 0, None, 1, SPEC)))[0]) == 4096


def test_damaged_checkpoint_is_no_checkpoint(tmp_path):
    path = tmp_path / "c.npz"
    assert read_checkpoint(path) is None
    write_checkpoint(path, Checkpoint(3, [{"epoch": 3}], Plan("float32", 4), [np.arange(4.0)], [np.ones(2)]))
    again = read_checkpoint(path)
    assert again is not None
    assert (again.epoch, again.plan) == (3, Plan("float32", 4))
    assert (again.state[0] == np.arange(4.0)).all()
    path.write_bytes(path.read_bytes()[:200])
    assert read_checkpoint(path) is None


def test_a_plan_of_another_version_is_named(tmp_path):
    path = tmp_path / "c.npz"
    meta = {"epoch": 3, "history": [], "plan": {"precision": "float32", "lanes": 2, "streams": 4}}
    np.savez(path, meta=np.array(json.dumps(meta)))
    with pytest.raises(EdgefkpError, match="there is no field streams"):
        read_checkpoint(path)
    meta["plan"] = {"lanes": "two"}
    np.savez(path, meta=np.array(json.dumps(meta)))
    with pytest.raises(EdgefkpError, match="lanes is str, expected integer"):
        read_checkpoint(path)
