"""How numbers of a table become pixels."""

import numpy as np
import pytest

from edgefkp.data.labels.fit import Fit
from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions, turned
from edgefkp.data.photos import Reading
from edgefkp.errors import UsageError
from edgefkp.files import plain
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import KAGGLE15
from edgefkp.records import read_record
from tests.data.labels.raw import SIZES, good_points

SIZE = np.array([[200, 100]])
UP = np.array([1])


def read(options: LabelOptions, x: float, y: float, turn: int = 1) -> list[float]:
    raw = np.full((1, 15, 2), [x, y], np.float32)
    return options.points(raw, SIZE, np.array([turn]), KAGGLE15)[0, 0].tolist()


@pytest.mark.parametrize(
    ("options", "numbers", "pixels"),
    [
        (LabelOptions(unit="share"), (0.25, 0.5), [50, 50]),
        (LabelOptions(unit="percent"), (25, 50), [50, 50]),
        (LabelOptions(unit="centered"), (-0.5, 0.5), [50, 75]),
        (LabelOptions(unit="400x400"), (100, 200), [50, 50]),
        (LabelOptions(scale=0.25), (200, 100), [50, 25]),
        (LabelOptions(swap_xy=True), (30, 60), [60, 30]),
        (LabelOptions(flip_y=True), (30, 60), [30, 39]),
        (LabelOptions(swap_xy=True, unit="share", flip_y=True), (0.25, 0.5), [100, 74]),
        (LabelOptions(unit="pixels"), (30, 60), [30, 60]),
    ],
)
def test_numbers_become_pixels(options, numbers, pixels):
    assert read(options, *numbers) == pixels


def test_shares_of_a_stored_image_are_of_its_own_width():
    assert read(LabelOptions(unit="share", exif="stored"), 0, 0, turn=6) == [199, 0]
    assert read(LabelOptions(unit="share", exif="stored"), 0.5, 0.5, turn=6) == [99, 50]


def test_a_point_is_missing_where_both_numbers_are_the_code():
    raw = np.tile(np.array([[-1, -1], [-1, 5], [0, 0]], np.float32), (1, 5, 1))
    points = LabelOptions(missing=(-1, 0)).points(raw, SIZE, UP, KAGGLE15)
    assert np.isnan(points[0, :3]).tolist() == [[True, True], [False, False], [True, True]]


def test_names_are_mirrored():
    raw = good_points()
    mirrored = LabelOptions(mirror_names=True).points(raw, SIZES, np.ones(len(raw)), KAGGLE15)
    assert (mirrored[:, KAGGLE15.rows("left_eye_center")] == raw[:, KAGGLE15.rows("right_eye_center")]).all()


def test_points_that_nothing_is_done_to_are_the_same_object():
    raw = good_points()
    for options in (AS_THEY_ARE, LabelOptions(unit="pixels"), LabelOptions(trusted=True)):
        assert options.points(raw, SIZES, np.ones(len(raw)), KAGGLE15) is raw


@pytest.mark.parametrize("turn", range(1, 9))
def test_turning_a_photo_and_its_points_agree(turn):
    import cv2

    stored = np.zeros((20, 30), np.uint8)
    stored[4, 7] = 255
    shown = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.T,
        6: cv2.rotate(stored, cv2.ROTATE_90_CLOCKWISE), 7: stored[::-1, ::-1].T,
        8: cv2.rotate(stored, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }[turn]  # fmt: skip
    ((y, x),) = np.argwhere(shown)
    point = turned(np.array([[[7.0, 4.0]]]), np.array([[30, 20]]), np.array([turn]))
    assert point.ravel().tolist() == [x, y]


@pytest.mark.parametrize(
    "wrong", [{"unit": "furlongs"}, {"unit": "0x5"}, {"exif": "both"}, {"scale": 0}, {"scale": float("nan")}]
)
def test_values_that_no_option_has_are_usage_errors(wrong):
    with pytest.raises(UsageError):
        LabelOptions(**wrong)


def test_only_what_differs_is_stored_and_read_back():
    options = LabelOptions(missing=(-1.0,), unit="percent", mirror_names=True)
    assert plain(options) == {"missing": [-1], "unit": "percent", "mirror_names": True}
    assert read_record(Reading, plain(Reading(labels=options)), "a job") == Reading(labels=options)
    assert plain(AS_THEY_ARE) == {}


def test_what_is_typed():
    wanted = LabelOptions(missing=(-1.0, 0.0), scale=0.25, swap_xy=True)
    assert wanted.typed(AS_THEY_ARE) == "add --missing -1 --missing 0 --swap-xy --scale 0.25"
    assert AS_THEY_ARE.typed(LabelOptions(exif="stored", mirror_names=True)) == (
        "leave out --exif stored --mirror-names"
    )


def test_the_boxes_are_those_of_the_crop():
    points = good_points()
    expected = [box_of_keypoints(face, KAGGLE15)[:3] for face in points]
    assert np.allclose(Fit(points, KAGGLE15).boxes(), expected, atol=1e-3)


def test_matrices_lay_faces_onto_the_mean_shape():
    points = good_points()
    fit = Fit(points, KAGGLE15)
    matrices = fit.onto_mean_shape(96)
    moved = np.einsum("nij,nkj->nki", matrices[:, :, :2], points.astype(float)) + matrices[:, None, :, 2]
    assert np.allclose(moved, fit.laid(), atol=1e-3)
    assert np.abs(moved - KAGGLE15.mean_points()).mean() < 2


def test_a_point_that_is_missing_is_missing_in_x_and_y_when_it_is_laid():
    points = good_points()
    points[3, 5] = np.nan
    assert np.isnan(Fit(points, KAGGLE15).laid()[3, 5]).all()
