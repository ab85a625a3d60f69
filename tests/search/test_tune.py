"""The search keeps to its budget, stops early, resumes, and ends with networks for `train`; trainings are fake."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("optuna")

from edgefkp.bench import harness
from edgefkp.bench.device import Device
from edgefkp.bench.devices import DEVICES, DeviceOptions, Listener, Work, open_device
from edgefkp.bench.devices.ssh import SshDevice
from edgefkp.bench.result import Result
from edgefkp.bench.result import read as read_result
from edgefkp.bench.verdict import VALID
from edgefkp.card import NETWORK, Card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.layout import KAGGLE15
from edgefkp.networks.registry import read_point
from edgefkp.runtime import interpreters
from edgefkp.search import candidate as module
from edgefkp.search.candidate import Watcher, measure_on
from edgefkp.search.front import FAILED, SLOW, STOPPED, TRAINED, Timing, Tuning, read_tuned
from edgefkp.search.trials import Trials
from edgefkp.search.tune import prepared, tune
from edgefkp.training.experiment import Experiment
from edgefkp.training.fit import Diverged
from tests.bench_parts import FLOAT, ONE

TUNING = Tuning("found", "wide", trials=3, images=400)
EPOCHS = (100, 200, 300, 400)


@pytest.fixture(scope="module")
def source() -> Dataset:
    rng = np.random.default_rng(0)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (30, 15, 2))).astype(np.float32)
    images = rng.integers(0, 256, (30, 96, 96), np.uint8)
    return Dataset("made", faces_of(images, keypoints, groups=np.arange(30).astype(str)), None, "drawn; free")


def rmse_by_width(experiment: Experiment) -> float:
    return 1 + float(experiment.resolved.options["channels"][0]) / 100


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """Names of the networks that were trained. The error of each falls to what its width sets, or to what the test has
    in `rmse_of`."""
    names: list[str] = []

    def train(experiment, source, out, resume, progress, replace):
        names.append(experiment.resolved.name)
        assert resume
        assert replace
        last = module.rmse_of(experiment)
        progress.on_start(400)
        for images in EPOCHS:
            progress.on_batch(16)
            progress.on_epoch({"images": images, "validation_rmse": last * (1 + (400 - images) / 400)})
        return Path("x"), Card(NETWORK, "x", metrics={"validation_rmse": last})

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "rmse_of", rmse_by_width, raising=False)
    return names


@pytest.fixture
def unbuilt(monkeypatch) -> None:
    """Candidates are neither built nor converted where nothing depends on what they are."""
    monkeypatch.setattr(module, "build", lambda *arguments: None)
    monkeypatch.setattr(module, "convert", lambda *arguments: b"1234")
    for count in ("parameters", "macs"):
        monkeypatch.setattr(module, count, lambda network: 1)


def timed(*times: float) -> Callable[[Path], Timing]:
    """A measurement that gives these times, one after the other."""
    left = iter(times)

    def measure(file: Path) -> Timing:
        ms = next(left)
        return Timing(ms, ms, ms, "litert", "2.3.0", VALID, [])

    return measure


def same(ms: float = 0.5) -> Callable[[Path], Timing]:
    return timed(*[ms] * 99)


def test_best_first_and_a_file_that_train_takes(source, trained, unbuilt, tmp_path):
    tuned = tune(TUNING, source, tmp_path, measure=same())
    errors = [trial.validation_rmse for trial in tuned.trials]
    assert errors == sorted(errors)
    assert len(trained) == len(errors) == 3
    file = str(tmp_path / "found.json")
    assert read_tuned(file).trials == tuned.trials
    network = read_point(file)
    assert network.name == "found"
    assert network.options == {name: tuple(value) for name, value in tuned.trials[0].options.items()}
    assert Experiment(file).model_name() == tuned.model == "found-masked-online"
    for trial in tuned.trials:
        one = tmp_path / "found" / "trials" / trial.trial / f"found_{trial.trial}.json"
        assert Experiment(str(one)).model_name() == f"found_{trial.trial}-masked-online"


def test_finished_candidates_are_not_run_again_and_more_can_follow(source, trained, unbuilt, tmp_path):
    first = tune(TUNING, source, tmp_path, measure=same())
    assert tune(TUNING, source, tmp_path, measure=same()) == first
    assert len(trained) == 3
    assert len(tune(replace(TUNING, trials=4), source, tmp_path, measure=same()).trials) == 4
    assert len(trained) == 4


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), EdgefkpError("cannot write x: No space left on device")])
def test_a_candidate_that_was_cut_off_is_handed_out_again(source, trained, unbuilt, tmp_path, monkeypatch, stop):
    real, times = module.train, timed(0.1, 0.2, 0.3)

    def broken(*arguments):
        if len(trained) == 1:
            raise stop
        return real(*arguments)

    whole = tune(TUNING, source, tmp_path / "whole", measure=timed(0.1, 0.2, 0.3))
    trained.clear()
    monkeypatch.setattr(module, "train", broken)
    with pytest.raises(type(stop)):
        tune(TUNING, source, tmp_path, measure=times)
    monkeypatch.setattr(module, "train", real)
    # Its time was measured before, and is not measured again.
    assert tune(TUNING, source, tmp_path, measure=times) == whole
    assert trained == ["found_0", "found_1", "found_2"]


def test_a_board_that_is_not_there_costs_no_candidate(source, trained, unbuilt, tmp_path):
    def gone(file: Path) -> Timing:
        raise EnvironmentProblem("ssh://board: Connection refused", "try: ssh board true")

    with pytest.raises(EnvironmentProblem):
        tune(TUNING, source, tmp_path, measure=gone)
    tuned = tune(TUNING, source, tmp_path, measure=same())
    assert [trial.done for trial in tuned.trials] == [TRAINED] * 3


def test_a_candidate_over_the_budget_is_timed_and_not_trained(source, trained, unbuilt, tmp_path):
    tuned = tune(replace(TUNING, budget=1.0), source, tmp_path, measure=timed(0.5, 2.0, 0.9))
    slow = next(trial for trial in tuned.trials if trial.ms == 2.0)
    assert (slow.validation_rmse, slow.done, slow.reason) == (None, SLOW, "2.000 ms, and 1 ms are allowed")
    assert tuned.trials[-1] == slow
    assert len(trained) == 2


def test_no_candidate_within_the_budget(source, trained, unbuilt, tmp_path):
    with pytest.raises(EdgefkpError, match=r"none of 3 candidates keeps to 0.1 ms; the fastest takes 0.500 ms"):
        tune(replace(TUNING, budget=0.1), source, tmp_path, measure=same(0.5))
    assert not trained


def test_a_training_that_cannot_reach_the_front_is_stopped(source, trained, unbuilt, tmp_path, monkeypatch):
    errors = iter([1.0, 1.1, 1.2, 1.3, 9.0, 9.0, 0.95])
    monkeypatch.setattr(module, "rmse_of", lambda experiment: next(errors))
    heard: list[str] = []
    # The sixth is as poor as the fifth, and faster than any other: it has a place on the front.
    measure = timed(0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.5)
    tuned = tune(replace(TUNING, trials=7), source, tmp_path, Watcher(heard.append), measure)
    done = {trial.trial: trial.done for trial in tuned.trials}
    assert done == {**dict.fromkeys("012356", TRAINED), "4": STOPPED}
    stopped = next(trial for trial in tuned.trials if trial.trial == "4")
    assert [images for images, _ in stopped.curve] == [100]
    assert "would become 9.000 px at best; candidate 0" in stopped.reason
    assert "candidate 4: 0.500 ms, 0 KB, stopped early" in heard
    assert not (tmp_path / "found/trials/4/.checkpoints").exists()
    states = [one.state.name for one in Trials(tmp_path / "found", TUNING)._study.trials]
    assert states == ["COMPLETE"] * 4 + ["PRUNED"] + ["COMPLETE"] * 2
    assert {trial.trial for trial in tuned.front} == {"6"}  # the fastest does not beat the mean shape


def test_a_training_that_fails_is_a_candidate_that_failed(source, trained, unbuilt, tmp_path, monkeypatch):
    def failing(experiment: Experiment) -> float:
        if experiment.resolved.name == "found_1":
            raise Diverged("the loss became NaN or infinite in epoch 1")
        return 1.0

    monkeypatch.setattr(module, "rmse_of", failing)
    tuned = tune(TUNING, source, tmp_path, measure=same())
    assert (tuned.trials[-1].trial, tuned.trials[-1].done) == ("1", FAILED)


def test_trainings_that_all_fail_are_not_blamed_on_the_budget(source, trained, unbuilt, tmp_path, monkeypatch):
    def failing(experiment: Experiment) -> float:
        raise Diverged("the loss became NaN")

    monkeypatch.setattr(module, "rmse_of", failing)
    with pytest.raises(EdgefkpError, match="none of 3 candidates could be trained to its end: the loss became NaN"):
        tune(replace(TUNING, budget=1.0), source, tmp_path, measure=same())


def test_a_network_that_cannot_be_built_is_a_candidate_that_failed(source, trained, unbuilt, tmp_path, monkeypatch):
    def build(network, spec):
        raise EdgefkpError("it cannot be built")

    monkeypatch.setattr(module, "build", build)
    with pytest.raises(EdgefkpError, match="could be trained to its end: it cannot be built"):
        tune(TUNING, source, tmp_path, measure=same())
    assert not trained


def test_without_time_nothing_is_timed_and_the_size_counts(source, trained, unbuilt, tmp_path, monkeypatch):
    sizes = iter([b"1", b"123", b"12"])
    monkeypatch.setattr(module, "convert", lambda *arguments: next(sizes))
    tuned = tune(replace(TUNING, objectives=("rmse", "kb")), source, tmp_path, measure=timed())
    assert [trial.ms for trial in tuned.trials] == [None] * 3
    assert "0" in {trial.trial for trial in tuned.front}
    assert not tuned.machine


def test_who_finds_every_candidate_handed_out_says_so(source, trained, unbuilt, tmp_path):
    tuning = replace(TUNING, trials=1)
    with prepared(tuning, source, tmp_path).taken(), pytest.raises(EdgefkpError, match="works on all 1 candidates"):
        tune(tuning, source, tmp_path, measure=same())


def test_another_search_under_the_same_name_is_refused(source, trained, unbuilt, tmp_path):
    tune(TUNING, source, tmp_path, measure=same())
    with pytest.raises(EdgefkpError, match="holds another search: images, objectives differ"):
        tune(replace(TUNING, images=128, objectives=("rmse", "ms")), source, tmp_path)


@pytest.fixture
def board() -> Iterator[list[Work]]:
    """A device of a kind of its own, and what it was asked to measure."""
    asked: list[Work] = []

    class Board:
        name, form, help = "toy", "toy://NAME", "a toy"
        is_here = False
        device = Device("toy://shelf")

        def matches(self, spec: str) -> bool:
            return spec.startswith("toy://")

        def open(self, spec: str, options: DeviceOptions) -> "Board":
            return self

        def measure(self, work: Work, listener: Listener) -> Result:
            asked.append(work)
            return harness.measure(work.cases, work.images, ONE, work.name, self.device)

    DEVICES.add(Board())
    yield asked
    DEVICES.remove("toy")


def test_a_candidate_is_timed_on_the_device_as_a_file_that_runs(source, trained, board, tmp_path):
    tuned = tune(replace(TUNING, trials=1, device="toy://shelf"), source, tmp_path)
    (work,) = board
    file = Path(work.cases[0].file)
    assert interpreters.load(file).predict(source.train.images[:1]).shape == (1, 15, 2)
    (trial,) = tuned.trials
    assert trial.ms
    assert trial.bytes == file.stat().st_size
    assert trial.timing
    assert trial.timing.verdict
    assert not tuned.machine  # the times are those of the device, whoever searches
    assert (file.parent / "bench.json").exists()


def test_this_machine_measures_by_the_usual_harness(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SETTINGS", ONE)
    file = tmp_path / "candidate.float32.tflite"
    file.write_bytes(FLOAT.read_bytes())
    timing = measure_on(open_device("cpu"))(file)
    assert 0 < timing.ms <= timing.ms_high
    assert timing.runtime


def test_a_board_measures_through_ssh(server: SshDevice, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SETTINGS", ONE)
    file = tmp_path / "candidate.float32.tflite"
    file.write_bytes(FLOAT.read_bytes())
    heard: list[str] = []
    options = DeviceOptions(python=server.python)
    timing = measure_on(open_device(server.name, options), heard.append)(file)
    assert timing.ms > 0
    assert timing.runtime
    assert read_result(tmp_path / "bench.json").device.name == server.name
    assert any(server.name in line for line in heard)
