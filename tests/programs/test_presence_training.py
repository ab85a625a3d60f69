"""What the presence check is taught, how its score is calibrated, and finders by size and light, on drawn photos."""

import numpy as np
import pytest

from bench.finder import alter
from bench.finder.conditions import LIGHTS, conditions, laid, measure, upper_bound
from bench.finder.crops import GONE, INPUT, cuts_of, error_of, samples_of
from bench.finder.crops import LIGHTS as CROP_LIGHTS
from bench.finder.photos import BACKGROUND, SIDE, Photos
from bench.finder.scenes import Scene, squares_of
from bench.fit_presence import calibrated, halves, read_samples, reliability, taken, write_samples
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders.base import FaceBox
from edgefkp.detect.presence import fitted
from edgefkp.geometry import Box, move_points, similarity
from edgefkp.layout import KAGGLE15
from edgefkp.networks.finder import FIVE
from tests.discs import DiscNetwork, disc_presence

MEAN = FIVE.mean_points(100) + 75


def drawn_photos(count: int = 4) -> Photos:
    """Dark photos with a bright disc for a face."""
    y, x = np.mgrid[:SIDE, :SIDE]
    disc = np.clip(0.5 - (np.hypot(x - 124.5, y - 124.5) - 30) / 2, 0, 1)
    images = np.repeat((20 + 200 * disc).astype(np.uint8)[None], count, 0)
    rows = np.arange(count)
    points = np.repeat(MEAN[None], count, 0).astype(np.float32)
    behind = np.random.default_rng(0).integers(0, 99, (2, BACKGROUND, BACKGROUND)).astype(np.uint8)
    return Photos(images, np.ones(count, bool), points, rows, np.ones(count, bool), behind, np.ones(2, bool))


def test_the_error_is_that_of_the_nearest_face_in_eye_distances():
    far, near = MEAN + 200, MEAN + 5
    keypoints = np.zeros((KAGGLE15.count, 2), np.float32)
    keypoints[list(KAGGLE15.rows(*FIVE.points))] = MEAN
    eyes = np.hypot(*(MEAN[0] - MEAN[1]))
    error, sure = error_of(keypoints, np.stack([far, near]), np.array([True, True]))
    assert error == pytest.approx(np.hypot(5, 5) / eyes, rel=1e-4)
    assert sure
    assert error_of(keypoints, np.stack([far, near]), np.array([True, False]))[1] is False
    assert error_of(keypoints, np.empty((0, 5, 2)), np.empty(0, bool)) == (np.inf, True)
    assert error_of(keypoints, np.full((1, 5, 2), np.nan), np.ones(1, bool)) == (np.inf, True)


def test_faces_are_taught_as_faces_and_the_rest_as_none():
    random = np.random.default_rng(0)
    photos = drawn_photos(1)
    scene = Scene(photos.images[0], photos.points, photos.sure)
    cuts = [cut for _ in range(20) for cut in cuts_of(scene, random, None)]
    samples = samples_of(cuts, scene.image, DiscNetwork())
    errors = np.array([sample.error for sample in samples])
    assert 20 < (errors < 0.15).sum() < len(errors) - 20
    assert np.isinf(errors).any()  # faces that were covered or shuffled
    empty = Scene(photos.backgrounds[0], np.empty((0, 5, 2), np.float32), np.empty(0, bool))
    samples = samples_of(cuts_of(empty, random, None), empty.image, DiscNetwork())
    assert len(samples) > 12
    assert all(np.isinf(sample.error) for sample in samples)


@pytest.mark.parametrize("change", [*CROP_LIGHTS, alter.dark])
def test_another_light_keeps_the_form_and_changes_the_image(change):
    crop = np.random.default_rng(0).integers(90, 140, (INPUT.side, INPUT.side)).astype(np.uint8)
    altered = change(crop, FIVE.mean_points(INPUT.side), np.random.default_rng(1))
    assert altered.dtype == np.uint8
    assert altered.shape == crop.shape
    assert np.abs(altered.astype(int) - crop).mean() > 1


@pytest.mark.parametrize("change", GONE)
def test_what_hides_a_face_leaves_a_crop(change):
    crop = np.random.default_rng(0).integers(0, 255, (INPUT.side, INPUT.side)).astype(np.uint8)
    gone = change(crop, np.random.default_rng(1))
    assert gone.shape == crop.shape
    assert (gone != crop).mean() > 0.3


def test_a_calibrated_score_is_how_often_the_points_are_good():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, 4000)
    good = random.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    scores, errors = 1 / (1 + np.exp(-logits)), np.where(good, 0.05, 0.3)
    check = calibrated(fitted(), scores, errors)
    assert check.bias == pytest.approx(0.5 * fitted().bias - 1, abs=0.2 + 0.05 * abs(fitted().bias))
    truly = 1 / (1 + np.exp(-(0.5 * logits - 1)))
    assert all(abs(row.good - row.score) < 0.06 for row in reliability(truly, errors))
    assert sum(row.faces for row in reliability(truly, errors)) == 4000


def test_samples_come_back(tmp_path):
    photos = drawn_photos(1)
    scene = Scene(photos.images[0], photos.points, photos.sure)
    samples = samples_of(cuts_of(scene, np.random.default_rng(0), None), scene.image, DiscNetwork())
    write_samples(tmp_path / "samples.npz", samples)
    back = read_samples(tmp_path / "samples.npz")
    assert [sample.error for sample in back] == pytest.approx([sample.error for sample in samples])
    assert np.allclose(back[0].patch, samples[0].patch, atol=1e-3)


def test_the_halves_share_no_photo():
    photos = drawn_photos(70)
    first, second = halves(photos)
    assert len(first.images) + len(second.images) == 70
    assert len(second.images) == 32
    assert len(taken(photos, 7, 0).images) == 7


def test_a_photo_lies_on_a_frame_at_that_size_and_roll():
    photos = drawn_photos(1)
    for share, degrees in ((0.05, 0), (0.5, 90)):
        frame, points = laid(photos, 0, share, degrees)
        x, y, side = squares_of(points)[0]
        assert side == pytest.approx(share * 480, rel=1e-3)
        light = np.maximum(frame.astype(float) - 25, 0)
        rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
        middle = (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()
        assert middle == pytest.approx((x, y), abs=0.5)
    turned = move_points(similarity(0, 90), laid(photos, 0, 0.5, 0)[1] - 200) - laid(photos, 0, 0.5, 90)[1]
    assert np.ptp(turned, 0) == pytest.approx([0, 0], abs=1e-2)


class Middle:
    name = "middle"

    def find(self, image):
        return [FaceBox(Box(319.5, 239.5, 144), 1.0)]


def test_each_condition_has_its_frames_and_false_faces_are_counted():
    photos = drawn_photos(2)
    detector = KeypointDetector(finder=Middle(), predictor=DiscNetwork(), presence=disc_presence)
    rows = {name: measure(name, frames[:4], detector) for name, frames in conditions(photos, 2, 0)}
    assert rows["as it is"].found == rows["as it is"].found_in_frames == rows["as it is"].kept == 1
    assert rows["size 0.05"].found == 0
    assert rows["no face"].faces == 0
    assert rows["no face"].false_faces_bound > 0
    assert set(LIGHTS) < set(rows)


@pytest.mark.parametrize(("count", "expected"), [(0, 2.996), (1, 4.744), (6, 11.84)])
def test_the_bound_is_poissons(count, expected):
    assert upper_bound(count, 100) * 100 == pytest.approx(expected, rel=0.02)
