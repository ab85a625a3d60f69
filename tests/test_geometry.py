"""One matrix moves an image and its points: a soft dot drawn at a point is found at the moved point."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgefkp.errors import EdgefkpError
from edgefkp.geometry import (
    Box,
    box_of_keypoints,
    crop_face,
    crop_matrix,
    invert,
    mirror,
    move_image,
    move_points,
    roll_of,
    similarity,
    turned_box,
)
from edgefkp.layout import KAGGLE15, InputSpec
from tests.layouts import THREE

GRAY, RGB = InputSpec(), InputSpec(64, "rgb")
SIZE, CENTER = GRAY.side, GRAY.center
MEAN_SHAPE, MIRROR = KAGGLE15.mean_points(), KAGGLE15.mirror_order

degrees = st.floats(-180, 180)
scales = st.floats(0.6, 1.6)
shifts = st.tuples(st.floats(-20, 20), st.floats(-20, 20))
coordinates = st.floats(0, SIZE - 1)
matrices = st.builds(similarity, st.just(CENTER), degrees, scales, shifts)


def dot(x: float, y: float, width: int = SIZE, height: int = SIZE, radius: float = 2.5) -> np.ndarray:
    """A soft bright dot whose centroid is (x, y)."""
    rows, columns = np.mgrid[:height, :width]
    return np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))).astype(np.uint8)


def centroid(image: np.ndarray) -> tuple[float, float]:
    weight = image.astype(float)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


def compose(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """The (2, 3) matrix that does `first`, then `then`."""
    return np.column_stack([then[:, :2] @ first[:, :2], then[:, :2] @ first[:, 2] + then[:, 2]])


def assert_dot_follows(matrix: np.ndarray, x: float, y: float) -> None:
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    moved = move_points(matrix, np.array([x, y]))
    room = 4 * 2.5 * max(scale, 1)  # the dot has to stay whole
    if (moved > room).all() and (moved < SIZE - 1 - room).all():
        assert np.abs(np.array(centroid(move_image(matrix, dot(x, y), SIZE))) - moved).max() < 0.1


@given(degrees, st.floats(15, 80), st.floats(15, 80))
def test_rotation_moves_image_and_points_together(angle, x, y):
    assert_dot_follows(similarity(CENTER, degrees=angle), x, y)


@given(scales, st.floats(15, 80), st.floats(15, 80))
def test_scale_moves_image_and_points_together(scale, x, y):
    assert_dot_follows(similarity(CENTER, scale=scale), x, y)


@given(shifts, st.floats(15, 80), st.floats(15, 80))
def test_shift_moves_image_and_points_together(shift, x, y):
    assert_dot_follows(similarity(CENTER, shift=shift), x, y)


@given(matrices, st.booleans(), st.floats(15, 80), st.floats(15, 80))
def test_all_at_once_move_image_and_points_together(matrix, mirrored, x, y):
    assert_dot_follows(compose(mirror(SIZE), matrix) if mirrored else matrix, x, y)


@given(st.integers(15, 80), st.integers(15, 80))
def test_mirror_moves_image_and_points_together_and_exactly(x, y):
    assert_dot_follows(mirror(SIZE), x, y)
    image = dot(x, y)
    assert (move_image(mirror(SIZE), image, SIZE) == image[:, ::-1]).all()


@given(matrices, coordinates, coordinates)
def test_invert_leads_back(matrix, x, y):
    point = np.array([x, y])
    assert np.allclose(move_points(invert(matrix), move_points(matrix, point)), point, atol=1e-9, rtol=0)
    assert np.allclose(compose(matrix, invert(matrix)), np.eye(2, 3), atol=1e-9)
    assert np.allclose(invert(invert(matrix)), matrix, atol=1e-9)


@given(degrees, scales)
def test_rotation_and_scale_leave_the_center_in_place_and_keep_shapes(angle, scale):
    matrix = similarity(CENTER, angle, scale)
    assert np.allclose(move_points(matrix, np.array([CENTER, CENTER])), CENTER)
    sides = np.linalg.norm(np.diff(move_points(matrix, MEAN_SHAPE.astype(float)), axis=0), axis=1)
    assert np.allclose(sides, scale * np.linalg.norm(np.diff(MEAN_SHAPE.astype(float), axis=0), axis=1))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_positive_angles_turn_counter_clockwise_on_screen():
    x, y = move_points(similarity(CENTER, 90), np.array([SIZE - 1.0, CENTER]))  # the middle of the right edge
    assert np.allclose((x, y), (CENTER, 0), atol=1e-9)  # goes to the middle of the upper


@given(matrices)
def test_points_stay_float32_and_missing_ones_stay_missing(matrix):
    points = MEAN_SHAPE.copy()
    points[3] = np.nan
    moved = move_points(matrix, points[None])
    assert moved.dtype == np.float32
    assert np.isnan(moved[0, 3]).all()
    assert np.isfinite(np.delete(moved[0], 3, 0)).all()


def test_mirrored_points_keep_true_names():
    mirrored = move_points(mirror(SIZE), MEAN_SHAPE, MIRROR)
    # A face is nearly symmetric, so its mirror image has each name nearly where it was.
    assert np.abs(mirrored - MEAN_SHAPE).max() < 4
    assert np.allclose(move_points(mirror(SIZE), mirrored, MIRROR), MEAN_SHAPE, atol=1e-4)
    assert (MIRROR[MIRROR] == np.arange(KAGGLE15.count)).all()
    left, right = KAGGLE15.rows("left_eye_center", "right_eye_center")
    assert abs(mirrored[left][0] - (SIZE - 1 - MEAN_SHAPE[right][0])) < 1e-4


def test_outside_of_the_image_the_border_is_replicated():
    image = np.full((SIZE, SIZE), 200, np.uint8)
    assert (move_image(similarity(CENTER, 30, 0.7, (9, -5)), image, SIZE) == 200).all()


WIDTH, HEIGHT = 800, 600
rolls = st.one_of(st.just(0.0), st.floats(-180, 180))
boxes = st.builds(Box, st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(40, 900), rolls)


def place(box: Box) -> np.ndarray:
    """The mean shape where `box` has it: (15, 2) points of the image."""
    return move_points(invert(crop_matrix(box, SIZE)), MEAN_SHAPE.astype(float))


@given(boxes, st.floats(25, 70), st.floats(25, 70))
def test_a_dot_lands_where_the_matrix_says(box, x, y):
    """Also where the crop shrinks the image by area first (side 192 and more)."""
    in_image = move_points(invert(crop_matrix(box, SIZE)), np.array([x, y]))
    radius = 2.5 * box.side / SIZE
    assume((in_image > 4 * radius).all())
    assume((in_image < np.array([WIDTH, HEIGHT]) - 1 - 4 * radius).all())
    image = dot(*in_image, WIDTH, HEIGHT, radius)
    assert np.abs(np.array(centroid(crop_face(image, box, GRAY))) - (x, y)).max() < 0.1


@given(st.integers(96, 400), st.integers(96, 300), st.integers(0, 200), st.integers(0, 100))
def test_a_box_of_96_pixels_is_a_plain_slice(width, height, left, top):
    left, top = min(left, width - SIZE), min(top, height - SIZE)
    image = np.random.default_rng(width).integers(0, 256, (height, width), dtype=np.uint8)
    box = Box(left + CENTER, top + CENTER, SIZE)
    assert (crop_face(image, box, GRAY) == image[top : top + SIZE, left : left + SIZE]).all()


@pytest.mark.parametrize("times", [2, 3, 5])
def test_a_whole_number_reduction_is_the_mean_of_each_area(times):
    side = SIZE * times
    image = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    means = image.reshape(SIZE, times, SIZE, times).mean((1, 3))
    assert np.abs(crop_face(image, Box((side - 1) / 2, (side - 1) / 2, side), GRAY) - means).max() <= 1


@given(st.integers(3, 9))
def test_fine_stripes_become_gray_and_no_pattern(times):
    """Without the reduction by area they would alias into broad stripes."""
    side = SIZE * times
    image = np.zeros((side, side), np.uint8)
    image[:, ::2] = 255
    crop = crop_face(image, Box(side / 2 + 0.3, side / 2, side * 0.9), GRAY)
    assert crop.std() < 30
    assert abs(float(crop.mean()) - 127.5) < 8


@given(boxes, st.floats(0.5, 3))
def test_any_box_gives_a_crop_even_outside_of_the_image(box, far):
    image = np.full((60, 80), 77, np.uint8)
    for moved in (box, Box(-far * box.x, -far * box.y, *box[2:]), Box(far * box.x, far * box.y, *box[2:])):
        crop = crop_face(image, moved, GRAY)
        assert crop.shape == (SIZE, SIZE)
        assert (crop == 77).all()


@given(boxes)
def test_color_and_gray_images_give_one_crop(box):
    gray = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    assert (crop_face(np.repeat(gray[..., None], 3, 2), box, GRAY) == crop_face(gray, box, GRAY)).all()


@given(boxes)
def test_the_box_of_placed_points_is_found_again(box):
    found = turned_box(place(box), KAGGLE15, box.roll)
    assert np.allclose(found, box, rtol=1e-5, atol=1e-3)


@given(boxes, st.sets(st.integers(0, 14), max_size=11))
def test_missing_points_do_not_move_the_box(box, missing):
    points = place(box)
    points[list(missing)] = np.nan
    assert np.allclose(turned_box(points, KAGGLE15, box.roll), box, rtol=1e-5, atol=1e-3)


@given(boxes, st.integers(0, 2**32 - 1))
def test_a_little_noise_moves_the_box_a_little(box, seed):
    noise = np.random.default_rng(seed).normal(0, 0.02 * box.side, (15, 2))
    found = turned_box(place(box) + noise, KAGGLE15, box.roll)
    assert abs(found.x - box.x) + abs(found.y - box.y) < 0.08 * box.side
    assert abs(found.side - box.side) < 0.15 * box.side


def test_fewer_than_two_points_are_refused():
    points = np.full((15, 2), np.nan)
    points[0] = 1
    with pytest.raises(ValueError, match="1 keypoints do not determine a box"):
        box_of_keypoints(points, KAGGLE15)


@given(boxes)
def test_an_rgb_crop_of_another_size_is_that_of_each_channel_red_first(box):
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    crop = crop_face(image, box, RGB)
    assert crop.shape == (64, 64, 3)
    for channel in range(3):
        alone = crop_face(np.ascontiguousarray(image[..., channel]), box, InputSpec(64))
        assert np.abs(crop[..., 2 - channel].astype(int) - alone).max() <= 1
    gray = crop_face(image[..., 0].copy(), box, RGB)
    assert (gray[..., 0] == gray[..., 2]).all()


@given(boxes)
def test_the_box_of_another_layouts_points_is_found_again(box):
    points = move_points(invert(crop_matrix(box, 64)), THREE.mean_points(64).astype(float))
    assert np.allclose(turned_box(points, THREE, box.roll), box, rtol=1e-5, atol=1e-3)


@given(boxes)
def test_points_show_how_a_face_is_turned(box):
    roll = roll_of(place(box), KAGGLE15)
    assert abs((roll - box.roll + 180) % 360 - 180) < 0.01
    missing = place(box)
    missing[3:9] = np.nan
    assert abs((roll_of(missing, KAGGLE15) - roll + 180) % 360 - 180) < 0.01


@pytest.mark.parametrize("points", [np.full((15, 2), np.nan), np.full((15, 2), 4.0)])
def test_points_without_extent_show_no_roll(points):
    assert roll_of(points, KAGGLE15) == 0


@given(boxes)
def test_a_box_moves_along_its_own_sides(box):
    moved = box.moved(0.25, -0.5, 2)
    in_crop = move_points(crop_matrix(box, SIZE), np.array([moved[:2]]))[0]
    assert np.allclose(in_crop, (CENTER + 0.25 * SIZE, CENTER - 0.5 * SIZE), atol=0.01)
    assert moved.side == 2 * box.side
    assert moved.roll == box.roll


def test_a_face_is_cut_out_of_a_very_long_image_and_beside_it():
    image = np.zeros((20, 40_000), np.uint8)
    image[:, -1] = 200
    for x in (100, 39_990, 100_000):
        crop = crop_face(image, Box(x, 10, 30), InputSpec())
        assert crop.shape == (96, 96)
        assert (crop.max() == 200) == (x > 100)
    with pytest.raises(EdgefkpError, match="40000x20 pixels"):
        move_image(np.eye(2, 3), image, 96)
