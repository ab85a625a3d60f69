"""Altered images that are kept with the teachers' answers, and shown again and again."""

from pathlib import Path

import numpy as np
import pytest

from edgefkp.data.augment import AugmentConfig, online_batch
from edgefkp.data.imputation import TrainingSet
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.training import shown_again
from edgefkp.training.distillation import predict_views
from edgefkp.training.shown_again import AGAIN, ShownAgain


class Brightest:
    """Puts every point at the brightest pixel, and remembers what it was asked about."""

    spec = ModelSpec()

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def predict(self, images: np.ndarray) -> np.ndarray:
        self.asked.append(images)
        rows, columns = np.unravel_index(images.reshape(len(images), -1).argmax(1), images.shape[1:])
        return np.repeat(np.stack([columns, rows], -1)[:, None], 15, 1).astype(np.float32)


@pytest.fixture
def teacher(monkeypatch, tmp_path) -> Brightest:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    found = Brightest()
    monkeypatch.setattr(shown_again, "open_teacher", lambda path, faces: found)
    return found


def dots() -> TrainingSet:
    """Three faces that are a soft dot in the dark, where the labels say; one label is missing."""
    rows, columns = np.mgrid[:96, :96]
    places = np.float32([(30, 40), (60, 50), (45, 62)])
    images = np.stack([255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50) for x, y in places])
    targets = np.repeat(places[:, None], 15, 1)
    targets[1, 3] = np.nan
    return TrainingSet(images.astype(np.uint8), targets, np.float32([1, 0.5, 1]))


def kept(tmp_path: Path, **changes) -> ShownAgain:
    (tmp_path / "teacher.tflite").write_bytes(b"network")
    values = dict(teachers=(tmp_path / "teacher.tflite",), share=0.75, config=AugmentConfig(), count=3, settled=2)
    return ShownAgain(dots(), **(values | changes))


def test_the_views_of_an_image_are_turned_back():
    faces = dots()
    np.testing.assert_allclose(
        predict_views(Brightest(), faces.images)[0], np.repeat(faces.targets[:1, 0], 15, 0), atol=0.6
    )


def test_a_copy_is_drawn_once_and_the_same_for_all(teacher, tmp_path):
    source = kept(tmp_path)
    first = source.copy(1)
    asked = len(teacher.asked)
    again, other = kept(tmp_path, share=0.0).copy(1), source.copy(0)
    assert asked == 4
    assert len(teacher.asked) == 8  # for the other copy alone
    assert (first.images == again.images).all()
    assert not (first.images == other.images).all()
    assert first.weights.tolist() == [1, 0.5, 1]
    images, labels = online_batch(
        dots().images, dots().targets, np.random.default_rng([0, 1]), AugmentConfig(), KAGGLE15
    )
    answers = predict_views(Brightest(), images)
    missing = np.isnan(labels)
    assert (first.images == images).all()
    np.testing.assert_allclose(first.targets[~missing], (0.75 * answers + 0.25 * labels)[~missing], atol=1e-4)
    np.testing.assert_allclose(first.targets[missing], answers[missing], atol=1e-4)
    np.testing.assert_allclose(again.targets[~missing], labels[~missing], atol=1e-4)


@pytest.mark.parametrize("changes", [{"config": AugmentConfig(blur=0.1)}, {"teachers": ()}])
def test_other_alterations_and_teachers_are_kept_apart(teacher, tmp_path, changes):
    assert kept(tmp_path, **changes).folder != kept(tmp_path).folder


def test_the_last_copies_are_altered_half_as_far(teacher, tmp_path):
    config = AugmentConfig(mirror=0, noise=0, blur=0, occlusion=0)
    far = [np.nanmax(np.abs(kept(tmp_path, config=config).copy(n).targets - dots().targets)) for n in (0, 1, 2)]
    near = [np.nanmax(np.abs(kept(tmp_path, config=config).copy(n).targets - dots().targets)) for n in (-1, -2)]
    assert max(near) < max(far)
    images, _ = online_batch(dots().images, dots().targets, np.random.default_rng([0, 0, 1]), config.halved(), KAGGLE15)
    assert (kept(tmp_path, config=config).copy(-1).images == images).all()


def test_the_copies_come_in_turn_and_the_settled_ones_at_the_end(teacher, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(ShownAgain, "copy", lambda source, number: made.append(number) or number)
    epochs = kept(tmp_path).epochs(2, settled_from=5, end=8)
    assert [epochs(epoch) for epoch in (2, 3, 4, 5, 6, 7)] == [2, 0, 1, -1, -2, -1]
    epochs.close()
    assert made == [2, 0, 1, -1, -2, -1]  # and none for an epoch that nobody sees


def test_shown_again_nothing_moves_but_the_mirror():
    faces = dots()
    rng = np.random.default_rng(0)
    _, targets = online_batch(faces.images, faces.targets, rng, AGAIN, KAGGLE15)
    mirrored = np.abs(targets[:, 0, 0] - faces.targets[:, 0, 0]) > 0.5
    assert 0 < mirrored.sum() < 3
    np.testing.assert_allclose(targets[mirrored, 0, 0], 95 - faces.targets[mirrored, 0, 0])
    np.testing.assert_allclose(targets[:, 0, 1], faces.targets[:, 0, 1])


def test_too_small_a_disk_is_named_before_anything_is_drawn(teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(shown_again.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(EdgefkpError, match=r"altered images take 0\.0 GB in .*cache.* are free"):
        kept(tmp_path)
    assert not teacher.asked


def test_a_damaged_copy_is_named(teacher, tmp_path):
    source = kept(tmp_path)
    source.copy(0)
    path = visible(source.folder, "*.npz")[0]
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(EdgefkpError, match=f"{path} is not") as raised:
        source.copy(0)
    assert raised.value.hint == f"delete {path}"
