"""Faces that are drawn: what hides what, where the points are, and who is in which part of the free faces."""

import numpy as np
import pytest

from bench.free_faces import parts_of, tables_of
from bench.renders.head import EYES_FROM, FACE, LANDMARKS, SURFACES, TEETH, Head, read_model
from bench.renders.look import inside, segment_distance
from bench.renders.raster import normals_of, rasterize
from bench.renders.scene import SIDE, Artist
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15
from edgefkp.layouts.ibug68 import IBUG68

VERTICES, GRID = 26_719, 120


def test_the_closer_triangle_is_seen_and_one_that_turns_away_is_not():
    near, far = np.full((3, 1), 2.0), np.full((3, 1), 1.0)
    square = np.array([(0, 0), (0, 30), (30, 0)], float)
    points = np.vstack([np.hstack([square, far]), np.hstack([square / 2, near])]).astype(np.float32)
    seen = rasterize(points, np.array([(0, 1, 2), (3, 4, 5)]), 40, 40)
    by_pixel = dict(zip(seen.pixels.tolist(), seen.triangles.tolist(), strict=True))
    assert by_pixel[2 * 40 + 2] == 1
    assert by_pixel[20 * 40 + 2] == 0
    assert 35 * 40 + 35 not in by_pixel
    assert len(by_pixel) == len(seen.pixels) == pytest.approx(31 * 32 / 2, abs=32)
    assert seen.depth[2, 2] == 2
    assert seen.depth[39, 39] == -np.inf
    turned = rasterize(points, np.array([(0, 2, 1)]), 40, 40)
    assert len(turned.pixels) == 0


def test_what_is_mixed_over_a_triangle_is_linear_and_beyond_the_image_is_nothing():
    points = np.array([(-20, -20, 0), (-20, 70, 0), (70, -20, 0)], np.float32)
    triangles = np.array([(0, 1, 2)])
    assert len(rasterize(points, triangles, 50, 50).pixels) == 0  # larger than the largest square
    points = np.array([(-5, -5, 0), (-5, 40, 0), (40, -5, 0)], np.float32)
    seen = rasterize(points, triangles, 50, 50)
    y, x = np.divmod(seen.pixels, 50)
    np.testing.assert_allclose(seen.mix(points, triangles)[:, :2], np.stack([x, y], 1), atol=1e-3)
    assert x.min() == y.min() == 0


def test_normals_point_outward():
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], np.float32)
    np.testing.assert_allclose(normals_of(points, np.array([(0, 1, 2)])), np.repeat([[0, 0, 1]], 3, 0))


def test_places_and_lines():
    places = np.array([(0.5, 0.5), (2, 0.5), (0.5, 3)])
    assert inside(places, np.array([(0, 0), (1, 0), (1, 1), (0, 1)])).tolist() == [True, False, False]
    np.testing.assert_allclose(segment_distance(places, np.array([(0, 0), (1, 0)])), [0.5, 1.118, 3], atol=0.001)


def write_obj(path, offset: float) -> None:
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, offset), (0, 1, 0)]
    lines = ["# a comment", *(f"v {x} {y} {z}" for x, y, z in corners), "vt 0 0", "usemtl M_Face", "f 1/1 2/1 3/1 4/1"]
    path.write_text("\n".join([*lines, "usemtl M_EyeOcclusion", "f 1/1 2/1 3/1", "usemtl M_Teeth", "f 1/1 2/1 4/1"]))


def test_a_model_is_read_as_differences(tmp_path):
    for name, offset in (
        ("generic_neutral_mesh", 0.0),
        ("identity000", 2.0),
        ("jawOpen", -1.0),
        ("PupilDilate_L", 9.0),
    ):
        write_obj(tmp_path / f"{name}.obj", offset)
    head = read_model(tmp_path)
    assert head.names.tolist() == ["jawOpen"]
    assert head.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 3]]
    assert head.surfaces.tolist() == [FACE, FACE, TEETH]
    assert SURFACES[TEETH] == "M_Teeth"
    shape = head.shape(np.array([1.5]), {"jawOpen": 0.5})
    np.testing.assert_allclose(shape[:, 2], [0, 0, 2.5, 0])
    (tmp_path / "generic_neutral_mesh.obj").unlink()
    with pytest.raises(EdgefkpError, match="no generic_neutral_mesh"):
        read_model(tmp_path)


