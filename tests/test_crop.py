"""From a picture to the crop: what is at a place of the picture lands where `crop_matrix` says."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, invert, move_points
from edgefkp.layout import CENTRE, KAGGLE15, MEAN_SHAPE, SIZE, InputSpec

from .test_geometry import centroid, dot

WIDTH, HEIGHT = 800, 600
boxes = st.builds(Box, st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(40, 900))


def place(box: Box) -> np.ndarray:
    """The mean shape where `box` has it: (15, 2) points of the picture."""
    return move_points(invert(crop_matrix(box, SIZE)), MEAN_SHAPE.astype(float))


@given(boxes, st.floats(25, 70), st.floats(25, 70))
def test_a_dot_lands_where_the_matrix_says(box, x, y):
    """Also where the crop shrinks the picture by area first (side 192 and more)."""
    in_picture = move_points(invert(crop_matrix(box, SIZE)), np.array([x, y]))
    radius = 2.5 * box.side / SIZE
    assume((in_picture > 4 * radius).all())
    assume((in_picture < np.array([WIDTH, HEIGHT]) - 1 - 4 * radius).all())
    picture = dot(*in_picture, WIDTH, HEIGHT, radius)
    assert np.abs(np.array(centroid(crop_face(picture, box, InputSpec()))) - (x, y)).max() < 0.1


@given(st.integers(96, 400), st.integers(96, 300), st.integers(0, 200), st.integers(0, 100))
def test_a_box_of_96_pixels_is_a_plain_slice(width, height, left, top):
    left, top = min(left, width - SIZE), min(top, height - SIZE)
    picture = np.random.default_rng(width).integers(0, 256, (height, width), dtype=np.uint8)
    box = Box(left + CENTRE, top + CENTRE, SIZE)
    assert (crop_face(picture, box, InputSpec()) == picture[top : top + SIZE, left : left + SIZE]).all()


@pytest.mark.parametrize("times", [2, 3, 5])
def test_a_whole_number_reduction_is_the_mean_of_each_area(times):
    side = SIZE * times
    picture = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    means = picture.reshape(SIZE, times, SIZE, times).mean((1, 3))
    assert np.abs(crop_face(picture, Box((side - 1) / 2, (side - 1) / 2, side), InputSpec()) - means).max() <= 1


@given(st.integers(3, 9))
def test_fine_stripes_become_gray_and_no_pattern(times):
    """Without the reduction by area they would alias into broad stripes."""
    side = SIZE * times
    picture = np.zeros((side, side), np.uint8)
    picture[:, ::2] = 255
    crop = crop_face(picture, Box(side / 2 + 0.3, side / 2, side * 0.9), InputSpec())
    assert crop.std() < 30
    assert abs(float(crop.mean()) - 127.5) < 8


@given(boxes, st.floats(0.5, 3))
def test_any_box_gives_a_crop_even_outside_of_the_picture(box, far):
    picture = np.full((60, 80), 77, np.uint8)
    for moved in (box, Box(-far * box.x, -far * box.y, box.side), Box(far * box.x, far * box.y, box.side)):
        crop = crop_face(picture, moved, InputSpec())
        assert crop.shape == (SIZE, SIZE)
        assert (crop == 77).all()


@given(boxes)
def test_colour_and_gray_pictures_give_one_crop_face(box):
    gray = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    assert (crop_face(np.repeat(gray[..., None], 3, 2), box, InputSpec()) == crop_face(gray, box, InputSpec())).all()


@given(boxes)
def test_the_box_of_placed_points_is_found_again(box):
    found = box_of_keypoints(place(box), KAGGLE15)
    assert np.allclose(found, box, rtol=1e-5, atol=1e-3)


@given(boxes, st.sets(st.integers(0, 14), max_size=11))
def test_missing_points_do_not_move_the_box(box, missing):
    points = place(box)
    points[list(missing)] = np.nan
    assert np.allclose(box_of_keypoints(points, KAGGLE15), box, rtol=1e-5, atol=1e-3)


@given(boxes, st.integers(0, 2**32 - 1))
def test_a_little_noise_moves_the_box_a_little(box, seed):
    noise = np.random.default_rng(seed).normal(0, 0.02 * box.side, (15, 2))
    found = box_of_keypoints(place(box) + noise, KAGGLE15)
    assert abs(found.x - box.x) + abs(found.y - box.y) < 0.08 * box.side
    assert abs(found.side - box.side) < 0.15 * box.side


def test_fewer_than_two_points_are_refused():
    points = np.full((15, 2), np.nan)
    points[0] = 1
    with pytest.raises(ValueError, match="1 keypoints do not determine a box"):
        box_of_keypoints(points, KAGGLE15)
