"""Altered images are the same for every model, and what a model finds in them is scored where the face was."""

import numpy as np
import pytest

from edgefkp.evaluation.robustness import CONDITIONS, altered, under
from edgefkp.geometry import move_points
from tests.layouts import SMALL_RGB
from tests.made_faces import made_faces

IMAGES, POINTS = made_faces(6)
MOVING = ("rotation", "scale", "shift")


def moved(condition) -> np.ndarray:
    matrices = altered(IMAGES, condition)[1]
    return np.stack([move_points(m, points) for m, points in zip(matrices, POINTS, strict=True)])


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: f"{one.name} {one.strength}")
def test_a_model_that_follows_the_face_has_no_error(condition):
    row = under(lambda images: moved(condition), IMAGES, POINTS, condition)
    assert row.rmse < 1e-4
    stays = under(lambda images: POINTS, IMAGES, POINTS, condition)
    assert (stays.rmse > 1) == (condition.name in MOVING)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: f"{one.name} {one.strength}")
def test_every_model_sees_the_same_images_and_only_the_first_are_untouched(condition):
    images, _ = altered(IMAGES, condition)
    assert (images == altered(IMAGES, condition)[0]).all()
    assert (images == IMAGES).all() == (condition is CONDITIONS[0])
    # A face's draw does not depend on how many stand with it.
    assert (images[:2] == altered(IMAGES[:2], condition)[0]).all()


def test_an_error_is_measured_in_pixels_of_the_untouched_picture():
    larger = next(one for one in CONDITIONS if one.strength == "x 1.2")
    assert under(lambda images: moved(larger) + 1.2, IMAGES, POINTS, larger).rmse == pytest.approx(1, rel=1e-4)


def test_points_that_left_the_picture_or_were_not_found_do_not_count():
    shift = next(one for one in CONDITIONS if one.name == "shift")
    points = np.full_like(POINTS, 90)  # 10 px further they are outside, whichever way
    points[:, 0] = 48
    found = np.full_like(POINTS, np.nan)
    found[:, :2] = 48
    row = under(lambda images: found, IMAGES, points, shift)
    assert 6 * 2 <= row.coordinates <= 6 * 4
    points[:, 1:] = np.nan
    assert under(lambda images: found, IMAGES, points, shift).coordinates == 6 * 2


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: f"{one.name} {one.strength}")
def test_every_condition_works_for_another_kind_of_model(condition):
    images, points = made_faces(3, spec=SMALL_RGB)
    changed, matrices = altered(images, condition)
    assert changed.shape == images.shape
    follows = np.stack([move_points(m, one) for m, one in zip(matrices, points, strict=True)])
    assert under(lambda images: follows, images, points, condition).rmse < 1e-4
    # Lengths are those of the usual side, scaled.
    larger = altered(made_faces(3)[0], condition)[1]
    np.testing.assert_allclose(matrices[:, :, :2], larger[:, :, :2])
    shift = (matrices[:, :, :2] @ (31.5, 31.5) + matrices[:, :, 2] - 31.5) * 96 / 64
    np.testing.assert_allclose(shift, larger[:, :, :2] @ (47.5, 47.5) + larger[:, :, 2] - 47.5, atol=1e-9)


def test_compressed_colors_stay_what_they_are():
    red = np.zeros((1, 64, 64, 3), np.uint8)
    red[..., 0] = 255
    changed, _ = altered(red, next(one for one in CONDITIONS if one.name == "JPEG"))
    assert changed[..., 0].min() > 240
    assert changed[..., 1:].max() < 20
