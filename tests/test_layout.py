"""Names, mirror and mapping agree with Kaggle's files and with each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.layout import COLUMNS, LEFT_EYE, MEAN_SHAPE, MIRROR, NAMES, RIGHT_EYE, SIZE, denormalise, normalise


def test_columns_are_kaggles():
    assert len(COLUMNS) == 30
    assert COLUMNS[:3] == ("left_eye_center_x", "left_eye_center_y", "right_eye_center_x")
    assert COLUMNS[-1] == "mouth_center_bottom_lip_y"


def test_mirror_swaps_sides_and_is_its_own_inverse():
    assert (MIRROR[MIRROR] == np.arange(15)).all()
    for k, name in enumerate(NAMES):
        other = NAMES[MIRROR[k]]
        assert ("left" in name) == ("right" in other)
        assert name.replace("left", "").replace("right", "") == other.replace("left", "").replace("right", "")


def test_left_is_the_subjects():
    assert MEAN_SHAPE[LEFT_EYE, 0] > MEAN_SHAPE[RIGHT_EYE, 0]


@given(st.lists(st.floats(-50, 150, width=32), min_size=30, max_size=30))
def test_mapping_there_and_back(values):
    points = np.array(values, np.float32).reshape(1, 15, 2)
    np.testing.assert_allclose(denormalise(normalise(points)), points, atol=1e-4)


def test_the_pictures_edges_are_minus_one_and_one_and_missing_stays_missing():
    points = np.full((2, 15, 2), -0.5, np.float32)
    points[1] = SIZE - 0.5
    points[0, 3] = np.nan
    flat = normalise(points)
    assert flat.shape == (2, 30)
    assert (flat[1] == 1).all()
    assert np.isnan(flat[0, 6:8]).all()
    assert (np.delete(flat[0], [6, 7]) == -1).all()


def test_a_mirrored_face_has_negated_x():
    points = MEAN_SHAPE[None]
    mirrored = points[:, MIRROR] * (-1, 1) + (SIZE - 1, 0)
    flat, flat_mirrored = (normalise(p).reshape(1, 15, 2) for p in (points, mirrored))
    np.testing.assert_allclose(flat_mirrored[:, MIRROR] * (-1, 1), flat, atol=1e-6)
