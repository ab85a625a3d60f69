import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.detect.presence import PATCH, fitted, patch_of, upright
from edgefkp.geometry import box_of_keypoints, crop_face, crop_matrix, move_points, similarity
from edgefkp.layout import KAGGLE15, InputSpec

INPUT = InputSpec()
MEAN_SHAPE = KAGGLE15.mean_points(INPUT.side)
SIMILARITIES = st.tuples(st.floats(-60, 60), st.floats(0.6, 1.7), st.floats(-20, 20), st.floats(-20, 20))


@given(SIMILARITIES)
def test_upright_undoes_any_similarity(numbers):
    degrees, scale, x, y = numbers
    matrix = similarity(INPUT.center, degrees, scale, (x, y))
    back, found_scale, left = upright(move_points(matrix, MEAN_SHAPE), KAGGLE15, INPUT.side)
    assert left < 1e-3
    assert found_scale == pytest.approx(1 / scale, rel=1e-4)
    assert np.allclose(move_points(back, move_points(matrix, MEAN_SHAPE)), MEAN_SHAPE, atol=1e-3)


@given(st.floats(0.3, 1.0), st.floats(0, 60))
def test_patches_forget_brightness_and_contrast(gain, offset):
    crop = np.random.default_rng(0).integers(0, 190, (96, 96)).astype(np.uint8)
    matrix, _, _ = upright(MEAN_SHAPE, KAGGLE15, INPUT.side)
    patch = patch_of(crop, matrix)
    assert patch.shape == (PATCH, PATCH)
    assert np.linalg.norm(patch) == pytest.approx(1, abs=1e-4)
    other = patch_of((crop * gain + offset).astype(np.uint8), matrix)
    assert float(np.vdot(patch, other)) > 0.97


@pytest.mark.parametrize(
    "points",
    [
        np.full((15, 2), np.nan, np.float32),
        np.full((15, 2), 48, np.float32),
        MEAN_SHAPE * 5,
        MEAN_SHAPE[::-1],
        np.random.default_rng(0).uniform(0, 96, (15, 2)),
    ],
)
def test_shapes_that_are_no_faces(points):
    assert fitted()(np.full((96, 96), 128, np.uint8), points, KAGGLE15) == 0


def face_crop_face(astronaut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from bench.astronaut import POINTS

    box = box_of_keypoints(POINTS, KAGGLE15)
    return crop_face(astronaut, box, INPUT), move_points(crop_matrix(box, INPUT.side), POINTS)


@pytest.mark.parametrize("degrees", [-20, 0, 20])
def test_a_face_is_present_however_it_is_turned(astronaut, degrees):
    from edgefkp.geometry import move_image

    crop, points = face_crop_face(astronaut)
    matrix = similarity(INPUT.center, degrees)
    assert fitted()(move_image(matrix, crop, INPUT.side), move_points(matrix, points), KAGGLE15) > 0.9


def test_other_images_are_no_faces(astronaut):
    from skimage import data

    crop, points = face_crop_face(astronaut)
    check = fitted()
    textures = [data.brick(), data.grass(), data.gravel(), data.coins(), data.camera()[300:, :200], data.moon()]
    scores = [check(np.ascontiguousarray(texture[40:136, 40:136]), points, KAGGLE15) for texture in textures]
    assert np.median(scores) < 0.05
    assert check(np.rot90(crop, 2).copy(), points, KAGGLE15) < 0.2
    assert check(np.full((96, 96), 128, np.uint8), points, KAGGLE15) < 0.5
    covered = crop.copy()
    covered[20:90, 10:86] = 120
    assert check(covered, points, KAGGLE15) < 0.2
