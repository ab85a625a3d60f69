"""What own faces gain: every face held out once, and a verdict that does not flatter."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.training.comparison import (
    MEAN_SHAPE,
    SCRATCH,
    TUNED,
    ComparedModel,
    Comparison,
    compare,
    has_few_faces,
    verdict,
)
from edgefkp.training.experiment import Experiment
from edgefkp.training.schedule import UNTOUCHED
from tests.tiny_network import FAST, own_faces

START = ComparedModel(UNTOUCHED, "small-masked-online", 1.0, (0.9, 1.1))
MEAN = ComparedModel(MEAN_SHAPE, "", 4.0, (3.5, 4.5), (2.5, 3.5))


def comparison(*rows: ComparedModel) -> Comparison:
    return Comparison([START, *rows, MEAN], 42, 21, 1260, "each face once", True)


def test_a_better_one_is_recommended_with_what_it_gains():
    tuned = ComparedModel(TUNED, "small.finetuned", 0.8, (0.7, 0.9), (-0.3, -0.1))
    found = comparison(tuned)
    assert found.recommended is tuned
    assert verdict(found).startswith(
        "Use small.finetuned (fine-tuned): 0.80 px, 20% below small-masked-online untouched"
    )


@pytest.mark.parametrize("interval", [(-0.1, 0.02), (0.1, 0.3)])
def test_one_that_is_not_better_is_called_that_and_the_start_is_recommended(interval):
    error = 1.0 + sum(interval) / 2
    found = comparison(ComparedModel(TUNED, "small.finetuned", error, (error - 0.1, error + 0.1), interval))
    assert found.recommended is START
    text = verdict(found)
    assert text.startswith("Use small-masked-online untouched: 1.00 px")
    assert f"not better than that (fine-tuned {error:.2f} px)" in text


def test_the_best_of_several_that_are_better_is_recommended():
    tuned = ComparedModel(TUNED, "small.finetuned", 0.8, (0.7, 0.9), (-0.3, -0.1))
    scratch = ComparedModel(SCRATCH, "small", 0.7, (0.6, 0.8), (-0.4, -0.2))
    assert comparison(tuned, scratch).recommended is scratch


def test_without_the_points_of_the_start_there_is_no_untouched_row_to_beat():
    tuned = ComparedModel(TUNED, "small.finetuned.ears", 2.0, (1.8, 2.2))
    found = Comparison([tuned, MEAN], 42, 21, 252, "test persons", True)
    assert found.recommended is tuned
    assert "has other points" in verdict(found)


def test_each_face_is_held_out_once_by_folds_over_persons(tiny, trained_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("edgefkp.training.least_squares.FOLDS", 2)
    source, told = own_faces(), []
    asked = Experiment("tiny", recipe=FAST, start=str(trained_tiny))
    found = compare([asked], [], source, tmp_path, told.append)
    assert [row.kind for row in found.rows] == [UNTOUCHED, TUNED, MEAN_SHAPE]
    assert (found.faces, found.persons, found.coordinates) == (40, 10, 40 * 30)
    assert found.held_out == "each face once, 2-fold cross-validation over persons"
    untouched, tuned, _ = found.rows
    assert tuned.rmse < untouched.rmse
    assert tuned.difference is not None
    assert untouched.difference is None
    assert len(told) == 2
    again = compare([asked], [], source, tmp_path)  # from the folds' models
    assert again == found


def test_a_test_part_is_used_where_there_is_one(tiny, trained_tiny, tmp_path):
    source = own_faces()
    held_out = np.isin(source.train.groups, ["person 0", "person 1"])
    parted = replace(source, train=source.train.take(~held_out), test=source.train.take(held_out))
    assert has_few_faces(source)
    assert not has_few_faces(parted)
    asked = Experiment("tiny", recipe=FAST, start=str(trained_tiny))
    found = compare([asked], [trained_tiny], parted, tmp_path)
    untouched, tuned, _ = found.rows
    assert found.faces == int(held_out.sum())
    assert tuned.rmse == untouched.rmse  # the same file
    assert found.recommended is untouched
    assert verdict(found).startswith("Use tiny-masked-online untouched")
