"""train() writes a model that stands on its own, and does not do finished work again."""

import zipfile

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.layout import KAGGLE15
from edgefkp.networks.costs import cost_of
from edgefkp.training import batches
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import Plan
from edgefkp.training.train import Experiment, Progress, train

TINY = Recipe(images=64, batch=16, precision="float32")


@pytest.fixture(scope="module")
def source() -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 2, (80, 1, 2))).astype(np.float32)
    keypoints[::3, 5] = np.nan
    return Dataset("made", faces_of(images, keypoints, groups=np.arange(80).astype(str)), None, "drawn; free")


@pytest.fixture(autouse=True)
def _no_trial(monkeypatch):
    monkeypatch.setattr("edgefkp.training.train.choose_plan", lambda *arguments: Plan())


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgefkp.training.train.choose_plan", lambda *arguments: Plan())
        patch.setattr(batches, "EPOCH_IMAGES", 32)
        return train(Experiment("small", "masked", "online", TINY), source, tmp_path_factory.mktemp("models"))


def test_the_card_says_what_the_model_is(trained, source):
    path, card = trained
    assert path.name == "small-masked-online.keras"
    assert read_card(path) == card
    assert card.parameters == cost_of("small").parameters
    assert card.data.license == "drawn; free"
    assert card.data.hash == source.train.hash
    assert card.training["recipe"]["seed"] == 0
    assert [row["images"] for row in card.history][-1] == 64
    assert card.metrics["validation_rmse"] == min(row["validation_rmse"] for row in card.history)


def test_the_file_carries_its_card_and_what_rebuilds_it(trained, source, tmp_path):
    path, card = trained
    moved = tmp_path / "elsewhere.keras"
    moved.write_bytes(path.read_bytes())
    inside = read_card(moved)
    assert inside is not None
    assert inside.key == card.key
    with zipfile.ZipFile(moved) as archive:
        assert archive.testzip() is None
    evaluation, predicted = evaluate(moved, source, "validation")
    assert evaluation.score.rmse == pytest.approx(card.metrics["validation_rmse"], rel=1e-4)
    assert predicted.shape[1:] == (15, 2)


def test_resume_leaves_a_finished_model_alone(trained, source):
    path, card = trained
    before = path.stat().st_mtime_ns
    started = []
    _, again = train(
        Experiment("small", "masked", "online", TINY), source, path.parent, True, Progress(on_start=started.append)
    )
    assert again.key == card.key
    assert path.stat().st_mtime_ns == before
    assert not started


def test_names_and_values_are_checked_before_any_work(tmp_path, source):
    with pytest.raises(UsageError, match="unknown network 'smal'"):
        Experiment("smal")
    with pytest.raises(UsageError, match="unknown augment"):
        Experiment("small", augment="offline")
    with pytest.raises(UsageError, match="unknown loss"):
        Recipe(loss="l3")
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgefkpError, match="cannot write"):
        train(Experiment("small", recipe=TINY), source, tmp_path / "file" / "models")
