"""Teachers' answers become targets; more faces come only from persons that are trained on."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from edgefkp.data.augment import AugmentConfig
from edgefkp.data.faces import Dataset, faces_of, with_extra_training_faces
from edgefkp.data.imputation import TrainingSet, impute
from edgefkp.data.split import TrainingFaces, split
from edgefkp.errors import UsageError
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.training import distillation
from edgefkp.training.experiment import Experiment

MEAN_SHAPE = KAGGLE15.mean_points()


@dataclass
class Fixed:
    """Puts the mean shape at the brightest column's side: knows left from right, so mirrors must be undone."""

    offset: float
    runtime: str = "test"
    version: str = "0"
    spec: ModelSpec = field(default_factory=ModelSpec)

    def predict(self, images: np.ndarray) -> np.ndarray:
        bright = images.mean(1).argmax(1).astype(np.float32)
        return MEAN_SHAPE + np.stack([bright - 47.5 + self.offset, 0 * bright], -1)[:, None]


def bars() -> np.ndarray:
    images = np.zeros((2, 96, 96), np.uint8)
    images[0, :, 40] = images[1, :, 60] = 255
    return images


def test_the_answer_for_the_mirror_image_is_turned_back():
    both = distillation.predict_with_flip(Fixed(0), bars())
    plain = Fixed(0).predict(bars())
    mirrored_shape = (MEAN_SHAPE * (-1, 1) + (95, 0))[KAGGLE15.mirror_order]
    expected = (plain + mirrored_shape + (plain - MEAN_SHAPE)) / 2
    np.testing.assert_allclose(both, expected, atol=1e-4)


def test_share_and_missing_points(monkeypatch, tmp_path):
    monkeypatch.setattr(distillation, "open_predictor", lambda path: Fixed(float(path.name)))
    targets = np.zeros((2, 15, 2), np.float32)
    targets[0, 3] = np.nan
    faces = TrainingSet(bars(), targets, np.array([1, 0.5], np.float32))
    offsets = [tmp_path / "0", tmp_path / "4"]
    all_answer = distillation.distill_targets(faces, offsets, 1.0).targets
    np.testing.assert_allclose(
        distillation.distill_targets(faces, offsets, 0.25).targets[1], 0.25 * all_answer[1], atol=1e-4
    )
    np.testing.assert_allclose(
        distillation.distill_targets(faces, offsets, 0.25).targets[0, 3], all_answer[0, 3], atol=1e-4
    )
    assert (distillation.distill_targets(faces, offsets, 0.25).weights == faces.weights).all()


def test_online_teachers_are_asked_about_the_images_that_are_shown(monkeypatch, tmp_path):
    monkeypatch.setattr(distillation, "open_predictor", lambda path: Fixed(float(path.name)))
    faces = TrainingSet(bars(), np.zeros((2, 15, 2), np.float32))
    relabel = distillation.online_teachers(faces, [tmp_path / "0", tmp_path / "4"], 0.75)
    shown = np.roll(bars(), 10, axis=2)  # as augmentation would move them
    targets = np.full((2, 15, 2), 8, np.float32)
    targets[1, 2] = np.nan
    answers = Fixed(2).predict(shown)  # the mean of both
    labels = relabel(shown, targets)
    np.testing.assert_allclose(labels[0], 0.75 * answers[0] + 0.25 * 8, atol=1e-4)
    np.testing.assert_allclose(labels[1, 2], answers[1, 2], atol=1e-4)


def test_online_teachers_need_teachers_and_images_that_are_altered(tmp_path):
    for changes in (
        {"teacher_online": True},
        {"teacher_online": True, "teachers": (tmp_path,), "augment": "none"},
    ):
        with pytest.raises(UsageError, match="every altered image"):
            Experiment("small", **changes)


def test_a_teacher_of_another_input_is_refused(monkeypatch, tmp_path):
    teacher = Fixed(0, spec=ModelSpec(KAGGLE15, InputSpec(64)))
    monkeypatch.setattr(distillation, "open_predictor", lambda path: teacher)
    faces = TrainingSet(bars(), np.zeros((2, 15, 2), np.float32))
    with pytest.raises(UsageError, match=r"has 64x64 gray in, 15 points .* the faces are 96x96 gray"):
        distillation.distill_targets(faces, [tmp_path / "x.keras"], 1.0)


def source(persons: list[str], seed: int, label_src: int = 1) -> Dataset:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (len(persons), 96, 96), np.uint8)
    points = np.repeat(MEAN_SHAPE[None], len(persons), 0)
    src = np.full((len(persons), 15), label_src, np.uint8)
    ids = np.array([f"{seed}-{i}" for i in range(len(persons))])
    return Dataset(f"s{seed}", faces_of(images, points, ids, np.array(persons), src), None, f"terms {seed}")


def test_more_faces_never_show_a_person_of_validation_or_test():
    persons = [f"p{i % 30}" for i in range(90)]
    main = source(persons, 0)
    alone = split(main)
    whole = with_extra_training_faces(main, [source([*persons, "new"], 1, 4)])
    parts = split(whole)
    assert parts.validation.hash == alone.validation.hash
    assert parts.test.hash == alone.test.hash
    held_out = set(parts.validation.groups) | set(parts.test.groups)
    assert not held_out & set(parts.train.groups)
    assert len(parts.train) == len(alone.train) * 2 + 1
    assert whole.license == "terms 0; terms 1"


def test_automatic_faces_weigh_what_they_are_given():
    parts = split(with_extra_training_faces(source([f"p{i}" for i in range(30)], 0), [source(["a", "b"], 1, 4)]))
    weights = impute(parts.train, "masked", automatic_weight=0.3).weights
    assert sorted(set(weights.tolist())) == [np.float32(0.3), 1.0]
    assert (weights < 1).sum() == 2
    some = replace(parts.train, label_src=np.where(np.arange(15) < 3, 1, parts.train.label_src).astype(np.uint8))
    assert isinstance(some, TrainingFaces)
    assert (impute(some, "masked", automatic_weight=0.3).weights == 1).all()


def test_copies_are_altered_each_by_its_own_draw():
    faces = TrainingSet(bars(), np.repeat(MEAN_SHAPE[None], 2, 0), np.array([1, 0.5], np.float32))
    made = distillation.augmented_copies(faces, 3, AugmentConfig(), seed=1)
    assert (len(made), made.weights.tolist()) == (6, [1, 0.5] * 3)
    assert len(np.unique(made.targets.reshape(6, -1), axis=0)) == 6
    assert (distillation.augmented_copies(faces, 3, AugmentConfig(), seed=1).images == made.images).all()
    assert distillation.augmented_copies(faces, 0, AugmentConfig()) is faces
