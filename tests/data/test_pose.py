"""The pose that points show: exact for the generic head itself, consistent under mirrors and rotations."""

import numpy as np
import pytest

from edgefkp.data.pose import HEAD, Pose, angles, pose_of, poses, rotation, shows_pose
from edgefkp.geometry import mirror, move_points, similarity
from edgefkp.layout import KAGGLE15
from tests.layouts import THREE

HEAD_POINTS = np.array([HEAD[name] for name in KAGGLE15.points])
SEEN = [
    Pose(0, 0, 0),
    Pose(40, 0, 0),
    Pose(-40, 0, 0),
    Pose(0, 70, 0),
    Pose(0, 0, 25),
    Pose(10, -30, -20),
    Pose(-55, 20, 15),
    Pose(60, -120, -30),
]


def seen(pose: Pose, scale: float = 30.0) -> np.ndarray:
    """(15, 2) image points, y down, of the generic head in this pose."""
    return (HEAD_POINTS @ rotation(pose).T)[:, :2] * (scale, -scale) + 48


@pytest.mark.parametrize("pose", SEEN)
def test_a_projected_head_has_the_pose_it_was_given(pose):
    assert pose_of(seen(pose), KAGGLE15) == pytest.approx(pose, abs=0.01)
    assert angles(rotation(pose)[None])[0] == pytest.approx(pose, abs=1e-9)


def test_the_signs_are_those_of_the_subject():
    nose, left_eye, right_eye = KAGGLE15.rows("nose_tip", "left_eye_center", "right_eye_center")
    to_its_left = seen(Pose(30, 0, 0))
    middle = to_its_left[[left_eye, right_eye]].mean(0)
    assert to_its_left[nose, 0] > middle[0] + 3  # the subject's left is the right side of the image
    front = seen(Pose(0, 0, 0))
    assert seen(Pose(0, 0, 20))[nose, 1] < front[nose, 1] - 3  # up
    tilted = seen(Pose(0, 20, 0))
    assert tilted[left_eye, 1] < tilted[right_eye, 1] - 3  # counter-clockwise on screen


@pytest.mark.parametrize("pose", SEEN)
def test_a_mirrored_face_turns_and_tilts_the_other_way(pose):
    face = seen(pose) + np.random.default_rng(0).normal(0, 0.5, (15, 2))
    was = pose_of(face, KAGGLE15)
    turn, tilt, nod = pose_of(move_points(mirror(96), face, KAGGLE15.mirror_order), KAGGLE15)
    assert (-turn, -tilt, nod) == pytest.approx(was, abs=0.01)


def test_an_image_that_is_rotated_changes_the_tilt_alone():
    face = seen(Pose(25, 5, -10)) + np.random.default_rng(1).normal(0, 0.5, (15, 2))
    was = pose_of(face, KAGGLE15)
    for degrees in (-90, -20, 35):
        turned = pose_of(move_points(similarity(47.5, degrees, 0.7, (3, -9)), face), KAGGLE15)
        assert turned == pytest.approx((was.turn, was.tilt + degrees, was.nod), abs=0.01)


def test_missing_points_do_not_count():
    face = np.stack([seen(Pose(20, -5, 10))] * 4)
    face[1, KAGGLE15.rows("left_eyebrow_outer_end", "mouth_left_corner")] = np.nan
    face[2, :] = np.nan
    face[3, KAGGLE15.rows("nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip")] = np.nan
    face[3, 6:10] = np.nan  # the brows: what is left lies in one plane
    found = poses(face, KAGGLE15)
    assert found[:2] == pytest.approx(np.array([[20, -5, 10]] * 2), abs=0.01)
    assert np.isnan(found[2:]).all()


def test_fewer_points_of_the_same_names_show_a_pose_too():
    five = ("left_eye_center", "right_eye_center", "nose_tip", "mouth_left_corner", "mouth_right_corner")
    part = KAGGLE15.part(*five)
    assert shows_pose(part)
    face = seen(Pose(-30, 12, 8))[KAGGLE15.rows(*five)]
    assert pose_of(face, part) == pytest.approx((-30, 12, 8), abs=0.01)


def test_a_layout_without_the_points_has_no_pose():
    assert not shows_pose(THREE)
    assert pose_of(THREE.mean_points(), THREE) is None
    assert np.isnan(poses(np.zeros((2, 3, 2)), THREE)).all()
    assert poses(np.zeros((0, 15, 2)), KAGGLE15).shape == (0, 3)


def test_points_that_coincide_are_no_error():
    assert pose_of(np.zeros((15, 2)), KAGGLE15) is None or np.isfinite(pose_of(np.zeros((15, 2)), KAGGLE15)).all()


def test_the_mean_shape_looks_straight_ahead():
    pose = pose_of(KAGGLE15.mean_points(), KAGGLE15)
    assert np.abs(pose).max() < 5
