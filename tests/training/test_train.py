"""train() writes a model that stands on its own, and does not do finished work again."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.layout import MEAN_SHAPE
from edgefkp.networks.costs import COSTS
from edgefkp.training import batches
from edgefkp.training.recipe import RECIPES, Recipe, read_recipe
from edgefkp.training.step_plan import Plan
from edgefkp.training.train import Experiment, Progress, train

TINY = Recipe(images=64, batch=16, precision="float32")


@pytest.fixture(scope="module")
def source() -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 96, 96), np.uint8)
    keypoints = (MEAN_SHAPE + rng.normal(0, 2, (80, 1, 2))).astype(np.float32)
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
    assert card.parameters == COSTS["small"].parameters
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


def test_the_key_changes_with_everything_that_decides_the_result(source):
    from edgefkp.data.split import split

    parts = split(source)
    base = Experiment("small", "masked", "online", TINY)
    others = [
        replace(base, network="manual"),
        replace(base, treatment="drop"),
        replace(base, augment="none"),
        replace(base, recipe=replace(TINY, seed=1)),
        replace(base, recipe=replace(TINY, learning_rate=1e-3)),
    ]
    keys = {one.key(source, parts) for one in [base, *others]}
    assert len(keys) == 6
    changed = replace(source, train=replace(source.train, images=source.train.images ^ 1))
    assert base.key(changed, split(changed)) not in keys
    assert base.key(source, parts) == Experiment("small", "masked", "online", replace(TINY, precision="auto")).key(
        source, parts
    )


def test_results_from_before_younger_changes_are_known_again(source, monkeypatch):
    from edgefkp.data.augment import AugmentConfig
    from edgefkp.data.split import split

    base = Experiment("small", "masked", "online", TINY)
    hashed = []
    monkeypatch.setattr("edgefkp.training.train.json_text", lambda identity: hashed.append(identity) or "")
    base.key(source, split(source))
    replace(base, recipe=replace(TINY, online=AugmentConfig(dark=0.2, peaked=True))).key(source, split(source))
    for younger in ("dark", "peaked"):
        assert [younger in identity[4]["online"] for identity in hashed] == [False, True]


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


def test_recipe_file(tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text('{"epochs": 3, "online": {"degrees": 5}}')
    recipe = read_recipe(file)
    assert (recipe.epochs, recipe.online.degrees, recipe.batch) == (3, 5, 64)
    file.write_text('{"epoch": 3}')
    with pytest.raises(EdgefkpError, match="not a recipe"):
        read_recipe(file)


def test_committed_recipes_are_found_by_name():
    names = [file.stem for file in RECIPES.glob("*.json")]
    assert {"nano", "small", "best"} <= set(names)
    assert all(isinstance(read_recipe(name), Recipe) for name in names)
    with pytest.raises(UsageError, match="no recipe 'nanno'") as caught:
        read_recipe("nanno")
    assert "nano" in caught.value.hint
