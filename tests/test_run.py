"""The whole way on few faces: once for real, then on what the first time left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("matplotlib")

from edgefkp import run
from edgefkp.card import read_card
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import UsageError
from edgefkp.files import read_json, sha256_file
from edgefkp.layout import KAGGLE15, InputSpec
from edgefkp.report.result import read_run
from edgefkp.training.plans import plan_experiments

PERSONS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def command(folder) -> list[str]:
    """The command line of a run on 60 drawn faces; given often."""
    images, keypoints = draw_all(60)
    groups = np.array([f"person {number % PERSONS}" for number in range(60)])
    np.savez(folder / "drawn.npz", images=images, keypoints=keypoints, group=groups)
    options = ["--models", "small", "--images", "96", "--batch", "8", "--quick", "--json", "--from", "none"]
    places = ["--data", str(folder / "drawn.npz"), "--out", str(folder / "out")]
    return [sys.executable, "-m", "edgefkp", "run", *options, *places]


@pytest.fixture(scope="module")
def environment(folder) -> dict[str, str]:
    return {**os.environ, "EDGEFKP_CACHE": str(folder / "cache")}


@pytest.fixture(scope="module")
def first(command, environment) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def test_a_run_leaves_everything_and_prints_only_its_result(first, folder):
    assert first.returncode == 0, first.stderr
    out = folder / "out"
    printed, stored = json.loads(first.stdout), read_run(out / "run.json")
    assert printed == read_json(out / "run.json")
    (model,) = stored.models
    assert [file.scheme for file in model.files] == ["float32", "int8"]
    assert model.images == 96
    assert stored.quick
    assert (out / "report.html").stat().st_size > 50_000
    assert stored.data["persons"]["test"] == 1
    assert stored.faces == stored.data["faces"]["test"] == 6


def test_the_numbers_are_those_of_the_files(first, folder):
    out = folder / "out"
    (model,) = read_run(out / "run.json").models
    for file in model.files:
        path = out / "export" / file.file
        assert file.bytes == path.stat().st_size
        assert file.sha256 == read_card(path).sha256
    float32, int8 = model.files
    assert float32.rmse == pytest.approx(model.rmse, abs=1e-3)
    assert int8.bytes < float32.bytes < model.bytes


def test_typed_again_nothing_is_made_again(first, command, environment, folder):
    files = [path for path in (folder / "out").rglob("*") if path.suffix in (".keras", ".tflite")]
    assert len(files) == 3
    before = {path: path.stat().st_mtime_ns for path in files}
    bench = read_json(folder / "out/bench/results/run.json")
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert read_json(folder / "out/bench/results/run.json") == bench
    now, then = json.loads(again.stdout), json.loads(first.stdout)
    assert {**now, "created": 0} == {**then, "created": 0}


def test_a_child_does_not_outlive_a_killed_run(first, command, environment, folder):
    long = [*command, "--images", "200000", "--out", str(folder / "killed")]
    started = subprocess.Popen(long, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    try:
        child = _wait(lambda: _descendants(started.pid, b"edgefkp.run"), "no child")
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
        _wait(lambda: not Path(f"/proc/{child[0]}").exists() or _is_zombie(child[0]), "the child lives on")
    finally:
        started.kill()
        started.stderr.close()


def _descendants(ancestor: int, name: bytes) -> list[int]:
    parents, named = {}, []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            process = int(status.parent.name)
            parents[process] = int(status.read_text().rsplit(")", 1)[1].split()[1])
            if name in (status.parent / "cmdline").read_bytes():
                named.append(process)
        except OSError:
            continue

    def descends(process: int) -> bool:
        return process in parents and (parents[process] == ancestor or descends(parents[process]))

    return [process for process in named if descends(process)]


def _is_zombie(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def _wait(condition, complaint: str):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    pytest.fail(complaint)


def test_each_network_has_its_own_amount_of_training():
    small, manual = plan_experiments(["small", "manual"], "masked", "online")
    assert small.recipe.images > manual.recipe.images
    asked = plan_experiments(["small", "manual"], "masked", "online", images=300)
    assert [one.recipe.images for one in asked] == [300, 300]


def test_epochs_replace_the_number_of_images():
    for quick in (False, True):
        (small,) = plan_experiments(["small"], "masked", "online", quick, epochs=3)
        assert (small.recipe.epochs, small.recipe.images) == (3, None)


def test_a_network_named_twice_is_trained_once():
    assert len(plan_experiments(["tuned", "tuned_augment"], "masked", "online")) == 1


def test_an_unknown_network_is_refused_before_anything_is_read():
    with pytest.raises(UsageError) as caught:
        plan_experiments(["smal"], "masked", "online")
    assert "small" in caught.value.hint


def test_a_job_reads_its_data_for_its_points_and_its_input(tmp_path):
    images, keypoints = draw_all(60)
    groups = np.array([f"person {number % PERSONS}" for number in range(60)])
    np.savez(tmp_path / "drawn.npz", images=images, keypoints=keypoints, group=groups)
    dataset = run.Job(str(tmp_path / "drawn.npz"), (), tmp_path, input=InputSpec(64)).dataset()
    assert dataset.input == InputSpec(64)
    assert dataset.train.images.shape[1:] == (64, 64)
    assert dataset.layout == KAGGLE15


@pytest.mark.slow
def test_what_was_destroyed_is_made_again(first, command, environment, folder):
    out = folder / "out"
    (keras,) = (out / "models").glob("*.keras")
    keras.write_bytes(np.random.default_rng(0).bytes(5000))
    for record in (out / "evaluation").glob("*.json"):
        record.write_text("[]")
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert again.returncode == 0, again.stderr
    assert f"{keras.name} is not what its card describes, and trained again" in again.stderr
    card = read_card(keras)
    assert card is not None
    assert card.sha256 == sha256_file(keras)
    (model,), (before,) = (json.loads(done.stdout)["models"] for done in (again, first))
    assert model["rmse"] == before["rmse"]


def test_models_of_another_run_are_replaced_only_if_asked(first, command, environment):
    other = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True, env=environment, timeout=300)
    assert other.returncode == 1
    assert "is the model of another training" in other.stderr
    assert "--replace" in other.stderr


@pytest.mark.slow
def test_few_faces_of_ones_own_are_fine_tuned_and_each_is_held_out_once(command, environment, folder):
    own = [word for word in command if word not in ("--models", "small", "--from", "none")]
    own[own.index(str(folder / "out"))] = str(folder / "own")
    done = subprocess.run(
        [*own, "--license", "drawn here"], capture_output=True, text=True, env=environment, timeout=900
    )
    assert done.returncode == 0, done.stderr
    result = read_run(folder / "own" / "run.json")
    (model,) = result.models
    assert model.model == "small.finetuned-masked-online"
    assert model.license.startswith("drawn here; inherited from small-masked-online.keras: ")
    assert [row.kind for row in result.own.rows] == ["untouched", "fine-tuned", "mean shape"]
    assert (result.own.faces, result.own.persons) == (60, PERSONS)
    assert "too few faces to train a network from scratch" in done.stderr
    assert "Your faces" in (folder / "own" / "report.html").read_text()
