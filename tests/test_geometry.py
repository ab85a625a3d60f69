"""One matrix moves an image and its points: a soft dot drawn at a point is found at the moved point."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.geometry import IDENTITY, compose, invert, mirror, move_image, move_points, similarity
from edgefkp.layout import CENTRE, MEAN_SHAPE, MIRROR, NAMES, SIZE

degrees = st.floats(-180, 180)
scales = st.floats(0.6, 1.6)
shifts = st.tuples(st.floats(-20, 20), st.floats(-20, 20))
coordinates = st.floats(0, SIZE - 1)
matrices = st.builds(similarity, st.just(CENTRE), degrees, scales, shifts)


def dot(x: float, y: float, width: int = SIZE, height: int = SIZE, radius: float = 2.5) -> np.ndarray:
    """A soft bright dot whose centroid is (x, y)."""
    rows, columns = np.mgrid[:height, :width]
    return np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))).astype(np.uint8)


def centroid(image: np.ndarray) -> tuple[float, float]:
    weight = image.astype(float)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


def assert_dot_follows(matrix: np.ndarray, x: float, y: float) -> None:
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    moved = move_points(matrix, np.array([x, y]))
    room = 4 * 2.5 * max(scale, 1)  # the dot has to stay whole
    if (moved > room).all() and (moved < SIZE - 1 - room).all():
        assert np.abs(np.array(centroid(move_image(matrix, dot(x, y), SIZE))) - moved).max() < 0.1


@given(degrees, st.floats(15, 80), st.floats(15, 80))
def test_rotation_moves_image_and_points_together(angle, x, y):
    assert_dot_follows(similarity(CENTRE, degrees=angle), x, y)


@given(scales, st.floats(15, 80), st.floats(15, 80))
def test_scale_moves_image_and_points_together(scale, x, y):
    assert_dot_follows(similarity(CENTRE, scale=scale), x, y)


@given(shifts, st.floats(15, 80), st.floats(15, 80))
def test_shift_moves_image_and_points_together(shift, x, y):
    assert_dot_follows(similarity(CENTRE, shift=shift), x, y)


@given(matrices, st.booleans(), st.floats(15, 80), st.floats(15, 80))
def test_all_at_once_move_image_and_points_together(matrix, mirrored, x, y):
    assert_dot_follows(compose(mirror(SIZE), matrix) if mirrored else matrix, x, y)


@given(st.integers(15, 80), st.integers(15, 80))
def test_mirror_moves_image_and_points_together_and_exactly(x, y):
    assert_dot_follows(mirror(SIZE), x, y)
    image = dot(x, y)
    assert (move_image(mirror(SIZE), image, SIZE) == image[:, ::-1]).all()


@given(matrices | st.just(mirror(SIZE)), matrices | st.just(mirror(SIZE)), coordinates, coordinates)
def test_compose_is_one_after_the_other(first, then, x, y):
    point = np.array([x, y])
    assert np.allclose(
        move_points(compose(first, then), point), move_points(then, move_points(first, point)), atol=1e-9, rtol=0
    )


@given(matrices, coordinates, coordinates)
def test_invert_leads_back(matrix, x, y):
    point = np.array([x, y])
    assert np.allclose(move_points(invert(matrix), move_points(matrix, point)), point, atol=1e-9, rtol=0)
    assert np.allclose(compose(matrix, invert(matrix)), IDENTITY, atol=1e-9)
    assert np.allclose(invert(invert(matrix)), matrix, atol=1e-9)


@given(degrees, scales)
def test_rotation_and_scale_leave_the_centre_in_place_and_keep_shapes(angle, scale):
    matrix = similarity(CENTRE, angle, scale)
    assert np.allclose(move_points(matrix, np.array([CENTRE, CENTRE])), CENTRE)
    sides = np.linalg.norm(np.diff(move_points(matrix, MEAN_SHAPE.astype(float)), axis=0), axis=1)
    assert np.allclose(sides, scale * np.linalg.norm(np.diff(MEAN_SHAPE.astype(float), axis=0), axis=1))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_positive_angles_turn_counter_clockwise_on_screen():
    x, y = move_points(similarity(CENTRE, 90), np.array([SIZE - 1.0, CENTRE]))  # the middle of the right edge
    assert np.allclose((x, y), (CENTRE, 0), atol=1e-9)  # goes to the middle of the upper


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
    assert (MIRROR[MIRROR] == np.arange(len(NAMES))).all()
    left, right = NAMES.index("left_eye_center"), NAMES.index("right_eye_center")
    assert abs(mirrored[left][0] - (SIZE - 1 - MEAN_SHAPE[right][0])) < 1e-4


def test_outside_of_the_image_the_border_is_replicated():
    image = np.full((SIZE, SIZE), 200, np.uint8)
    assert (move_image(similarity(CENTRE, 30, 0.7, (9, -5)), image, SIZE) == 200).all()
