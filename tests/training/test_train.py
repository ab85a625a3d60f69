"""train() writes a model that stands on its own, and does not do finished work again."""

import zipfile

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import card_path, read_card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.files import sha256_file
from edgefkp.layout import KAGGLE15
from edgefkp.networks.costs import cost_of
from edgefkp.runtime.shipped import models
from edgefkp.training import batches
from edgefkp.training.checkpoint import read_checkpoint
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import Plan
from edgefkp.training.train import Progress, _terms, train

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


@pytest.fixture
def again(trained, source, tmp_path):
    """A copy of the trained model, and train() for it with what it notes and whether it trained."""
    path = tmp_path / trained[0].name
    for file in (trained[0], card_path(trained[0])):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    def train_again(resume: bool = True, replace: bool = False, recipe: Recipe = TINY) -> tuple[list[str], bool]:
        notes: list[str] = []
        started: list[int] = []
        progress = Progress(on_start=started.append, on_note=notes.append)
        train(Experiment("small", "masked", "online", recipe), source, tmp_path, resume, progress, replace)
        card = read_card(path)
        assert card is not None
        assert card.sha256 == sha256_file(path)
        return notes, bool(started)

    return path, train_again


def test_a_destroyed_model_is_trained_again_and_that_is_told(again):
    path, train_again = again
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    notes, trained_again = train_again()
    assert trained_again
    assert notes == [f"{path.name} is not what its card describes, and trained again"]
    assert train_again() == ([], False)


@pytest.mark.parametrize("damage", ["[", "[]", None])
def test_a_lost_or_damaged_card_is_written_again_from_the_one_inside(again, damage):
    path, train_again = again
    card_path(path).unlink() if damage is None else card_path(path).write_text(damage)
    notes, trained_again = train_again()
    assert not trained_again
    assert "written again" in notes[0]


def test_a_model_of_another_training_is_replaced_only_if_asked(again):
    path, train_again = again
    before = path.read_bytes()
    other = Recipe(images=64, batch=16, precision="float32", seed=1)
    for resume in (False, True):
        with pytest.raises(EdgefkpError, match="the model of another training") as caught:
            train_again(resume, recipe=other)
        assert "--replace" in caught.value.hint
    assert path.read_bytes() == before
    assert train_again(recipe=other, replace=True) == ([], True)
    assert path.read_bytes() != before


def test_a_model_whose_card_is_lost_and_damaged_is_not_replaced_unasked(again):
    path, train_again = again
    path.write_bytes(b"of somebody else's")
    card_path(path).unlink()
    with pytest.raises(EdgefkpError, match="a model without a whole card"):
        train_again()
    assert path.read_bytes() == b"of somebody else's"


@pytest.mark.parametrize("values", [{"teacher_share": 1.5}, {"automatic_weight": float("nan")}, {"teacher_copies": -1}])
def test_numbers_of_an_experiment_have_limits(values):
    with pytest.raises(UsageError, match="expected 0 to"):
        Experiment("small", **values)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 of a zip", b"\x93NUMPY"])
def test_a_damaged_checkpoint_begins_anew(tmp_path, content):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(content)
    assert read_checkpoint(path) is None
    np.savez(path, meta=np.array('{"epoch": 1, "history": []}'))
    assert read_checkpoint(path) is None


def test_a_variant_is_part_of_the_name_alone(source):
    plain, free = Experiment("small"), Experiment("small", variant="free")
    assert free.model_name() == "small.free-masked-online"
    assert free.key(source, split(source)) == plain.key(source, split(source))
    for name in ("Free", "my-own", "ibug68"):
        with pytest.raises(UsageError, match="is no variant"):
            Experiment("small", variant=name)


def test_the_terms_of_what_taught_a_model_are_its_own(source):
    teacher = models(".keras")[0]
    terms = _terms(Experiment("nano", teachers=(teacher, teacher)), source)
    assert terms.startswith("drawn; free; taught by a model of: Labeled Faces in the Wild")
    assert terms.count("taught") == 1
    assert _terms(Experiment("nano"), source) == "drawn; free"
