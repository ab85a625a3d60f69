"""A weakness that was planted in some faces shows in their slice."""

import numpy as np
import pytest

from edgefkp.data.faces import SOURCE_SIDE, faces_of, joined
from edgefkp.data.synthetic import drawn_faces
from edgefkp.errors import UsageError
from edgefkp.evaluation.properties import PROPERTIES, Measured, measured
from edgefkp.evaluation.slices import UNKNOWN, parts_of, slices
from edgefkp.layout import KAGGLE15, ModelSpec
from tests.layouts import SMALL_RGB

COUNT = 40


@pytest.fixture(scope="module")
def faces():
    drawn = drawn_faces(COUNT, ModelSpec(), seed=5)
    glasses = np.where(np.arange(COUNT) % 4 == 0, "yes", "no")
    glasses[-2:] = ""
    attributes = {"glasses": glasses, "age": np.arange(COUNT).astype(str), SOURCE_SIDE: np.linspace(20, 300, COUNT)}
    return faces_of(drawn.images, drawn.keypoints, attributes=attributes)


def test_the_planted_weakness_shows(faces):
    predicted = faces.keypoints + np.where(faces.attributes["glasses"] == "yes", 4.0, 1.0)[:, None, None]
    found = slices(predicted, faces, ["glasses"])
    assert [(one.name, one.faces) for one in found] == [("no", 28), ("yes", 10), (UNKNOWN, 2)]
    assert [one.rmse for one in found] == pytest.approx([1, 4, 1], rel=1e-5)
    assert found[1].nme > 3 * found[0].nme
    assert all(one.interval[0] <= one.rmse + 1e-6 and one.rmse - 1e-6 <= one.interval[1] for one in found)


def test_each_face_is_in_one_slice_of_each_property(faces):
    found = slices(faces.keypoints + 1, faces, ["pose", "size", "blur", "darkness", "visibility", "age"])
    names = list(dict.fromkeys(one.by for one in found))
    assert names == ["turn", "tilt", "nod", "size", "sharpness", "brightness", "points", "age"]
    for name in names:
        assert sum(one.faces for one in found if one.by == name) == COUNT
    assert [one.name for one in found if one.by == "age"] == ["0 to 10", "10 to 20", "20 to 29", "29 to 39"]
    assert next(one.name for one in found if one.by == "size").endswith(" px")
    assert [one.name for one in found if one.by == "points"] == ["15 points"]


def test_the_names_of_bins_are_what_was_counted():
    values = np.random.default_rng(0).normal(0, 13, 400)
    for name, rows in parts_of(Measured("turn", "°", values)):
        low, high = (float(word) for word in name.removesuffix("°").split(" to "))
        assert low <= values[rows].min()
        assert values[rows].max() <= high
        assert 80 < rows.sum() < 120


def test_few_different_numbers_are_values_and_few_faces_few_bins():
    level = Measured("level", "", np.array([1.0, 1, 2, np.nan]))
    assert [(name, int(rows.sum())) for name, rows in parts_of(level)] == [("1", 2), ("2", 1), (UNKNOWN, 1)]
    assert len(parts_of(Measured("age", "", np.arange(25.0)))) == 2
    assert len(parts_of(Measured("age", "", np.arange(9.0)))) == 1


def test_blur_and_darkness_are_seen_in_the_image(faces):
    import cv2

    blurred = faces_of(np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in faces.images]), faces.keypoints)
    dark = faces_of(faces.images // 4, faces.keypoints)
    for name, worse in (("sharpness", blurred), ("brightness", dark)):
        before, after = (PROPERTIES[name].measure(some) for some in (faces, worse))
        assert (after < before / 2).all()
    rgb = drawn_faces(3, SMALL_RGB, seed=1)
    assert np.isfinite(PROPERTIES["sharpness"].measure(rgb)).all()


def test_unknown_names_are_refused_with_the_known_ones(faces):
    with pytest.raises(UsageError, match="no column and no property 'hat'") as caught:
        slices(faces.keypoints, faces, ["hat"])
    for name in ("glasses", "age", "turn", "pose"):
        assert name in caught.value.hint
    bare = drawn_faces(3, ModelSpec(), seed=1)
    with pytest.raises(UsageError, match=r"size .* is not known"):
        slices(bare.keypoints, bare, ["size"])
    small = drawn_faces(3, SMALL_RGB, seed=1)
    with pytest.raises(UsageError, match=r"turn .* is not known"):
        slices(small.keypoints, small, ["pose"])


def test_a_column_goes_before_a_property_of_its_name(faces):
    own = faces_of(faces.images, faces.keypoints, attributes={"turn": np.array(["left", "right"] * (COUNT // 2))})
    assert [one.values.tolist()[:2] for one in measured("turn", own)] == [["left", "right"]]


@pytest.mark.parametrize(
    "cells",
    [["1", "inf"], ["1e300", "-1e300"], ["nan", "2"], ["1", "two"], ["\x1b[31m", ""], [np.inf, 1.0], [True, False]],
)
def test_odd_cells_of_a_column_are_no_crash(cells):
    images = np.zeros((COUNT, 96, 96), np.uint8)
    keypoints = np.stack([KAGGLE15.mean_points()] * COUNT)
    faces = faces_of(images, keypoints, attributes={"odd": np.array(cells * (COUNT // 2))})
    found = slices(faces.keypoints + 1, faces, ["odd"])
    assert sum(one.faces for one in found) == COUNT
    assert all(one.name.isprintable() for one in found)


def test_a_column_of_names_is_refused(faces):
    own = faces_of(faces.images, faces.keypoints, attributes={"name": np.array([f"n{i}" for i in range(COUNT)])})
    many = joined([own, faces_of(own.images, own.keypoints, attributes={"name": np.array(["more"] * COUNT)})])
    with pytest.raises(UsageError, match="name has 41 different values"):
        slices(many.keypoints, many, ["name"])
