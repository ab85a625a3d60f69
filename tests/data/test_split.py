"""Persons are divided first; what is imputed can only be training faces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefkp.data.faces import Dataset, Faces, faces_of
from edgefkp.data.imputation import impute
from edgefkp.data.split import TrainingFaces, split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15
from tests.layouts import SMALL_RGB, THREE
from tests.made_faces import made_faces

MEAN_SHAPE = KAGGLE15.mean_points()


def source(groups, test=None, keypoints=None) -> Dataset:
    count = len(groups)
    if keypoints is None:
        keypoints = np.repeat(MEAN_SHAPE[None], count, 0) + np.arange(count)[:, None, None]
    images = np.zeros((count, 96, 96), np.uint8)
    return Dataset("made", faces_of(images, keypoints, groups=np.array(groups).astype(str)), test, "none")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=60, max_size=200), st.integers(0, 5))
def test_no_person_is_in_two_parts_and_no_face_is_lost(groups, seed):
    whole = source(groups)
    if len(set(groups)) < 5:
        return
    parts = split(whole, seed)
    sets = [set(part.groups) for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sets)) == len(set.union(*sets))
    assert sorted(np.concatenate([p.ids for p in (parts.train, parts.validation, parts.test)])) == sorted(
        whole.train.ids
    )
    assert split(whole, seed).hash == parts.hash


def test_a_sources_own_test_part_stays_whole():
    own = source(range(100, 120)).train
    parts = split(source(list(range(50)) * 2, test=own))
    assert parts.test is own
    assert len(parts.train) + len(parts.validation) == 100
    assert 8 <= len(parts.validation) <= 12


def test_too_few_persons():
    with pytest.raises(EdgefkpError, match="1 labeled persons"):
        split(source([7] * 20, test=source([8]).train))


def gaps() -> TrainingFaces:
    keypoints = np.repeat(MEAN_SHAPE[None], 6, 0) + np.arange(6, dtype=np.float32)[:, None, None]
    keypoints[0, 5] = np.nan
    keypoints[2:4, 5, 0] = np.nan
    faces = source([1, 2, 3, 4, 5, 6], keypoints=keypoints).train
    return TrainingFaces(faces.images, faces.keypoints, faces.ids, faces.groups, faces.label_src)


def test_drop_keeps_complete_rows():
    assert len(impute(gaps(), "drop")) == 3


def test_forward_fill_takes_the_row_above_and_at_the_top_the_first_below():
    faces = gaps()
    targets = impute(faces, "ffill").targets
    assert (targets[2:4, 5, 0] == faces.keypoints[1, 5, 0]).all()
    assert (targets[0, 5] == faces.keypoints[1, 5]).all()
    present = ~np.isnan(faces.keypoints)
    assert (targets[present] == faces.keypoints[present]).all()


def test_knn_fills_from_neighbors_and_leaves_the_rest():
    pytest.importorskip("sklearn")
    faces = gaps()
    targets = impute(faces, "knn").targets
    present = ~np.isnan(faces.keypoints)
    assert not np.isnan(targets).any()
    np.testing.assert_allclose(targets[present], faces.keypoints[present], rtol=1e-6)
    assert faces.keypoints[1, 5, 0] <= targets[2, 5, 0] <= faces.keypoints[5, 5, 0]


def test_masked_leaves_the_gaps_for_the_loss():
    faces = gaps()
    np.testing.assert_array_equal(impute(faces, "masked").targets, faces.keypoints)


def test_faces_that_were_not_split_cannot_be_imputed():
    faces: Faces = source(range(6)).train
    with pytest.raises(TypeError, match="split first"):
        impute(faces, "ffill")  # type: ignore[arg-type]


def test_what_leaves_nothing_is_an_error():
    faces = gaps()
    faces.keypoints[:, 0, 0] = np.nan
    pytest.importorskip("sklearn")
    for imputation in ("drop", "ffill", "knn"):
        with pytest.raises(EdgefkpError, match=r"no face has all|missing in every row|training row"):
            impute(faces, imputation)
    with pytest.raises(UsageError, match="unknown imputation 'mean'"):
        impute(faces, "mean")


@pytest.mark.parametrize("imputation", ["drop", "ffill", "knn", "masked"])
def test_another_layout_is_imputed_by_its_own_points(imputation):
    pytest.importorskip("sklearn")
    images, keypoints = made_faces(30, spec=SMALL_RGB)
    keypoints[4, 2] = np.nan
    faces = split(Dataset("made", faces_of(images, keypoints, layout=THREE), None, "none")).train
    gap = np.isnan(faces.keypoints).any((1, 2))
    assert gap.sum() == 1
    out = impute(faces, imputation)
    assert out.layout == THREE
    assert out.input == SMALL_RGB.input
    assert len(out) == len(faces) - (imputation == "drop")
    assert np.isnan(out.targets).any() == (imputation == "masked")
    assert out.take(np.arange(2)).layout == THREE
