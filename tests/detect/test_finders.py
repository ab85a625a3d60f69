import cv2
import numpy as np
import pytest

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders import blazeface, find_in_still, open_finder, usages, yunet
from edgefkp.detect.finders.base import FINDERS, BoxCorrection, FaceBox, Finder, correction_of
from edgefkp.detect.finders.blazeface import BlazeFace, anchors, overlap, without_duplicates
from edgefkp.detect.finders.haar import HaarFinder
from edgefkp.detect.finders.yunet import POINTS as YUNET_POINTS
from edgefkp.detect.images import PredictSettings, predict_image
from edgefkp.detect.predict import find_items
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.geometry import Box
from edgefkp.layout import KAGGLE15
from edgefkp.runtime import interpreters as runtimes
from tests.discs import TINY

cascades = pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5 has no cascades")


def near(found: Box, truth: Box, share: float = 0.12) -> bool:
    return bool(np.abs(np.subtract(found, truth)).max() < share * truth.side)


def true_box(scale: float = 1.0, border: int = 0) -> Box:
    from bench.astronaut import POINTS
    from edgefkp.geometry import box_of_keypoints

    return box_of_keypoints((POINTS + border + 0.5) * scale - 0.5, KAGGLE15)


@cascades
def test_haar_finds_the_astronaut_at_every_size(astronaut):
    for scale in (0.5, 1.0, 3.0):
        image = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        assert near(HaarFinder().find(image)[0].box, true_box(scale))


@cascades
def test_haar_finds_a_face_that_fills_the_image(astronaut):
    box = true_box()
    left, top, side = int(box.x - box.side / 2), int(box.y - box.side / 2), int(box.side)
    found = HaarFinder().find(astronaut[top : top + side, left : left + side])
    assert near(found[0].box, box._replace(x=box.x - left, y=box.y - top))


@cascades
@pytest.mark.parametrize("degrees", [-25, -15, 15, 25])
def test_haar_finds_a_turned_face_in_stills(astronaut, degrees):
    from bench.astronaut import POINTS
    from edgefkp.geometry import box_of_keypoints, move_image, move_points, similarity

    turn = similarity(255.5, degrees)
    turned = move_image(turn, astronaut, 512)
    assert near(HaarFinder().find_in_still(turned)[0].box, box_of_keypoints(move_points(turn, POINTS), KAGGLE15))


@cascades
def test_haar_searches_a_frame_once(monkeypatch):
    turns = []
    finder = HaarFinder()
    monkeypatch.setattr(finder, "_search", lambda gray, degrees, largest=0: turns.append(degrees) or [])
    assert finder.find(np.zeros((240, 320), np.uint8)) == []
    assert turns == [0]
    finder.find_in_still(np.zeros((240, 320), np.uint8))
    assert turns[1:4] == [0, -20, 20]


@cascades
def test_haar_follows_a_shift_of_the_image(astronaut):
    # A multiple of the search's shrink, so that the searched pixels are the same but for the border's replica.
    first = HaarFinder().find(astronaut)[0].box
    moved = HaarFinder().find(np.pad(astronaut, ((0, 0), (64, 0), (0, 0)), mode="edge"))[0].box
    assert near(moved, first._replace(x=first.x + 64), 0.05)


@cascades
def test_haar_gray_and_color_agree(astronaut):
    gray = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    assert HaarFinder().find(gray) == HaarFinder().find(astronaut)


@cascades
@pytest.mark.parametrize("shape", [(5, 5), (30, 400, 3), (1, 1)])
def test_haar_finds_nothing_in_nothing(shape):
    assert HaarFinder().find(np.zeros(shape, np.uint8)) == []


def test_the_correction_is_fitted_and_near_one():
    for name in ("haar", "blazeface"):
        fitted = correction_of(name)
        assert fitted != BoxCorrection()
        assert abs(fitted.scale - 1) < 0.2
        assert abs(fitted.x) < 0.1
    assert correction_of("unheard-of") == BoxCorrection()


def test_a_correction_moves_by_shares_of_the_side():
    assert BoxCorrection(0.1, -0.2, 1.5).apply(Box(100, 100, 40)) == Box(104, 92, 60)


def test_whole_image_takes_the_largest_square():
    (found,) = open_finder("whole-image").find(np.zeros((96, 120), np.uint8))
    assert found.box == Box(59.5, 47.5, 96)


@pytest.mark.parametrize("spec", ["hog", "", "haar2:x"])
def test_unknown_finders_are_usage_errors(spec):
    with pytest.raises(UsageError, match="unknown face finder"):
        open_finder(spec)


def test_yunet_asks_for_its_file(monkeypatch, tmp_path):
    monkeypatch.setattr(yunet, "PACKAGE", "no_such_package")
    with pytest.raises(EdgefkpError, match="no model file was given"):
        open_finder("yunet")
    wrong = tmp_path / "yunet.onnx"
    wrong.write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(EdgefkpError, match="cannot be read as a YuNet model"):
        open_finder(f"yunet:{wrong}")


