"""Another layout, another side and colors, from the image to the overlay and the table: three points at 64x64 rgb."""

import csv

import numpy as np
import pytest

from edgefkp.detect import workers as workers_module
from edgefkp.detect.detector import CropPrediction, Face
from edgefkp.detect.overlay import BOX, dot_size, draw_faces, name_columns
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.detect.presence import fitted
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.detect.tracker import Tracker
from edgefkp.detect.workers import work
from edgefkp.geometry import Box, box_of_keypoints, crop_face, crop_matrix, move_points, reframed
from edgefkp.layout import KAGGLE15, LAYOUTS, SIDE_COLORS, InputSpec, ModelSpec, PointLayout
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


def make_detector(settings=None):
    detector = disc_detector_of(SPEC)
    detector.finder.boxes = [BOX_OF_FACE]
    return detector


@pytest.fixture
def detector():
    return make_detector()


def work_with_discs(settings, items):
    """In a child: the real work, with the detector of these tests."""
    PredictSettings.detector = make_detector
    work(settings, items)


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
        assert np.abs(image[round(float(y)), round(float(x))].astype(int) - SIDE_COLORS[side][::-1]).max() < 30
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


def test_tables_of_images_and_videos_have_the_columns_of_the_layout(detector, tmp_path, monkeypatch):
    import cv2

    monkeypatch.setattr(workers_module, "work", work_with_discs)
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


def test_a_table_of_another_layout_is_left_alone(detector, tmp_path, monkeypatch):
    import cv2

    monkeypatch.setattr(workers_module, "work", work_with_discs)
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


def test_the_finders_box_is_brought_to_the_crop_of_a_whole_face():
    """Finders are fitted to crops of Kaggle's points; those of 68 points need the jaw, too."""
    spec = ModelSpec(LAYOUTS["ibug68"])
    detector = disc_detector_of(spec)
    boxes = []
    detector.predict_box = lambda image, box: (
        boxes.append(box)
        or CropPrediction(
            np.zeros((96, 96), np.uint8), np.zeros((68, 2)), Face(box, 0.0, np.full((68, 2), np.nan), spec.layout)
        )
    )
    detector.refine(disc_frame(BOX_OF_FACE), BOX_OF_FACE)
    assert boxes[0] == reframed(BOX_OF_FACE, KAGGLE15, spec.layout)
    assert boxes[0].side > 1.1 * BOX_OF_FACE.side


@pytest.mark.parametrize("layout", ["five", "ibug68", "wflw98"])
def test_a_face_is_there_under_points_of_any_layout_that_shows_it(astronaut, layout):
    """The mean shape lies on the face as a training crop of its own has it."""
    from bench.astronaut import POINTS

    layout = LAYOUTS[layout]
    face = reframed(box_of_keypoints(POINTS, KAGGLE15), KAGGLE15, layout)
    for spec in (InputSpec(), InputSpec(112, "rgb")):

        def score(box: Box, spec: InputSpec = spec) -> float:
            return fitted()(crop_face(astronaut, box, spec), layout.mean_points(spec.side), layout)

        assert score(face) > 0.9
        assert score(face._replace(x=face.x + face.side)) < 0.5


def test_many_points_have_smaller_dots_and_names_that_fit(detector):
    image = np.zeros((700, 700, 3), np.uint8)
    layout = LAYOUTS["ibug68"]
    points = ((np.array(layout.mean_shape) - 0.5) * 300 + 350).astype(np.float32)
    face = Face(Box(350, 350, 300), 1.0, points, layout)
    plain = image.copy()
    draw_faces(plain, [face])
    names = image.copy()
    draw_faces(names, [face], names=True)
    assert dot_size(layout)[1] < dot_size(KAGGLE15)[1]
    assert (names != plain).any(-1).sum() > 2000
    assert not names[:30].any()  # twice the box holds both columns
    assert not names[670:].any()
    for start, end in layout.lines:
        middle = points[layout.rows(start, end)].mean(0).round().astype(int)
        assert plain[middle[1] - 1 : middle[1] + 2, middle[0] - 1 : middle[0] + 2].any()
