"""Rows that are shifted or shuffled are seen in the pixels."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.labels.images import fit_their_images
from edgefkp.data.synthetic import drawn_faces
from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from tests.layouts import SMALL_RGB

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
