"""The search keeps to its budget, resumes, and ends with a network for `train`; trainings are fake."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
keras_tuner = pytest.importorskip("keras_tuner")

from edgefkp.card import NETWORK, Card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export import convert as conversion
from edgefkp.layout import KAGGLE15
from edgefkp.networks.registry import NETWORKS, read_point
from edgefkp.runtime import interpreters
from edgefkp.search import tune as module
from edgefkp.search.space import SPACES
from edgefkp.search.tune import Tuning, tune
from edgefkp.training.train import Experiment

TUNING = Tuning("found", "wide", trials=3, images=64)


@pytest.fixture(scope="module")
def source() -> Dataset:
    rng = np.random.default_rng(0)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (30, 15, 2))).astype(np.float32)
    images = rng.integers(0, 256, (30, 96, 96), np.uint8)
    return Dataset("made", faces_of(images, keypoints, groups=np.arange(30).astype(str)), None, "drawn; free")


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """Names of the networks that were trained; the validation RMSE of each is set by its width."""
    names: list[str] = []

    def train(experiment, source, out, resume, replace):
        names.append(experiment.resolved.name)
        assert resume
        assert replace
        return Path("x"), Card(
            NETWORK, "x", metrics={"validation_rmse": 1 + experiment.resolved.options["channels"][0] / 100}
        )

    monkeypatch.setattr(module, "train", train)
    return names


@pytest.fixture
def unbuilt(monkeypatch) -> None:
    """Candidates are not built where nothing depends on what they are."""
    monkeypatch.setattr(module, "build", lambda *arguments: None)
    for count in ("parameters", "macs"):
        monkeypatch.setattr(module, count, lambda network: 1)


@pytest.fixture
def unconverted(unbuilt, monkeypatch) -> None:
    """Files are empty where a test gives their times."""
    monkeypatch.setattr(conversion, "convert", lambda *arguments: b"")


@pytest.mark.parametrize("name", ["tuned_drop", "tuned_ffill", "tuned_knn", "tuned_augment"])
def test_the_authors_space_holds_their_networks(name):
    options = NETWORKS[name].options
    hp = keras_tuner.HyperParameters()
    SPACES["authors"].point(hp)  # declares
    hp.values |= {"filters1": options["filters"][0], "filters2": options["filters"][1]}
    hp.values |= {f"kernel{index}": kernel for index, kernel in enumerate(options["kernels"], start=1)}
    assert SPACES["authors"].point(hp).options == options


def test_best_first_and_a_file_that_train_takes(source, trained, tmp_path):
    tuned = tune(TUNING, source, tmp_path)
    scores = [trial.score for trial in tuned.trials]
    assert scores == sorted(scores)
    assert len(trained) == len(scores) == 3
    network = read_point(str(tmp_path / "found.json"))
    assert network.name == "found"
    assert network.options == tuned.trials[0].options | {k: tuple(v) for k, v in tuned.options.items()}
    assert Experiment(str(tmp_path / "found.json")).model_name() == "found-masked-online"


def test_finished_trials_are_not_run_again_and_more_can_follow(source, trained, unbuilt, tmp_path):
    first = tune(TUNING, source, tmp_path)
    assert tune(TUNING, source, tmp_path) == first
    assert len(trained) == 3
    assert len(tune(replace(TUNING, trials=4), source, tmp_path).trials) == 4
    assert len(trained) == 4


def test_a_broken_off_trial_is_handed_out_again(source, trained, unbuilt, tmp_path, monkeypatch):
    real = module.train

    def broken(*arguments, **options):
        if len(trained) == 1:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(module, "train", broken)
    with pytest.raises(KeyboardInterrupt):
        tune(TUNING, source, tmp_path)
    monkeypatch.setattr(module, "train", real)
    tuned = tune(TUNING, source, tmp_path)
    assert sorted(trial.trial for trial in tuned.trials) == ["0", "1", "2"]
    assert trained == ["found_0", "found_1", "found_2"]


def test_a_candidate_over_the_budget_is_timed_and_not_trained(source, trained, unconverted, tmp_path):
    times = iter([0.5, 2.0, 0.9])
    tuned = tune(replace(TUNING, budget=1.0), source, tmp_path, clock=lambda file: next(times))
    slow = next(trial for trial in tuned.trials if trial.ms == 2.0)
    assert slow.validation_rmse is None
    assert slow.score == pytest.approx(2 * tuned.mean_shape_rmse)
    assert tuned.trials[-1] == slow
    assert len(trained) == 2


def test_no_candidate_within_the_budget(source, trained, unconverted, tmp_path):
    with pytest.raises(EdgefkpError, match=r"none of 3 candidates keeps to 0.1 ms; the fastest takes 0.500 ms"):
        tune(replace(TUNING, budget=0.1), source, tmp_path, clock=lambda file: 0.5)
    assert not trained


def test_a_candidate_is_timed_as_a_file_that_runs(source, trained, tmp_path):
    files = []

    def clock(file: Path) -> float:
        files.append(interpreters.load(file).predict(source.train.images[:1]).shape)
        return 0.5

    tune(replace(TUNING, budget=1.0, trials=1), source, tmp_path, clock=clock)
    assert files == [(1, 15, 2)]


def test_a_poor_network_within_the_budget_comes_before_one_over_it(source, trained, unconverted, tmp_path, monkeypatch):
    poor = 10_000.0  # worse than the mean shape

    def train(experiment, *arguments, **options):
        return Path("x"), Card(NETWORK, "x", metrics={"validation_rmse": poor})

    monkeypatch.setattr(module, "train", train)
    times = iter([2.0, 0.5, 3.0])
    tuned = tune(replace(TUNING, budget=1.0), source, tmp_path, clock=lambda file: next(times))
    assert (tuned.trials[0].ms, tuned.trials[0].validation_rmse) == (0.5, poor)
    assert [trial.ms for trial in tuned.trials] == [0.5, 2.0, 3.0]


def test_trainings_that_all_fail_are_not_blamed_on_the_budget(source, trained, unconverted, tmp_path, monkeypatch):
    def failing(*arguments, **options):
        raise EdgefkpError("the loss is no number any more")

    monkeypatch.setattr(module, "train", failing)
    with pytest.raises(EdgefkpError, match="none of 3 candidates could be trained"):
        tune(replace(TUNING, budget=1.0), source, tmp_path, clock=lambda file: 0.5)


def test_another_search_under_the_same_name_is_refused(source, trained, unbuilt, tmp_path):
    tune(TUNING, source, tmp_path)
    with pytest.raises(EdgefkpError, match="holds another search: images differ"):
        tune(replace(TUNING, images=128), source, tmp_path)


def test_a_training_that_fails_is_a_trial(source, trained, unbuilt, tmp_path, monkeypatch):
    real = module.train

    def failing(experiment, *arguments, **options):
        if experiment.resolved.name == "found_1":
            raise EdgefkpError("the loss is no number any more")
        return real(experiment, *arguments, **options)

    monkeypatch.setattr(module, "train", failing)
    tuned = tune(TUNING, source, tmp_path)
    assert tuned.trials[-1].trial == "1"
    assert tuned.trials[-1].validation_rmse is None


@pytest.mark.parametrize(
    "wrong",
    [{"space": "widest"}, {"name": "small"}, {"name": "a/b"}, {"budget": 0.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_usage(wrong):
    with pytest.raises(UsageError):
        replace(TUNING, **wrong)


def test_a_file_that_is_no_network(tmp_path):
    (tmp_path / "x.json").write_text('{"name": "x", "space": "cube", "options": {}}')
    with pytest.raises(EdgefkpError, match="not a network"):
        Experiment(str(tmp_path / "x.json"))
    with pytest.raises(EdgefkpError, match="does not exist"):
        Experiment(str(tmp_path / "none.json"))