@pytest.fixture(scope="module")
def head() -> Head:
    """A ball with the landmarks of a mean face on it."""
    rows, columns = np.divmod(np.arange(GRID * GRID), GRID)
    up, around = np.pi * rows / (GRID - 1), 2 * np.pi * columns / GRID
    ball = 9 * np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], 1)
    neutral = np.zeros((VERTICES, 3), np.float32)
    neutral[-len(ball) :] = ball
    flat = (np.array(IBUG68.mean_shape) - 0.5) * (14, -14)
    depth = np.sqrt(np.maximum(81 - (flat**2).sum(1), 0)) + 0.1
    neutral[list(LANDMARKS)] = np.column_stack([flat, depth])
    for start, iris, end, middle in (*EYES_FROM[0], flat[42:48].mean(0)), (*EYES_FROM[1], flat[36:42].mean(0)):
        neutral[start:iris] = (*middle, 7.0)
        neutral[iris:end] = (*middle, 8.2)
    corner = (np.arange(GRID - 1)[:, None] * GRID + np.arange(GRID - 1)).ravel() + VERTICES - len(ball)
    triangles = np.vstack([np.stack([corner, corner + GRID, corner + 1], 1),
                           np.stack([corner + 1, corner + GRID, corner + GRID + 1], 1)])  # fmt: skip
    rng = np.random.default_rng(0)
    identities = rng.normal(0, 0.01, (3, VERTICES, 3)).astype(np.float32)
    surfaces = np.zeros(len(triangles), np.int8)
    names = np.array(["jawOpen", "eyeBlink_L"])
    return Head(neutral, identities, np.zeros((2, VERTICES, 3), np.float32), names, triangles, surfaces)


def test_an_image_is_that_of_its_seed_and_has_its_points(head):
    (image, points), (same, same_points), (other, _) = (Artist(head, seed).draw() for seed in (1, 1, 2))
    assert image.shape == (SIDE, SIDE, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, same)
    np.testing.assert_array_equal(points, same_points)
    assert (image != other).any()


def test_left_is_the_subjects_and_down_is_down(head):
    for seed in range(6):
        points = dict(zip(KAGGLE15.points, Artist(head, seed).draw().keypoints, strict=True))
        assert points["left_eye_center"][0] > points["right_eye_center"][0]
        assert points["mouth_center_bottom_lip"][1] > points["nose_tip"][1] > points["left_eye_center"][1]
        assert all(0 < value < SIDE for point in points.values() for value in point)


def test_every_fifth_person_is_test_and_of_the_rest_every_fifth_validates():
    parts = parts_of([f"p{number:02d}" for number in range(20)] * 2)
    assert [name for name, part in parts.items() if part == "test"] == ["p00", "p05", "p10", "p15"]
    assert [name for name, part in parts.items() if part == "validation"] == ["p01", "p07", "p13", "p19"]


def test_each_part_has_the_rows_of_its_persons(tmp_path):
    rows = [f"photos/{number}.jpg,p{number // 2},1,2" for number in range(12)]
    (tmp_path / "points.csv").write_text("\n".join(["file,person,nose_tip_x,nose_tip_y", *rows]))
    texts = tables_of(tmp_path / "points.csv")
    files = {part: [line.split(",")[0] for line in text.splitlines()[1:]] for part, text in texts.items()}
    assert files["test"] == [f"photos/{number}.jpg" for number in (0, 1, 10, 11)]
    assert files["validation"] == ["photos/2.jpg", "photos/3.jpg"]
    assert sum(map(len, files.values())) == 12
