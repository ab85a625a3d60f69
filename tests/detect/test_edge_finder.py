"""The own finder: what its numbers mean, which boxes are one face, and windows that cover the image."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders.base import BoxCorrection
from edgefkp.detect.finders.edge import EdgeFinder, Found, Look, _starts, decoded, suppressed
from edgefkp.detect.finders.edge_free import EdgeFreeFinder
from edgefkp.detect.tracker import Tracker
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, sha256_file
from edgefkp.geometry import box_of_keypoints, move_image, move_points, similarity
from edgefkp.layout import KAGGLE15
from edgefkp.networks.finder import CELLS, FIVE, REACH, grid
from tests.discs import TINY

HEIGHT, WIDTH = 64, 96


class OneFaceNetwork:
    """In place of a file: the cell nearest to the bright dot of the window gives a face of that side there; without a
    side, one as large as the dot times DOTS."""

    DOTS = 3.0
    path = Path("drawn.tflite")

    def __init__(self, side: float | None = None) -> None:
        self.side, self.cells, self.calls = side, grid(HEIGHT, WIDTH), 0
        self.shape = FIVE.mean_points(1)
        self.tensor = np.zeros((1, HEIGHT, WIDTH, 1), np.float32)
        self.window = self.tensor[0, ..., 0]

    def view(self) -> np.ndarray:
        return self.tensor

    def invoke(self) -> None:
        self.calls += 1
        count = len(self.cells)
        self.outputs = np.zeros((count, 1), "f"), np.zeros((count, 3), "f"), np.zeros((count, 10), "f")
        if self.window.max() > 0.5:
            places = np.argwhere(self.window > self.window.max() - 0.1)
            y, x = places.mean(0)
            row = np.argmin(np.hypot(self.cells[:, 0] - x, self.cells[:, 1] - y))
            middle, unit = self.cells[row, :2], self.cells[row, 2]
            side = self.side or self.DOTS * np.sqrt(self.window.sum())
            scores, boxes, points = self.outputs
            scores[row] = 0.9
            boxes[row] = [*(([x, y] - middle) / unit), np.log(side / unit)]
            points[row] = ((self.shape * side + [x, y] - middle) / unit).ravel()

    def get(self, which: int) -> np.ndarray:
        return self.outputs[which][None]


def finder_with(network: OneFaceNetwork) -> EdgeFinder:
    finder = EdgeFinder.__new__(EdgeFinder)
    finder._model, finder._order, finder._cells = network, [0, 1, 2], network.cells
    finder._height, finder._width = HEIGHT, WIDTH
    finder.threshold = finder.threshold_in_windows = 0.5
    finder.correction, finder.min_face = BoxCorrection(), None
    return finder


def dot(height: int, width: int, x: int, y: int, half: int) -> np.ndarray:
    image = np.zeros((height, width), np.uint8)
    image[y - half : y + half + 1, x - half : x + half + 1] = 255
    return image


def test_the_cells_of_a_small_input():
    cells = grid(32, 64)
    assert len(cells) == 4 * 8 + 2 * 4 + 1 * 2
    assert cells[0].tolist() == [3.5, 3.5, 8 * REACH]
    assert cells[9].tolist() == [11.5, 11.5, 8 * REACH]
    assert cells[-1].tolist() == [47.5, 15.5, 32 * REACH]


def test_a_cells_numbers_are_lengths_from_its_middle():
    cells = np.array([[11.5, 19.5, 32.0]], np.float32)
    points = np.zeros((1, 10), np.float32)
    points[0, 2:4] = 0.5, -0.25  # the second point
    boxes, places = decoded(cells, np.array([[0.25, -0.5, np.log(2.0)]], np.float32), points)
    assert boxes[0] == pytest.approx([11.5 + 8, 19.5 - 16, 64])
    assert places.shape == (1, 5, 2)
    assert places[0, 0].tolist() == [11.5, 19.5]
    assert places[0, 1].tolist() == [27.5, 11.5]


def test_of_boxes_on_one_face_the_best_stays():
    boxes = np.array([[50, 50, 40], [52, 50, 40], [52, 50, 20], [120, 50, 40], [75, 50, 40]], np.float32)
    scores = np.array([0.6, 0.9, 0.8, 0.7, 0.5])
    # The first lies on the second, and most of the third, a part of the face, within it; the last only touches it.
    assert suppressed(boxes, scores).tolist() == [1, 3, 4]


def test_no_boxes_are_no_faces():
    assert suppressed(np.empty((0, 3)), np.empty(0)).tolist() == []


@pytest.mark.parametrize(("length", "window"), [(50, 64), (64, 64), (65, 64), (200, 64), (1000, 96)])
def test_windows_cover_the_image_and_overlap(length, window):
    starts = _starts(length, window)
    assert starts[0] == 0
    assert starts[-1] + window >= length
    assert all(after - before <= 0.76 * window for before, after in itertools.pairwise(starts))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (128, 192), (200, 90), (40, 50)])
def test_a_face_of_a_frame_lies_where_it_is_in_the_image(height, width):
    x, y = width // 3, height // 2
    network = OneFaceNetwork(30.0)
    (face,) = finder_with(network).find(dot(height, width, x, y, 4))
    scale = min(1, HEIGHT / height, WIDTH / width)
    assert face.box.side == pytest.approx(30 / scale, rel=1e-3)
    assert face.box.x == pytest.approx(x, abs=1.0 / scale)
    assert face.box.y == pytest.approx(y, abs=1.0 / scale)
    assert network.calls == 1


def test_boxes_are_corrected_as_those_of_other_finders():
    finder = finder_with(OneFaceNetwork(30.0))
    image = dot(HEIGHT, WIDTH, 50, 30, 4)
    (plain,) = finder.find(image)
    finder.correction = BoxCorrection(0.1, -0.1, 1.2)
    (corrected,) = finder.find(image)
    assert corrected.box[:3] == pytest.approx((plain.box.x + 3, plain.box.y - 3, 36), abs=1e-3)
    assert (corrected.points == plain.points).all()


def test_the_points_move_with_the_box():
    (face,) = finder_with(OneFaceNetwork(30.0)).find(dot(128, 192, 60, 70, 4))
    shape = FIVE.mean_points(1) * face.box.side + (face.box.x, face.box.y)
    assert face.points == pytest.approx(shape, abs=0.5)


def test_gray_and_color_give_the_same_face():
    image = dot(128, 192, 60, 70, 4)
    finder = finder_with(OneFaceNetwork(30.0))
    one, other = finder.find(image)[0], finder.find(np.repeat(image[..., None], 3, axis=2))[0]
    assert one.box == pytest.approx(other.box, abs=0.2)


def test_a_face_that_is_seen_in_several_windows_of_a_still_stays_one():
    network = OneFaceNetwork()
    (face,) = finder_with(network).find_in_still(dot(480, 640, 300, 200, 10))
    assert network.calls > 10
    assert face.box.side == pytest.approx(63, rel=0.15)
    assert face.box[:2] == pytest.approx((300, 200), abs=6)


def test_a_small_face_in_the_corner_of_a_large_box_stays():
    boxes = np.array([[50, 50, 60], [72, 72, 14]], np.float32)
    assert suppressed(boxes, np.array([0.9, 0.8])).tolist() == [0, 1]


def test_a_window_knows_where_it_lies():
    finder = finder_with(OneFaceNetwork(20.0))
    pixels = dot(HEIGHT, WIDTH, 40, 30, 0)
    found = finder._see(Look(pixels, 0.5, -100.0, -50.0))
    assert isinstance(found, Found)
    assert found.boxes[0] == pytest.approx([(140 + 0.5) * 2 - 0.5, (80 + 0.5) * 2 - 0.5, 40], abs=0.1)


@pytest.mark.parametrize("output", [0, 1, 2])
def test_a_file_that_gives_no_numbers_is_named(output):
    network = OneFaceNetwork(20.0)
    network.invoke = lambda: OneFaceNetwork.invoke(network) or network.outputs[output].fill(np.nan)
    with pytest.raises(EdgefkpError, match=r"drawn\.tflite produces NaN"):
        finder_with(network).find(np.zeros((HEIGHT, WIDTH), np.uint8))


def test_a_keypoint_network_is_no_finder():
    with pytest.raises(EdgefkpError, match="not those of this finder"):
        EdgeFinder(TINY)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EdgefkpError, match="no file at"):
        EdgeFinder(tmp_path / "none.tflite")


@pytest.mark.parametrize("min_face", [0.04, 20])
def test_the_least_face_decides_how_finely_images_are_searched(min_face):
    network = OneFaceNetwork(30.0)
    finder = finder_with(network)
    finder.min_face = min_face
    finder.find(dot(500, 500, 250, 200, 4))  # a face of 20 pixels is seen at the image's own size
    searched = network.calls
    assert searched > 20
    finder.min_face = 10 * min_face
    finder.find(dot(500, 500, 250, 200, 4))
    assert network.calls - searched == 1


def test_the_cells_grow_by_halving():
    assert all(larger == 2 * smaller for smaller, larger in itertools.pairwise(CELLS))


KINDS = (EdgeFinder, EdgeFreeFinder)


@pytest.mark.parametrize("degrees", [-130, -40, 0, 20, 90, 180])
def test_the_shipped_file_finds_the_astronaut_at_any_roll(astronaut, degrees):
    from bench.astronaut import POINTS

    turn = similarity(255.5, degrees)
    best = EdgeFinder().find_in_still(move_image(turn, astronaut, 512))[0]
    truth = box_of_keypoints(POINTS, KAGGLE15)
    place = move_points(turn, np.array([[truth.x, truth.y]]))[0]
    assert best.box[:2] == pytest.approx(place, abs=0.2 * truth.side)
    assert best.box.side == pytest.approx(truth.side, rel=0.3)
    assert abs((best.box.roll - degrees + 180) % 360 - 180) < 45  # coarse: the points of the network decide


@pytest.mark.parametrize("degrees", [-120, -60, 0, 90, 180])
def test_the_detector_finds_the_points_of_photos_on_their_side_and_upside_down(model, astronaut, degrees):
    from bench.astronaut import POINTS

    turn = similarity(255.5, degrees)
    faces = KeypointDetector(model, EdgeFinder())(move_image(turn, astronaut, 512))
    face = max(faces, key=lambda face: face.box.side)
    error = (face.keypoints - move_points(turn, POINTS)) * (96 / face.box.side)
    assert np.sqrt(np.mean(error**2)) < 2


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0])
def test_the_shipped_file_finds_the_astronaut_at_any_size(astronaut, scale):
    import cv2

    small = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.full((480, 640, 3), 128, np.uint8)
    size = min(480, small.shape[0])
    image[:size, : small.shape[1]] = small[:size]
    best = EdgeFinder().find_in_still(image)[0]
    assert best.box.x == pytest.approx(224 * scale, abs=0.2 * 110 * scale)


@pytest.mark.parametrize("shape", [(5, 5), (30, 400, 3), (1, 1), (480, 640)])
def test_the_shipped_file_finds_nothing_in_nothing(shape):
    assert EdgeFinder().find_in_still(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_file_is_that_of_the_card(kind):
    card = read_json(kind.model.with_name(f"{kind.name}.json"))
    assert kind.model.name in [file["file"] for file in card["files"]]
    for file in card["files"]:
        path = kind.model.with_name(file["file"])
        assert path.stat().st_size == file["bytes"] <= 250_000
        assert sha256_file(path) == file["sha256"]
        assert EdgeFinder(path).find(np.zeros((48, 64), np.uint8)) == []


def group(astronaut: np.ndarray, rows: int, columns: int, tilts: dict[int, float]) -> np.ndarray:
    """The astronaut's head in a grid with twice as much room, some of the heads turned by these degrees."""
    head, side = astronaut[20:240, 115:335], 220
    image = np.full((2 * side * rows, 2 * side * columns, 3), 127, np.uint8)
    for number in range(rows * columns):
        matrix = similarity((side - 1) / 2, tilts.get(number, 0.0))
        matrix[:, 2] += side / 2
        row, column = divmod(number, columns)
        image[2 * side * row :, 2 * side * column :][: 2 * side, : 2 * side] = move_image(matrix, head, 2 * side)
    return image


