"""Fine-tuning by train(): what it learns from few and from more faces, and what it leaves as it was."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import read_card
from edgefkp.data.split import cross_validated, split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.files import sha256_file
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.runtime.predictor import open_predictor
from edgefkp.training import batches, distillation
from edgefkp.training.experiment import Experiment
from edgefkp.training.learner import Learner
from edgefkp.training.recipe import RIDGE, Recipe
from edgefkp.training.train import Progress, train
from tests.tiny_network import FAST, TERMS, own_faces


@pytest.fixture
def asked(tiny, trained_tiny) -> Experiment:
    return Experiment("tiny", recipe=FAST, start=str(trained_tiny))


def test_few_faces_teach_the_last_layer_and_the_card_says_from_what(asked, trained_tiny, tmp_path):
    source = own_faces()
    path, card = train(asked, source, tmp_path)
    assert path.name == "tiny.finetuned-masked-online.keras"
    assert read_card(path) == card
    tuning = card.training["finetuning"]
    assert tuning["schedule"] == "head"
    assert tuning["chosen_by"] == "5-fold cross-validation over persons"
    assert tuning["rmse"]["head"] < tuning["rmse"]["untouched"] - 0.2
    assert (card.start.file, card.start.sha256) == (trained_tiny.name, sha256_file(trained_tiny))
    assert card.data.license == f"mine alone; inherited from {trained_tiny.name}: {TERMS}"
    assert card.data.faces["train"] == 40 - len(split(source).test)
    after, _ = evaluate(path, source)
    before, _ = evaluate(trained_tiny, source)
    assert after.score.rmse < before.score.rmse


def test_more_faces_teach_every_layer_and_validation_persons_choose(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 64)
    source = own_faces(120)
    _, card = train(asked, source, tmp_path)
    tuning = card.training["finetuning"]
    assert set(tuning["rmse"]) == {"untouched", "head", "all"}
    assert tuning["rmse"][tuning["schedule"]] == min(tuning["rmse"].values())
    assert card.metrics["validation_rmse"] == min(tuning["rmse"].values())
    assert [row["epoch"] for row in card.history] == [0, 1, 2, 3]


def test_where_there_is_nothing_to_learn_the_start_stays_as_it_is(asked, trained_tiny, tmp_path):
    source = own_faces()
    predictor = open_predictor(trained_tiny)
    right = replace(source.train, keypoints=predictor.predict(source.train.images))
    path, card = train(asked, replace(source, train=right), tmp_path)
    assert card.training["finetuning"]["schedule"] == "untouched"
    np.testing.assert_array_equal(open_predictor(path).predict(right.images), right.keypoints)


def test_a_schedule_that_is_asked_for_is_kept(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 32)
    _, card = train(replace(asked, schedule="all"), own_faces(), tmp_path)
    assert card.training["finetuning"]["schedule"] == "all"
    assert card.training["finetuning"]["chosen_by"] == "validation persons"
    with pytest.raises(UsageError, match="unknown schedule"):
        replace(asked, schedule="some")


def test_other_points_in_color_at_another_size(asked, tmp_path):
    part = KAGGLE15.part("nose_tip", "mouth_left_corner", "mouth_right_corner")
    source = own_faces()
    faces = source.train.in_layout(part).at(InputSpec(64, "rgb"))
    path, card = train(asked, replace(source, train=faces), tmp_path)
    assert path.name.startswith("tiny.finetuned.kaggle15-part")
    assert list(card.training["finetuning"]["rmse"]) == ["head"]
    assert card.metrics["validation_rmse"] < card.metrics["validation_rmse_mean_shape"] + 1
    assert open_predictor(path).predict(faces.images).shape == (40, 3, 2)


@pytest.mark.slow
def test_a_stopped_training_goes_on_as_if_it_had_not_been(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 32)
    source, all_of_it = own_faces(), replace(asked, schedule="all")
    whole, _ = train(all_of_it, source, tmp_path / "whole")

    def stop(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(all_of_it, source, tmp_path / "cut", progress=Progress(on_epoch=stop))
    assert list((tmp_path / "cut" / ".checkpoints").iterdir())
    path, _ = train(all_of_it, source, tmp_path / "cut", resume=True)
    images = source.train.images
    np.testing.assert_array_equal(open_predictor(path).predict(images), open_predictor(whole).predict(images))


def test_a_finished_one_is_not_made_again_and_takes_new_terms(asked, tmp_path):
    source = own_faces()
    path, _ = train(asked, source, tmp_path)
    before = open_predictor(path).predict(source.train.images)
    started = []
    progress = Progress(on_start=started.append)
    path, card = train(asked, replace(source, license="CC BY 4.0"), tmp_path, True, progress)
    assert not started
    assert card.data.license.startswith("CC BY 4.0; inherited from")
    path.with_suffix(".json").unlink()
    assert read_card(path).data.license == card.data.license
    np.testing.assert_array_equal(open_predictor(path).predict(source.train.images), before)


def test_the_start_is_a_part_of_the_key_by_its_content(asked, trained_tiny, tmp_path):
    source = own_faces()

    def key(experiment):
        return experiment.key(source, split(source))

    moved, other = tmp_path / "moved.keras", tmp_path / "other.keras"
    moved.write_bytes(trained_tiny.read_bytes())
    other.write_bytes(trained_tiny.read_bytes() + b"more")
    scratch = replace(asked, start=None)
    assert key(asked) == key(replace(asked, start=str(moved)))
    assert (
        len({key(one) for one in (scratch, asked, replace(asked, start=str(other)), replace(asked, schedule="all"))})
        == 4
    )
    assert scratch.model_name() == "tiny-masked-online"


def test_one_person_or_no_labels_are_too_few(asked, tmp_path):
    source = own_faces(persons=1)
    with pytest.raises(EdgefkpError, match="too few"):
        train(asked, source, tmp_path)
    bare = replace(source.train, keypoints=np.full_like(source.train.keypoints, np.nan))
    with pytest.raises(EdgefkpError, match="0 labeled persons"):
        train(asked, replace(source, train=bare), tmp_path)


def test_the_papers_set_and_copies_made_before_are_refused(tiny, trained_tiny):
    for changes in ({"augment": "paper"}, {"teacher_copies": 2}):
        with pytest.raises(UsageError, match="fine-tuning takes neither"):
            Experiment("tiny", start=str(trained_tiny), **changes)


@pytest.mark.parametrize("schedule", ["auto", "head"])
def test_teachers_of_altered_images_that_would_teach_nothing_are_refused(tiny, trained_tiny, tmp_path, schedule):
    about = {"teachers": (tmp_path / "teacher.tflite",), "teacher_online": True}
    with pytest.raises(UsageError, match="the last layer alone learns from labels"):
        Experiment("tiny", start=str(trained_tiny), schedule=schedule, **about)
    with pytest.raises(UsageError, match="a head that is solved"):
        Experiment("mobilenetv2_frozen", recipe=Recipe(head=RIDGE), **about)


class SameShape:
    """A teacher with one answer to every image."""

    spec = ModelSpec()

    def __init__(self) -> None:
        self.images = 0

    def predict(self, images: np.ndarray) -> np.ndarray:
        self.images += len(images)
        return np.full((len(images), 15, 2), 40, np.float32)


@pytest.mark.parametrize("copies", [0, 2])
def test_teachers_label_altered_images_of_a_training_with_a_start_too(asked, tmp_path, monkeypatch, copies):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(batches, "EPOCH_IMAGES", 64)
    teacher, learned, step = SameShape(), [], Learner.step
    monkeypatch.setattr(distillation, "open_predictor", lambda path: teacher)
    monkeypatch.setattr(Learner, "step", lambda self, *batch: learned.append(batch[1]) or step(self, *batch))
    name = tmp_path / "teacher.tflite"
    name.write_bytes(b"network")
    taught = {"teachers": (name,), "teacher_share": 1, "teacher_online": True, "teacher_copies": copies}
    _, card = train(replace(asked, schedule="all", **taught), own_faces(120), tmp_path)
    assert len(learned) == 2 * (card.data.faces["train"] // FAST.batch)
    assert np.ptp(np.concatenate(learned), axis=0).max() < 1e-5
    views_of_each_copy = 4 * copies * card.data.faces["train"]
    assert teacher.images == (views_of_each_copy if copies else len(learned) * FAST.batch)
    assert card.training["teachers"] == {name.name: sha256_file(name)}


def test_cross_validation_takes_every_face_but_those_of_the_test_part():
    parts = split(own_faces())
    crossed = cross_validated(parts)
    assert crossed.validation is crossed.train
    assert set(crossed.train.ids) == set(parts.train.ids) | set(parts.validation.ids)
    assert not set(crossed.train.groups) & set(parts.test.groups)
