"""The last layer, solved at the end of a training, learns what mirrored images cannot teach."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.split import split
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import UsageError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.runtime.predictor import open_predictor
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import RIDGE
from edgefkp.training.train import Progress, train
from tests.tiny_network import FAST, own_faces

SOLVED = replace(FAST, solved=True)


def aside(count: int = 120, offset: float = 2.0) -> Dataset:
    """Drawn faces with every point `offset` pixels to the right of where its mirror image would be."""
    images, keypoints = draw_all(count, seed=1)
    groups = np.array([f"person {number % 20}" for number in range(count)])
    moved = (keypoints + np.float32([offset, 0])).astype(np.float32)
    return Dataset("mine", faces_of(images, moved, groups=groups), None, "mine alone")


def one_to_train_on() -> Dataset:
    images, keypoints = draw_all(40, seed=1)
    groups = np.array([f"person {number % 3}" for number in range(40)])
    return Dataset("mine", faces_of(images, keypoints, groups=groups), None, "mine alone")


@pytest.mark.parametrize("start", [False, True], ids=["new", "from a trained one"])
def test_points_that_all_lie_to_one_side_are_learned(start, tiny, trained_tiny, tmp_path):
    source = aside()
    begun = {"start": str(trained_tiny), "schedule": "all"} if start else {}
    path, card = train(Experiment("tiny", recipe=SOLVED, **begun), source, tmp_path)
    facts = card.training["solved"]
    assert facts["kept"]
    assert facts["after"] < facts["before"] - 0.1
    assert card.metrics["validation_rmse"] == facts["after"] == card.history[-1]["validation_rmse"]
    assert card.training["best_epoch"] == card.history[-1]["epoch"] == card.history[-2]["epoch"] + 1
    validation = split(source).validation
    off = open_predictor(path).predict(validation.images) - validation.keypoints
    assert abs(np.nanmean(off[..., 0])) < 0.8  # of 2
    assert evaluate(path, source, "validation")[0].score.rmse == pytest.approx(facts["after"], abs=1e-4)


def test_a_last_layer_that_validation_persons_do_not_gain_by_stays_as_it_was(tiny, trained_tiny, tmp_path, monkeypatch):
    from edgefkp.training import last_layer

    monkeypatch.setattr(last_layer, "solve", lambda known, start, pull: replace(start, bias=start.bias + 0.1))
    source = own_faces(120)
    plain_recipe, begun = replace(FAST, epochs=1), {"start": str(trained_tiny), "schedule": "all"}
    first, _ = train(Experiment("tiny", recipe=plain_recipe, **begun), source, tmp_path / "a")
    second, card = train(Experiment("tiny", recipe=replace(plain_recipe, solved=True), **begun), source, tmp_path / "b")
    assert not card.training["solved"]["kept"]
    images = split(source).validation.images
    answers = [open_predictor(path).predict(images) for path in (first, second)]
    np.testing.assert_allclose(*answers, atol=1e-3)
    assert card.metrics["validation_rmse"] == card.training["solved"]["before"]


def test_of_few_faces_folds_over_persons_judge(tiny, trained_tiny, tmp_path, monkeypatch):
    from edgefkp.training import last_layer

    chosen = last_layer.choose_pull
    monkeypatch.setattr(last_layer, "choose_pull", lambda *given: replace(chosen(*given), rmse=9.0))
    _, card = train(Experiment("tiny", recipe=SOLVED, start=str(trained_tiny)), own_faces(), tmp_path)
    assert card.training["solved"]["after"] == 9.0
    assert not card.training["solved"]["kept"]


def test_faces_of_one_person_are_refused_before_the_training(tiny, tmp_path):
    rows: list[dict] = []
    progress = Progress(on_epoch=rows.append)
    with pytest.raises(UsageError, match="all training faces are of one"):
        train(Experiment("tiny", recipe=SOLVED), one_to_train_on(), tmp_path, progress=progress)
    assert not rows


def test_what_has_no_faces_as_they_are_drawn_is_refused(tiny, tmp_path):
    with pytest.raises(UsageError, match="solved"):
        Experiment("tiny", augment="paper", recipe=SOLVED)
    with pytest.raises(UsageError, match="solved"):
        Experiment("mobilenetv2_frozen", recipe=replace(SOLVED, head=RIDGE))
    with pytest.raises(UsageError, match="solved"):
        Experiment("tiny", recipe=SOLVED, teachers=(tmp_path / "t.tflite",), teacher_copies=2)