@pytest.mark.parametrize(
    ("rows", "columns", "tilts"),
    [(1, 2, {}), (3, 5, {}), (3, 6, {}), (4, 6, {}), (1, 2, {1: 18.0}), (1, 2, {0: -18.0, 1: 18.0}), (2, 3, {4: 70.0})],
)
def test_every_face_of_a_group_is_found_in_a_still(model, astronaut, rows, columns, tilts):
    import cv2

    image = cv2.resize(group(astronaut, rows, columns, tilts), None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    assert len(KeypointDetector(model, EdgeFinder())(image)) == rows * columns


def test_a_small_face_in_a_large_photo_is_found(model, astronaut):
    import cv2

    image = np.full((2160, 3840, 3), 127, np.uint8)
    image[900:1120, 2500:2720] = astronaut[20:240, 115:335]
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    (face,) = KeypointDetector(model, EdgeFinder())(image)
    assert face.box[:2] == pytest.approx((2610, 1010), abs=40)


def test_a_frame_without_a_face_costs_one_look(model):
    network = OneFaceNetwork(30.0)
    tracker = Tracker(KeypointDetector(model, finder_with(network)))
    for second in range(5):
        assert tracker(np.zeros((240, 320), np.uint8), second / 30) == []
        assert network.calls == second + 1
