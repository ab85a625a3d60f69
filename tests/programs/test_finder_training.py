"""The finder's scenes, what cells learn of them, and a training that is stopped and goes on, on drawn photos."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from bench.finder import photos as photos_program
from bench.finder.judge import is_on, judge
from bench.finder.patterns import pattern
from bench.finder.photos import BACKGROUND, SIDE, Photos, fitted, free_photos, lfw_photos, read_photos, squares
from bench.finder.scenes import SMALLEST, Artist, Scene, squares_of
from bench.finder.targets import targets_of
from edgefkp.data.arrays import write_arrays
from edgefkp.detect.finders.base import FaceBox
from edgefkp.detect.finders.edge import decoded
from edgefkp.geometry import Box, move_points, similarity
from edgefkp.layout import KAGGLE15
from edgefkp.networks.finder import FIVE, grid

MEAN = FIVE.mean_points(100) + 75  # in the middle of a photo


def drawn_photos(count: int = 4) -> Photos:
    """Gray photos with a bright square for a face, half of them for validation."""
    images = np.full((count, SIDE, SIDE), 60, np.uint8)
    images[:, 75:175, 75:175] = 200
    rows = np.arange(count)
    return Photos(
        images,
        rows % 2 == 1,
        np.repeat(MEAN[None], count, 0).astype(np.float32),
        rows,
        np.ones(count, bool),
        np.full((2, BACKGROUND, BACKGROUND), 30, np.uint8),
        np.array([False, True]),
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photos.npz"
    photos = drawn_photos()
    write_arrays(path, {name: getattr(photos, name) for name in Photos.__dataclass_fields__})
    return path


@pytest.mark.parametrize("degrees", [0, 40, -120, 180])
def test_the_square_of_a_face_is_the_same_at_any_roll(degrees):
    moved = move_points(similarity(124.5, degrees, 0.5), MEAN)
    assert squares_of(moved)[0] == pytest.approx([124.5, 124.5, 50], abs=1e-3)


def test_a_part_keeps_the_faces_of_its_photos():
    photos = drawn_photos(5)
    part = photos.part("validation")
    assert len(part.images) == 2
    assert part.photo.tolist() == [0, 1]
    assert len(photos.part("train").images) == 3
    assert part.backgrounds.shape[0] == photos.part("train").backgrounds.shape[0] == 1


def test_scenes_have_faces_at_their_places():
    artist = Artist(drawn_photos(), 3)
    scenes = [artist.scene(192, 192) for _ in range(60)]
    assert all(scene.image.shape == (192, 192) and scene.image.dtype == np.uint8 for scene in scenes)
    sides = np.concatenate([squares_of(scene.points)[scene.sure, 2] for scene in scenes])
    assert len(sides) > 100
    assert sides.min() >= SMALLEST
    assert all(((scene.points[scene.sure] > -1) & (scene.points[scene.sure] < 192)).all() for scene in scenes)
    assert any(not len(scene.points) for scene in scenes)


def test_a_seed_gives_the_same_scenes():
    one, other = (Artist(drawn_photos(), 5).scene(96, 128) for _ in range(2))
    assert (one.image == other.image).all()
    assert (one.points == other.points).all()


def test_a_mosaic_keeps_its_sizes():
    scene = Artist(drawn_photos(), 1).mosaic(480, 640, 12, 1 / 20, 1 / 4, 45)
    sides = squares_of(scene.points)[scene.sure, 2]
    assert len(sides) == 12
    assert 20 < sides.min() < sides.max() < 135


def scene_of(*faces: tuple[float, float, float], sure: bool = True) -> Scene:
    points = np.array([(FIVE.mean_points(1) * side + (x, y)) for x, y, side in faces], np.float32)
    return Scene(np.zeros((128, 192), np.uint8), points.reshape(-1, 5, 2), np.full(len(faces), sure))


@pytest.mark.parametrize("face", [(50.0, 60.0, 14.0), (100.0, 64.0, 40.0), (80.0, 70.0, 70.0), (90.0, 64.0, 120.0)])
def test_cells_learn_the_face_that_the_finder_decodes(face):
    targets, cells = targets_of(scene_of(face)), grid(128, 192)
    own = targets[:, 0] == 1
    boxes, points = decoded(cells[own], targets[own, 2:5], targets[own, 5:])
    assert own.any()
    assert boxes == pytest.approx(np.repeat([face], own.sum(), 0), abs=1e-3)
    assert points == pytest.approx(np.repeat(scene_of(face).points, own.sum(), 0), abs=1e-3)
    assert (np.hypot(*(cells[own, :2] - face[:2]).T) < 0.25 * face[2] + 12).all()


def test_far_cells_learn_that_there_is_none_and_those_of_a_doubtful_face_nothing():
    face = (100.0, 64.0, 40.0)
    cells = grid(128, 192)
    far = np.hypot(*(cells[:, :2] - face[:2]).T) > 60
    for targets in (targets_of(scene_of(face)), targets_of(scene_of(face, sure=False))):
        assert (targets[far, 0] == 0).all()
        assert (targets[far, 1] == 1).all()
    doubtful = targets_of(scene_of(face, sure=False))
    assert not doubtful[:, 0].any()
    assert (doubtful[np.hypot(*(cells[:, :2] - face[:2]).T) < 20, 1] == 0).all()


def test_of_two_faces_a_cell_learns_the_nearer():
    targets = targets_of(scene_of((60.0, 60.0, 30.0), (78.0, 60.0, 30.0)))
    boxes, _ = decoded(grid(128, 192), targets[:, 2:5], targets[:, 5:])
    assert set(np.rint(boxes[targets[:, 0] == 1, 0]).astype(int).tolist()) == {60, 78}


def test_a_training_that_was_stopped_goes_on(stored, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    from bench.finder import train

    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "SIDE", 64)
    rows: list[str] = []
    file = train.train(stored, tmp_path, 8, rows.append)
    train.train(stored, tmp_path, 12, rows.append)
    assert [json.loads(row)["scenes"] for row in rows] == [8, 12]
    history = train.read_checkpoint(file).history
    assert [row["scenes"] for row in history] == [8, 12]
    assert np.isfinite([row["losses"] for row in history]).all()


def test_the_learning_rate_rises_stays_and_falls():
    from bench.finder.train import COOLDOWN, RATE, WARMUP, rate_of

    steps = 10 * WARMUP
    assert rate_of(0, steps) < rate_of(WARMUP // 2, steps) < rate_of(2 * WARMUP, steps) == RATE
    assert 0 < rate_of(steps - 1, steps) < rate_of(int(steps * (1 - COOLDOWN / 2)), steps) < RATE


@pytest.mark.slow
def test_a_trained_network_becomes_files_that_the_finder_opens(stored, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    from bench.finder import export, train
    from edgefkp.detect.finders.edge import EdgeFinder

    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "SIDE", 64)
    model, scenes = export.trained(train.train(stored, tmp_path, 8, lambda row: None), 64, 96)
    samples = export.calibration(read_photos(stored).part("train"), 8, 64, 96)
    files = export.export(model, samples, export.WANTED, tmp_path)
    assert scenes == 8
    assert [file.file for file in files] == ["edge.float32.tflite", "edge.dynamic.tflite", "edge.int8.tflite"]
    assert files[0].score_difference < 1e-3
    for file in files:
        assert EdgeFinder(tmp_path / file.file).find(np.zeros((48, 64), np.uint8)) == []


class Fixed:
    name = "fixed"

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes

    def find(self, image: np.ndarray) -> list[FaceBox]:
        return [FaceBox(box, 1.0) for box in self.boxes]


def test_a_judge_counts_faces_once_and_false_boxes():
    scene = scene_of((60.0, 60.0, 30.0), (140.0, 60.0, 12.0))
    boxes = Box(61, 60, 33), Box(60, 62, 28), Box(140, 60, 40)
    row = judge(Fixed(*boxes), lambda finder, image: finder.find(image), "drawn", [scene])
    assert (row.faces, row.found, row.false_boxes) == (2, 1, 2)


def test_a_box_on_a_doubtful_face_is_not_false():
    row = judge(Fixed(Box(60, 60, 20)), lambda finder, image: finder.find(image), "drawn", [
        scene_of((60.0, 60.0, 30.0), sure=False)
    ])  # fmt: skip
    assert (row.faces, row.false_boxes) == (0, 0)


def test_near_and_of_similar_size_is_on_the_face():
    square = np.array([50.0, 50.0, 40.0])
    assert is_on(Box(55, 50, 50), square)
    assert not is_on(Box(65, 50, 40), square)
    assert not is_on(Box(50, 50, 90), square)


def test_photos_of_other_persons_are_left_out(tmp_path):
    for person in ("Ann", "Bob", "Eve"):
        (tmp_path / "lfw" / person).mkdir(parents=True)
        (tmp_path / "lfw" / person / f"{person}_0001.jpg").touch()
    write_arrays(tmp_path / "persons.npz", {"train_group": np.array(["lfwname:Ann", "lfwname:Bob"])})
    found = list(lfw_photos(tmp_path / "lfw", [tmp_path / "persons.npz"], {"lfwname:Bob"}))
    assert [(path.name, validates) for path, validates in found] == [("Ann_0001.jpg", False), ("Bob_0001.jpg", True)]


def test_test_persons_of_the_free_faces_are_left_out(tmp_path):
    rows = ["file,person", *(f"photos/{n}.jpg,p{n:02}" for n in range(11))]
    (tmp_path / "points.csv").write_text("\n".join(rows))
    found = {path.stem: validates for path, validates in free_photos(tmp_path)}
    assert sorted(map(int, found)) == [1, 2, 3, 4, 6, 7, 8, 9]
    assert [name for name, validates in found.items() if validates] == ["1", "7"]


def test_photos_and_backgrounds_become_squares():
    image, matrix = fitted(np.zeros((300, 200), np.uint8))
    assert image.shape == (SIDE, SIDE)
    corners = move_points(matrix, np.array([[-0.5, -0.5], [199.5, 299.5]]))
    assert corners == pytest.approx(np.array([[41, -0.5], [41 + 500 / 3, SIDE - 0.5]]), abs=0.51)
    assert [part.shape for part in squares(np.zeros((300, 500), np.uint8))] == [(BACKGROUND, BACKGROUND)] * 2
    assert len(squares(np.zeros((300, 310), np.uint8))) == 1


def test_free_faces_alone_have_the_points_of_their_csv_and_no_teacher(tmp_path):
    names = [f"{name}_{axis}" for name in KAGGLE15.points for axis in "xy"]
    points = KAGGLE15.mean_points(100) + 100
    cells = ",".join(f"{value:.2f}" for value in points.ravel())
    rows = [f"{n}.png,p{n},{cells}" for n in range(1, 5)]
    (tmp_path / "points.csv").write_text("\n".join([",".join(["file", "person", *names]), "0.png,p0," + cells, *rows]))
    (tmp_path / "behind").mkdir()
    for n in range(5):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((250, 500), 50 * n, np.uint8))
    cv2.imwrite(str(tmp_path / "behind" / "wall.png"), np.full((300, 300), 9, np.uint8))
    words = ["--free-faces", str(tmp_path), "--backgrounds", str(tmp_path / "behind"), "--out", str(tmp_path / "a.npz")]
    CliRunner().invoke(photos_program.main, words, catch_exceptions=False)
    photos = read_photos(tmp_path / "a.npz")
    assert photos.images[:, SIDE // 2, 0].tolist() == [50, 100, 150, 200]  # p0 is a test person
    assert photos.sure.all()
    assert photos.validation.sum() == 1
    expected = (points[list(KAGGLE15.rows(*FIVE.points))] + 0.5) / 2 - 0.5 + np.array([0, 62])
    assert photos.points == pytest.approx(np.repeat(expected[None], 4, 0), abs=0.02)
    refused = CliRunner().invoke(photos_program.main, [*words, "--data", "lfw-kaggle"])
    assert refused.exit_code == 2
    assert "belong together" in refused.output


def test_patterns_fill_a_scene_without_a_face():
    photos, random = drawn_photos(), np.random.default_rng(0)
    drawn = [pattern((96, 128), photos, random) for _ in range(20)]
    assert {image.shape for image in drawn} == {(96, 128)}
    assert {image.dtype for image in drawn} == {np.dtype(np.uint8)}
    assert len({image.tobytes() for image in drawn}) > 10
    artist = Artist(photos, 0, surroundings=0.0, patterns=1.0)
    assert not len(artist.empty(96, 128, erased=False).points)
