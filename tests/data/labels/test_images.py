"""Rows that are shifted or shuffled are seen in the pixels."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.labels.beside import beside_their_points
from edgefkp.data.labels.images import fit_their_images
from edgefkp.data.synthetic import drawn_faces
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec
from tests.layouts import SMALL_RGB
from tests.made_faces import write_csv

DRAWN = drawn_faces(60, ModelSpec())


def moved(step: int):
    return replace(DRAWN, keypoints=np.roll(DRAWN.keypoints, step, 0))


def test_points_that_fit_their_images_are_no_finding():
    assert fit_their_images(DRAWN) is None
    assert fit_their_images(DRAWN.take(np.arange(20))) is None, "too few to compare"
    assert fit_their_images(drawn_faces(60, SMALL_RGB)) is None


@pytest.mark.parametrize(("step", "row"), [(1, "next"), (-1, "previous")])
def test_a_table_that_is_shifted_by_a_row_is_refused(step, row):
    finding = fit_their_images(moved(step))
    assert finding.refused
    assert f"fit the points of the {row} row" in finding.what


def test_rows_in_another_order_are_a_doubt():
    order = np.random.default_rng(0).permutation(60)
    finding = fit_their_images(replace(DRAWN, keypoints=DRAWN.keypoints[order]))
    assert not finding.refused
    assert "no better than those of another face" in finding.what


def test_faces_that_all_lie_alike_show_nothing():
    """Crops that were aligned by their eyes: the points of any other fit as well."""
    same = np.repeat(DRAWN.keypoints[:1], 60, 0) + np.random.default_rng(0).normal(0, 0.3, DRAWN.keypoints.shape)
    assert fit_their_images(replace(DRAWN, keypoints=same.astype(np.float32))) is None


def test_opening_refuses_a_shifted_table(tmp_path):
    np.savez(tmp_path / "a.npz", images=DRAWN.images, keypoints=moved(1).keypoints)
    with pytest.raises(EdgefkpError, match="the rows are shifted"):
        open_dataset(tmp_path / "a.npz")


@pytest.fixture(scope="module")
def photos():
    """(40, 150, 200) with a drawn face in each, and the (40, 15, 2) points in them."""
    images = np.full((40, 150, 200), 90, np.uint8)
    places = np.random.default_rng(1).integers(0, (200 - 96, 150 - 96), (40, 2))
    for photo, face, (x, y) in zip(images, DRAWN.images, places, strict=False):
        photo[y : y + 96, x : x + 96] = face
    return images, DRAWN.keypoints[:40] + places[:, None]


def folder(path, images, points):
    for number, photo in enumerate(images):
        cv2.imwrite(str(path / f"{number:02}.png"), photo)
    rows = [[f"{number:02}.png", *face.ravel().tolist()] for number, face in enumerate(points)]
    write_csv(path / "points.csv", ["file", *KAGGLE15.columns], rows)
    return path


def test_a_table_of_photos_that_is_shifted_by_a_row_is_refused(tmp_path, photos):
    images, points = photos
    with pytest.raises(EdgefkpError, match="fit the points of the previous row"):
        open_dataset(folder(tmp_path, images, np.roll(points, -1, 0)))


def test_a_shuffled_table_of_photos_is_a_doubt_and_a_good_one_is_none(tmp_path, photos):
    images, points = photos
    order = np.random.default_rng(0).permutation(40)
    found = open_dataset(folder(tmp_path, images, points[order])).judgment.findings
    assert "no better than those of another face" in next(one for one in found if one.kind == "images").what
    assert open_dataset(folder(tmp_path, images, points)).judgment.findings == ()


@pytest.mark.parametrize(("move", "where"), [((12, 0), "to the left"), ((0, -12), "down")])
def test_points_that_are_all_moved_alike_are_a_doubt(move, where):
    finding = beside_their_points(replace(DRAWN, keypoints=DRAWN.keypoints + np.float32(move)))
    assert not finding.refused
    assert where in finding.what


def test_faces_where_their_points_are_are_no_finding():
    for layout in LAYOUTS.values():
        drawn = drawn_faces(40, ModelSpec(layout, InputSpec(64)), seed=7)
        assert beside_their_points(drawn) is None
        assert beside_their_points(drawn.take(np.arange(20))) is None, "too few"
