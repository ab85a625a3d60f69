"""Faces of any layout and input: the image and its points are moved together."""

import cv2
import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of, joined, resampled, with_extra_training_faces
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec
from edgefkp.layouts.maps import conversion
from tests.dots import dot_near, dots
from tests.layouts import SMALL_RGB, THREE
from tests.made_faces import made_faces

IBUG68 = LAYOUTS["ibug68"]
POINTS = np.array([(30, 32), (66, 32), (48, 76)], np.float32)


def three_faces(count: int = 1, image: np.ndarray | None = None):
    image = dots(POINTS) if image is None else image
    return faces_of(np.stack([image] * count), np.stack([POINTS] * count), layout=THREE)


@pytest.mark.parametrize("spec", [InputSpec(64), InputSpec(128, "rgb"), InputSpec(48, "rgb"), InputSpec(96, "rgb")])
def test_points_stay_on_what_they_mark_in_another_input(spec):
    faces = three_faces().at(spec)
    assert faces.images.shape == (1, *spec.image_shape)
    assert faces.input == spec
    for point in faces.keypoints[0]:
        assert np.hypot(*(dot_near(faces.images[0], point) - point)) < 0.1


def test_faces_that_fit_are_returned_as_they_are():
    faces = three_faces()
    assert faces.at(InputSpec(scaling="-1..1")) is faces
    assert faces.in_layout(THREE) is faces
    assert resampled(faces.images, faces.input) is faces.images


def test_red_stays_red_and_counts_as_gray_level():
    red = np.zeros((1, 64, 64, 3), np.uint8)
    red[..., 0] = 255
    assert (resampled(red, InputSpec(96, "rgb")) == (255, 0, 0)).all()
    assert (resampled(red, InputSpec(96)) == 76).all()  # 0.299 of 255: blue would be 29


def test_a_part_of_the_points_can_be_asked_for():
    images, keypoints = made_faces(4)
    part = KAGGLE15.part("nose_tip", "left_eye_center")
    faces = faces_of(images, keypoints).in_layout(part)
    assert faces.layout == part
    assert (faces.keypoints == keypoints[:, [10, 0]]).all()
    with pytest.raises(EdgefkpError, match="not eye_left, eye_right, chin of three"):
        faces.in_layout(THREE)


def test_a_larger_face_is_cut_as_the_smaller_layouts_crops_are():
    """The dots move with their image, and the crop of 15 points shows less of the face than that of 68."""
    image = np.zeros((192, 192, 3), np.uint8)
    points = IBUG68.mean_points(192)
    eyes = KAGGLE15.rows("left_eye_center", "right_eye_center")
    for x, y in conversion(IBUG68, KAGGLE15)(points)[eyes]:
        cv2.circle(image, (round(float(x)), round(float(y))), 4, (255, 255, 255), -1)
    faces = faces_of(image[None], points[None], label_src=np.full((1, 68), 4), layout=IBUG68).in_layout(KAGGLE15)
    assert (faces.layout, faces.input) == (KAGGLE15, InputSpec(192, "rgb"))
    assert (faces.label_src == 4).all()
    for point in faces.keypoints[0, eyes]:
        assert np.hypot(*(dot_near(faces.images[0], point) - point)) < 0.5
    np.testing.assert_allclose(box_of_keypoints(faces.keypoints[0], KAGGLE15), (95.5, 95.5, 192, 0), atol=0.01)


def test_shapes_have_to_agree_with_the_layout():
    images, keypoints = made_faces(2, spec=SMALL_RGB)
    assert len(faces_of(images, keypoints, layout=THREE).take(np.array([True, False]))) == 1
    with pytest.raises(ValueError, match=r"keypoints has shape \(2, 3, 2\), expected \(2, 15, 2\)"):
        faces_of(images, keypoints)
    with pytest.raises(ValueError, match=r"images has shape"):
        faces_of(images[:, :, :40], keypoints, layout=THREE)


def test_faces_of_different_inputs_are_not_joined():
    faces = three_faces()
    assert len(joined([faces, faces])) == 2
    with pytest.raises(EdgefkpError, match=r"96x96 gray with the points of three, and of 64x64 gray"):
        joined([faces, faces.at(InputSpec(64))])


def test_a_dataset_is_divided_once():
    images, keypoints = made_faces(40, spec=SMALL_RGB)
    source = Dataset("made", faces_of(images, keypoints, layout=THREE), None, "none")
    parts = split(source)
    assert split(source) is parts
    assert split(source, 1) is not parts
    assert parts.train.layout == THREE
    assert parts.train.input == source.input == SMALL_RGB.input
    whole = with_extra_training_faces(source, [Dataset("more", source.train.take(np.arange(3)), None, "free")])
    assert split(whole) is not parts
    assert (whole.name, whole.license) == ("made+more", "none; free")


def test_further_columns_follow_the_faces_and_are_in_no_hash():
    plain = three_faces(3)
    mood, size = np.array(["glad", "", "sad"]), np.array([10.0, np.nan, 30])
    faces = faces_of(plain.images, plain.keypoints, layout=THREE, attributes={"mood": mood, "size": size})
    assert faces.hash == plain.hash
    assert faces.take(np.array([2, 0])).attributes["mood"].tolist() == ["sad", "glad"]
    assert faces.at(InputSpec(64)).attributes["size"] is size
    whole = joined([plain, faces])
    assert whole.attributes["mood"].tolist() == ["", "", "", "glad", "", "sad"]
    assert np.isnan(whole.attributes["size"]).tolist() == [True, True, True, False, True, False]
    with pytest.raises(ValueError, match=r"mood has shape \(2,\), expected \(3,\)"):
        faces_of(plain.images, plain.keypoints, layout=THREE, attributes={"mood": mood[:2]})


def test_further_columns_come_through_the_split():
    images, keypoints = made_faces(12)
    names = np.arange(12).astype(str)
    parts = split(Dataset("made", faces_of(images, keypoints, attributes={"name": names}), None, "none"))
    for part in (parts.train, parts.validation, parts.test):
        assert part.attributes["name"].tolist() == part.ids.tolist()
