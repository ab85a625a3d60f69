"""Altered images keep their points where the face is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefkp.data.augment import AugmentConfig, online_batch, painted_batch, paper_set
from edgefkp.data.imputation import TrainingSet
from edgefkp.layout import KAGGLE15, InputSpec
from tests.dots import dot_near, dots
from tests.layouts import SMALL_RGB, THREE
from tests.made_faces import made_faces

MEAN = KAGGLE15.mean_points()
ONLY_GEOMETRY = AugmentConfig(contrast=0, brightness=0, gamma=0, noise=0, blur=0, occlusion=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0]))
def test_online_moves_each_point_with_its_picture(seed, mirror):
    strength = AugmentConfig(**{**vars(ONLY_GEOMETRY), "mirror": mirror})
    points = np.array([(30.0, 30.0), (66.0, 32.0), (48.0, 60.0)] + [(np.nan, np.nan)] * 12, np.float32)
    # The first two change sides in a mirror (the eye centers); the third stands for itself only unmirrored.
    images, moved = online_batch(dots(points[:3])[None], points[None], np.random.default_rng(seed), strength, KAGGLE15)
    for k in (0, 1):
        assert np.hypot(*(dot_near(images[0], moved[0, k]) - moved[0, k])) < 0.35
    order = points[KAGGLE15.mirror_order] if mirror else points
    assert (np.isnan(moved[0]) == np.isnan(order)).all()
    left_of = moved[0, 0, 0] < moved[0, 1, 0]
    assert left_of == (30 < 66)  # after the swap of names the order on screen is the same


def test_online_depends_on_the_generator_alone():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (6, 96, 96), np.uint8)
    targets = np.repeat(MEAN[None], 6, 0)
    first = online_batch(images, targets, np.random.default_rng(5), AugmentConfig(), KAGGLE15)
    again = online_batch(images, targets, np.random.default_rng(5), AugmentConfig(), KAGGLE15)
    other = online_batch(images, targets, np.random.default_rng(6), AugmentConfig(), KAGGLE15)
    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()
    assert (first[0] != other[0]).any()


def test_peaked_geometry_keeps_the_limits_and_rarely_comes_near_them():
    still = {name: 0 for name in vars(ONLY_GEOMETRY)}
    points = np.repeat(MEAN[None], 600, 0)
    images = np.zeros((600, 96, 96), np.uint8)
    shifts = {}
    for peaked in (False, True):
        strength = AugmentConfig(**{**still, "shift": 8, "peaked": peaked})
        _, moved = online_batch(images, points, np.random.default_rng(0), strength, KAGGLE15)
        shifts[peaked] = np.abs((moved - points)[:, 0])
        assert shifts[peaked].max() <= 8
    assert np.mean(shifts[False] > 6) > 0.2
    assert 0.03 < np.mean(shifts[True] > 6) < 0.1


@pytest.mark.parametrize("kind", ["noise", "blur", "occlusion", "dark"])
def test_each_kind_of_change_alters_pixels_and_no_point(kind):
    still = AugmentConfig(0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0)
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (96, 96), np.uint8), (3, 3), 1)[None]
    same, points = online_batch(image, MEAN[None], np.random.default_rng(1), still, KAGGLE15)
    assert (same == image).all()
    changed, moved = online_batch(
        image, MEAN[None], np.random.default_rng(1), AugmentConfig(**{**vars(still), kind: 1.0}), KAGGLE15
    )
    assert (changed != image).any()
    np.testing.assert_allclose(moved, points)


def test_unmoved_faces_keep_their_geometry_but_for_the_mirror():
    image, count = dots(MEAN), 400
    strength = replace(ONLY_GEOMETRY, unmoved=0.4)
    images, points = np.repeat(image[None], count, 0), np.repeat(MEAN[None], count, 0)
    altered, moved = online_batch(images, points, np.random.default_rng(0), strength, KAGGLE15)
    flipped = MEAN[KAGGLE15.mirror_order] * (-1, 1) + (95, 0)
    still, mirrored = (np.abs(moved - where).max((1, 2)) < 1e-3 for where in (MEAN, flipped))
    assert 0.33 < np.mean(still | mirrored) < 0.47
    assert 0.35 < mirrored.sum() / (still | mirrored).sum() < 0.65
    assert (altered[still] == image).all()
    assert (altered[mirrored] == image[:, ::-1]).all()


def test_unmoved_faces_are_altered_otherwise_as_often_and_so_are_halved_ones():
    still = AugmentConfig(**{name: 0 for name in vars(ONLY_GEOMETRY)})
    config = replace(still, degrees=20, noise=1.0, noise_level=20, unmoved=1.0)
    image = np.full((1, 96, 96), 100, np.uint8)
    altered, moved = online_batch(image, MEAN[None], np.random.default_rng(0), config, KAGGLE15)
    assert (altered != image).any()
    np.testing.assert_allclose(moved[0], MEAN, atol=1e-4)
    assert replace(config, unmoved=0.4).halved().unmoved == 0.4


def test_paper_set_has_every_kind_of_copy():
    faces = TrainingSet(np.stack([dots(MEAN)] * 2), np.stack([MEAN, MEAN + 0.0]))
    faces.targets[1, 7, 0] = 90  # a shift of +12 takes this point out of the image
    out = paper_set(faces)
    # originals, 2 rotations, 2 brightnesses, noise; 4 shifts of the first face, of the second the 2 to the left
    inside = [
        (MEAN + shift >= 0).all() & (MEAN + shift <= 95).all() for shift in ([12, 12], [12, -12], [-12, 12], [-12, -12])
    ]
    second = [
        ok and shift[0] < 0 for ok, shift in zip(inside, ([12, 12], [12, -12], [-12, 12], [-12, -12]), strict=True)
    ]
    assert len(out) == 2 * 6 + sum(inside) + sum(second)
    rotated = out.targets[2]
    assert np.hypot(*(dot_near(out.images[2], rotated[10]) - rotated[10])) < 0.35
    assert out.images[6].astype(int).sum() > out.images[0].astype(int).sum() > out.images[8].astype(int).sum()


def test_missing_points_do_not_make_a_shifted_copy_leave():
    keypoints = np.full((1, 15, 2), np.nan, np.float32)
    keypoints[0, 0] = 48, 48
    assert len(paper_set(TrainingSet(np.zeros((1, 96, 96), np.uint8), keypoints))) == 10


@pytest.mark.parametrize("spec", [InputSpec(64), InputSpec(64, "rgb"), InputSpec(160, "rgb")], ids=str)
@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_another_layout_and_input_are_moved_like_the_usual_ones(spec, mirror):
    config = AugmentConfig(**{**vars(ONLY_GEOMETRY), "mirror": mirror})
    points = spec.center + np.float32(0.7) * (THREE.mean_points(spec.side) - np.float32(spec.center))  # stays inside
    image = dots(points, spec.side)
    images = np.stack([image if spec.colors == "gray" else np.stack([image] * 3, -1)] * 8)
    altered, moved = online_batch(images, np.stack([points] * 8), np.random.default_rng(3), config, THREE)
    assert altered.shape == images.shape
    for one, where in zip(altered, moved, strict=True):
        assert all(np.hypot(*(dot_near(one, point) - point)) < 0.35 for point in where)
        assert where[0, 0] > where[1, 0]  # the left eye stays on the right of the image


@pytest.mark.parametrize("side", [48, 192])
def test_lengths_scale_with_the_side(side):
    still = AugmentConfig(*[0] * 12)
    black = np.zeros((100, side, side, 3), np.uint8)
    points = np.stack([THREE.mean_points(side)] * 100)
    shifted = AugmentConfig(**{**vars(still), "shift": 8})
    _, moved = online_batch(black, points, np.random.default_rng(0), shifted, THREE)
    assert 7 < np.abs(moved - points).max() * 96 / side <= 8
    hidden = AugmentConfig(**{**vars(still), "occlusion": 1, "occlusion_size": 30})
    images, _ = online_batch(black, points, np.random.default_rng(0), hidden, THREE)
    assert (images == images[..., :1]).all()  # one gray level
    widths = (images[..., 0] > 0).any(1).sum(1) * 96 / side
    assert 25 < widths.max() <= 30


def test_paper_set_of_another_layout_and_input():
    images, points = made_faces(3, spec=SMALL_RGB)
    out = paper_set(TrainingSet(images, points, layout=THREE))
    assert out.layout == THREE
    assert out.input == SMALL_RGB.input
    moved = out.targets[3 * 5 :] - points[0]  # after the originals, rotations and brightnesses: the shifts
    assert {abs(round(float(shift), 3)) for shift in moved[0].ravel()} == {8}  # 12 of 96


def test_points_that_were_painted_over_are_known():
    config = AugmentConfig(contrast=0, brightness=0, gamma=0, noise=0, blur=0, occlusion=0.7, occlusion_size=60)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 96, 96), np.uint8)
    points = random.uniform(0, 95, (40, 15, 2)).astype(np.float32)
    points[0, 0] = np.nan
    altered, moved, painted = painted_batch(images, points, np.random.default_rng(1), config, KAGGLE15)
    same = online_batch(images, points, np.random.default_rng(1), config, KAGGLE15)
    assert (altered == same[0]).all()
    assert np.array_equal(moved, same[1], equal_nan=True)
    assert painted.any(1).any()
    assert not painted.any(1).all()
    assert not painted[np.isnan(moved).any(-1)].any()
    for image, own, hidden in zip(altered, moved, painted, strict=True):
        for x, y in np.rint(own[hidden]).astype(int):
            near = image[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            # One gray level where the rectangle is, noise elsewhere: most of the neighbors have the point's own.
            assert (near == image[y, x]).mean() >= 4 / 9
