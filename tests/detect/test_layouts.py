"""Another layout, another side and colors, from the image to the overlay and the table: three points at 64x64 rgb."""

import csv

import numpy as np
import pytest

from edgefkp.detect.overlay import BOX, COLORS, draw_faces, name_columns
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.detect.presence import fitted
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.detect.tracker import Tracker
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, move_points
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, PointLayout
from tests.discs import disc_detector_of, disc_frame

THREE = PointLayout(
    "three",
    ("left_ear", "right_ear", "chin"),
    mean_shape=((0.9, 0.4), (0.1, 0.4), (0.5, 0.95)),
    nme_pair=(("left_ear",), ("right_ear",)),
    lines=(("left_ear", "chin"),),
)
SPEC = ModelSpec(THREE, InputSpec(64, "rgb"))
BOX_OF_FACE = Box(150.0, 120.0, 120.0)


@pytest.fixture
def detector():
    detector = disc_detector_of(SPEC)
    detector.finder.boxes = [BOX_OF_FACE]
    return detector


def expected(box: Box) -> np.ndarray:
    return (np.array(THREE.mean_shape) - 0.5) * box.side + (box.x, box.y)


def test_the_points_come_back_in_image_pixels(detector):
    (face,) = detector(disc_frame(BOX_OF_FACE))
    assert face.layout == THREE
    assert np.allclose(face.keypoints, expected(BOX_OF_FACE), atol=2)


def test_the_network_gets_rgb_whatever_the_image_has(detector):
    red = disc_frame(BOX_OF_FACE)
    red[..., :2] = 20  # BGR: red alone is left
    crop = detector.predict_box(red, BOX_OF_FACE).crop
    assert crop.shape == (64, 64, 3)
    assert crop[32, 32].tolist() == [220, 20, 20]
    gray = detector.predict_box(disc_frame(BOX_OF_FACE)[..., 0].copy(), BOX_OF_FACE).crop
    assert gray[32, 32].tolist() == [220, 220, 220]


def test_a_face_is_followed_by_its_own_points(detector):
    tracker = Tracker(detector)
    for number in range(30):
        box = BOX_OF_FACE._replace(x=150 + 2.0 * number, side=120 - number)
        (face,) = tracker(disc_frame(box), number / 30)
        assert face.crop.shape == SPEC.input.image_shape
        assert np.allclose(box_of_keypoints(face.raw, THREE), box, atol=2.5)
        assert face.keypoints.shape == (3, 2)
    assert tracker.searches == 1


def test_points_and_lines_are_drawn_in_the_colors_of_their_sides(detector):
    (face,) = detector(disc_frame(BOX_OF_FACE))
    image = np.full((240, 320, 3), 90, np.uint8)
    draw_faces(image, [face])
    for side, (x, y) in zip(("left", "right", "middle"), face.keypoints, strict=True):
        assert np.abs(image[round(float(y)), round(float(x))].astype(int) - COLORS[side]).max() < 30
    left, right, chin = face.keypoints
    x, y = (left + chin) / 2
    assert np.abs(image[round(float(y)), round(float(x))].astype(int) - BOX).max() < 60
    x, y = (right + chin) / 2
    assert image[round(float(y)), round(float(x))].tolist() == [90, 90, 90]  # no line there


def test_names_stand_on_the_side_of_their_points(detector):
    (face,) = detector(disc_frame(BOX_OF_FACE))
    plain, named = (np.full((240, 320, 3), 90, np.uint8) for _ in range(2))
    draw_faces(plain, [face])
    draw_faces(named, [face], names=True)
    changed = (plain != named).any(-1)
    half = round(BOX_OF_FACE.side / 2)
    assert changed[:, : 150 - half - 5].any()
    assert changed[:, 150 + half + 5 :].any()
    assert name_columns(THREE) == ([1], [0, 2])
    left, right = name_columns(KAGGLE15)
    assert sorted(left + right) == list(range(KAGGLE15.count))
    assert abs(len(left) - len(right)) <= 1


def test_tables_of_images_and_videos_have_the_columns_of_the_layout(detector, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "disc.png"), disc_frame(BOX_OF_FACE))
    video = VideoRecorder(tmp_path / "disc.avi", 10)
    for _ in range(3):
        video.write(disc_frame(BOX_OF_FACE))
    video.close()
    settings = PredictSettings(tmp_path / "out")
    result = predict(
        find_items([tmp_path / "disc.png", tmp_path / "disc.avi"], settings.out), settings, detector=detector
    )
    assert (result.images, result.videos, result.faces) == (1, 1, 4)
    for table in ("points.csv", "disc.avi.csv"):
        with open(settings.out / table, newline="") as stream:
            for row in csv.DictReader(stream):
                assert list(row)[-6:] == list(THREE.columns)
                points = [float(row[column]) for column in THREE.columns]
                assert np.allclose(points, expected(BOX_OF_FACE).ravel(), atol=2)


def test_a_table_of_another_layout_is_left_alone(detector, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "disc.png"), disc_frame(BOX_OF_FACE))
    settings = PredictSettings(tmp_path / "out", overlays=False)
    items = find_items([tmp_path / "disc.png"], settings.out)
    predict(items, settings, detector=detector)
    other = disc_detector_of()
    with pytest.raises(Exception, match="for this model's points"):
        predict(items, settings, detector=other)


@pytest.mark.parametrize("spec", [InputSpec(64, "rgb"), InputSpec(64), InputSpec(128, "rgb"), InputSpec(192)])
def test_the_presence_check_knows_a_face_at_any_side_and_in_colors(astronaut, spec):
    from bench.astronaut import POINTS

    def score(image: np.ndarray, box: Box) -> float:
        points = move_points(crop_matrix(face, spec.side), POINTS)
        return fitted()(crop_face(image, box, spec), points, KAGGLE15)

    face = box_of_keypoints(POINTS, KAGGLE15)
    assert score(astronaut, face) > 0.9
    assert score(astronaut, face._replace(x=face.x + face.side)) < 0.5
    assert score(np.full_like(astronaut, 128), face) < 0.5


@pytest.mark.parametrize("names", [("left_eye_center", "right_eye_center"), ("nose_tip",)])
def test_layouts_of_few_points_do_not_break_the_check(names):
    layout = KAGGLE15.part(*names)
    crop = np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8)
    assert 0 <= fitted()(crop, layout.mean_points(), layout) <= 1