def test_yunet_finds_its_file_in_its_package(monkeypatch, tmp_path):
    package = tmp_path / "with_yunet"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('it is not imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(yunet, "PACKAGE", "with_yunet")
    assert yunet.file_in_package() is None
    (package / yunet.FILE).write_bytes(b"x")
    assert yunet.file_in_package() == package / yunet.FILE


def test_yunet_rows_become_boxes(monkeypatch, tmp_path):
    class Stub:
        size = None

        def setInputSize(self, size):
            self.size = size

        def detect(self, image):
            assert image.shape == (self.size[1], self.size[0], 3)
            points = (
                YUNET_POINTS.mean_points()[YUNET_POINTS.mirror_order] + 100 + 0.5
            ) / 2 - 0.5  # the image is searched at half its size
            rows = [[0, 0, 50, 50, *points.ravel(), score] for score in (0.8, 0.95)]
            return 2, np.array(rows, np.float32)

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: Stub())
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"x")
    found = open_finder(f"yunet:{file}").find(np.zeros((480, 640), np.uint8))
    assert [face.score for face in found] == pytest.approx([0.95, 0.8])
    assert np.allclose(found[0].box, (147.5, 147.5, 96, 0), atol=0.05)


def test_blazeface_anchors_are_the_published_grid():
    assert anchors().shape == (896, 2)
    assert anchors()[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert anchors()[512:519].tolist() == [[8, 8]] * 6 + [[24, 8]]


def test_overlap_and_duplicates():
    assert overlap(Box(0, 0, 10), Box(0, 0, 10)) == 1
    assert overlap(Box(0, 0, 10), Box(20, 0, 10)) == 0
    assert overlap(Box(0, 0, 10), Box(5, 0, 10)) == pytest.approx(1 / 3)
    found = [FaceBox(Box(0, 0, 10), 0.6), FaceBox(Box(1, 0, 10), 0.9), FaceBox(Box(40, 0, 10), 0.7)]
    assert [face.score for face in without_duplicates(found)] == [0.9, 0.7]


def test_blazeface_reads_what_its_network_says(monkeypatch, tmp_path):
    """A stub of the network that sees one face, its points where the mean shape lies in a 400x200 image."""
    row, scale = 700, 128 / 400
    points = blazeface.POINTS.mean_points()[blazeface.POINTS.mirror_order]

    class Stub:
        inputs = ({"shape": (1, 128, 128, 3)},)
        outputs = ({"shape": (1, 896, 16)}, {"shape": (1, 896, 1)})

        def set(self, tensor):
            assert tensor.shape == (1, 128, 128, 3)
            assert -1 <= tensor.min() <= tensor.max() <= 1
            assert (tensor[0, 64:] == -1).all()  # below an image that is twice as wide as high

        def invoke(self):
            pass

        def get(self, which):
            if which == 1:
                logits = np.full((1, 896, 1), -9.0)
                logits[0, row] = 3
                return logits
            regressed = np.zeros((1, 896, 16))
            regressed[0, row, 4:10] = ((points + 60 + 0.5) * scale - anchors()[row]).ravel()
            return regressed

    monkeypatch.setattr(runtimes, "load", lambda *arguments: Stub())
    monkeypatch.setattr("edgefkp.runtime.safety.check", lambda *arguments: None)
    finder = BlazeFace(TINY)
    finder.correction = BoxCorrection()
    (found,) = finder.find(np.full((200, 400, 3), 99, np.uint8))
    assert np.allclose(found.box[:3], (107.5, 107.5, 96), atol=0.1)
    assert found.score == pytest.approx(0.9526, abs=1e-3)


def test_blazeface_refuses_another_network():
    with pytest.raises(EdgefkpError, match="not those of BlazeFace"):
        BlazeFace(TINY)


def test_blazeface_without_mediapipe_says_what_to_do(monkeypatch):
    monkeypatch.setattr(blazeface, "file_in_mediapipe", lambda: None)
    with pytest.raises(EdgefkpError) as raised:
        BlazeFace()
    assert "mediapipe" in raised.value.hint


def test_blazeface_finds_the_astronaut(astronaut):
    if blazeface.file_in_mediapipe() is None or not blazeface.file_in_mediapipe().exists():
        pytest.skip("needs BlazeFace from the package mediapipe")
    assert near(BlazeFace().find(astronaut)[0].box, true_box())


@cascades
def test_an_opencv_without_a_cascade_is_an_environment_problem(monkeypatch):
    monkeypatch.setattr(HaarFinder, "CASCADE", "nowhere.xml")
    with pytest.raises(EnvironmentProblem, match=r"nowhere\.xml"):
        HaarFinder()


def test_opencv_5_names_another_finder(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    with pytest.raises(EnvironmentProblem, match="has no Haar cascades") as raised:
        HaarFinder()
    assert "--finder" in raised.value.hint


class Corner:
    """Finds one face, in the image's top left corner."""

    name = "corner"

    def __init__(self, side: str) -> None:
        self.side = float(side)

    def find(self, image):
        middle = (self.side - 1) / 2
        return [FaceBox(Box(middle, middle, self.side), 1.0)]


@pytest.fixture
def corner():
    FINDERS.add(Finder("corner", "the top left corner", Corner, "SIDE", needs_argument=True, min_score=0.0))
    yield
    FINDERS.remove("corner")


def test_a_registered_finder_is_used_by_its_name(corner, tmp_path):
    cv2.imwrite(str(tmp_path / "noise.png"), np.random.default_rng(0).integers(0, 255, (80, 90, 3), np.uint8))
    settings = PredictSettings(tmp_path / "out", str(TINY), "corner:64", overlays=False)
    (item,) = find_items([tmp_path / "noise.png"], settings.out)
    (row,) = predict_image(item, settings, settings.detector()).rows
    (face,) = KeypointDetector(TINY, Corner("64"), min_score=0)(cv2.imread(str(tmp_path / "noise.png")))
    assert [row[f"box_{name}"] for name in ("x", "y", "side")] == pytest.approx(list(face.box[:3]), abs=0.01)
    with pytest.raises(UsageError) as raised:
        open_finder("cornr")
    assert "corner" in raised.value.hint
    assert "corner:SIDE" in usages()


def test_usages_show_how_each_finder_is_typed():
    assert FINDERS["haar"].usage == "haar"
    assert FINDERS["blazeface"].usage == "blazeface[:FILE.tflite]"
    assert FINDERS["yunet"].usage == "yunet[:FILE.onnx]"
    assert all(finder.usage in usages() and finder.description for finder in FINDERS.values())


@cascades
def test_only_finders_whose_boxes_are_trusted_have_no_limit():
    assert KeypointDetector(TINY, "whole-image").min_score == 0
    assert KeypointDetector(TINY, "haar").min_score == KeypointDetector(TINY, Corner("64")).min_score > 0
    assert KeypointDetector(TINY, "whole-image", min_score=0.3).min_score == 0.3


def crowd(astronaut: np.ndarray, side: int, rows: int = 3, columns: int = 6) -> np.ndarray:
    """A group photo: the astronaut's head, `side` pixels high and wide, in a grid with twice as much room."""
    head = cv2.resize(astronaut[20:240, 115:335], (side, side), interpolation=cv2.INTER_AREA)
    image = np.full((2 * side * rows, 2 * side * columns, 3), 127, np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = 2 * side * row + side // 2, 2 * side * column + side // 2
            image[top : top + side, left : left + side] = head
    return image


@cascades
def test_small_faces_are_found_in_stills_and_the_search_in_videos_is_as_it_was(astronaut):
    image = crowd(astronaut, 150)
    assert HaarFinder().find(image) == []
    assert len(HaarFinder().find_in_still(image)) == 18


@cascades
def test_the_finer_search_adds_nothing_to_a_large_face(astronaut):
    for scale in (0.5, 1.0, 3.0):
        image = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        assert HaarFinder().find_in_still(image)[:1] == HaarFinder().find(image)[:1]
        detector = KeypointDetector(finder=HaarFinder.name)
        (face,) = detector(image)
        expected = detector.refine(image, HaarFinder().find(image)[0].box).face
        assert np.array_equal(face.keypoints, expected.keypoints)


@cascades
@pytest.mark.parametrize("shape", [(5, 5), (30, 400, 3), (1, 1), (160, 200), (700, 900)])
def test_the_finer_search_finds_nothing_in_nothing(shape):
    assert HaarFinder().find_in_still(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize("min_face", [0.5, 45])
def test_smaller_faces_than_the_least_are_dropped(min_face):
    image = np.zeros((80, 200), np.uint8)
    detector = KeypointDetector(TINY, Corner("44"), min_score=0, min_face=min_face)
    assert (detector(image) == []) == (min_face > 44)
    assert (detector(image[:40]) == []) == (min_face > 44)
    assert detector.boxes(image, still=False) == detector.boxes(image, still=True)
    assert KeypointDetector(TINY, Corner("20"), min_score=0, min_face=min_face)(image) == []


@pytest.mark.parametrize("min_face", [0, -3.0, float("nan")])
def test_a_least_face_without_a_size_is_a_usage_error(min_face):
    with pytest.raises(UsageError, match="no face is as small"):
        KeypointDetector(TINY, Corner("44"), min_face=min_face)


def test_a_finder_without_a_finer_search_is_asked_as_ever():
    assert find_in_still(Corner("64"), np.zeros((90, 90), np.uint8)) == Corner("64").find(None)
