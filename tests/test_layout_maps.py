"""Built-in layouts against the tables that the field publishes; points of one layout as those of another."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bench.draw_layouts import drawing
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, write_json
from edgefkp.geometry import Box, box_of_keypoints, reframed
from edgefkp.layout import KAGGLE15, LAYOUTS, PointLayout, PointMap
from edgefkp.layouts.maps import common_part, conversion, find_conversion
from edgefkp.layouts.own import mean_shape, read_layout
from tests.layouts import THREE

FIVE, IBUG68, WFLW98 = LAYOUTS["five"], LAYOUTS["ibug68"], LAYOUTS["wflw98"]
DOCS = Path(__file__).parents[1] / "docs"
BUILT_IN = ("five", "kaggle15", "ibug68", "wflw98")

# The pairs that a mirror swaps, as HRNet's facial-landmark code lists them: for 300-W counted from 1, for WFLW from 0.
PAIRS_300W = (
    (1, 17), (2, 16), (3, 15), (4, 14), (5, 13), (6, 12), (7, 11), (8, 10), (18, 27), (19, 26), (20, 25), (21, 24),
    (22, 23), (32, 36), (33, 35), (37, 46), (38, 45), (39, 44), (40, 43), (41, 48), (42, 47), (49, 55), (50, 54),
    (51, 53), (62, 64), (61, 65), (68, 66), (59, 57), (60, 56),
)  # fmt: skip
PAIRS_WFLW = (
    *((k, 32 - k) for k in range(16)), (33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48),
    (41, 47), (60, 72), (61, 71), (62, 70), (63, 69), (64, 68), (65, 75), (66, 74), (67, 73), (55, 59), (56, 58),
    (76, 82), (77, 81), (78, 80), (87, 83), (86, 84), (88, 92), (89, 91), (95, 93), (96, 97),
)  # fmt: skip
# The 98 points that stand for the 68 of 300-W, in their order, as published with AdaptiveWingLoss.
WFLW_OF_300W = (
    *range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75,
    *range(76, 96),
)  # fmt: skip
# 300-W's points of Kaggle's 15, counted from 0.
KAGGLE_OF_300W = (
    (42, 43, 44, 45, 46, 47), (36, 37, 38, 39, 40, 41), (42,), (45,), (39,), (36,), (22,), (26,), (21,), (17,), (30,),
    (54,), (48,), (51,), (57,),
)  # fmt: skip


def numbered(layout: PointLayout) -> np.ndarray:
    """(1, K, 2): each point stands at its own number."""
    return np.repeat(np.arange(layout.count, dtype=np.float32)[:, None], 2, 1)[None]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_layout_is_known_by_its_name_alone(name):
    assert LAYOUTS[name].to_json() == name
    assert PointLayout.from_json(name) is LAYOUTS[name]


@pytest.mark.parametrize(("layout", "pairs", "first"), [(IBUG68, PAIRS_300W, 1), (WFLW98, PAIRS_WFLW, 0)])
def test_the_mirror_is_the_published_one(layout, pairs, first):
    expected = np.arange(layout.count)
    for one, other in np.array(pairs) - first:
        expected[one], expected[other] = other, one
    assert layout.mirror_order.tolist() == expected.tolist()


@pytest.mark.parametrize("layout", [FIVE, IBUG68, WFLW98], ids=lambda layout: layout.name)
def test_each_left_point_lies_beyond_its_right_one_in_the_mean_shape(layout):
    x = layout.mean_points(layout.count * 8)[:, 0]
    for k, name in enumerate(layout.points):
        if "left" in name.split("_"):
            assert x[k] > x[layout.mirror[k]], name


@pytest.mark.parametrize("layout", [IBUG68, WFLW98], ids=lambda layout: layout.name)
def test_parts_of_a_whole_face_lie_below_each_other_inside_of_the_crop(layout):
    shape = dict(zip(layout.points, layout.mean_shape, strict=True))
    order = ["nose_bridge_top", "nose_tip", "nose_base", "mouth_center_top_lip", "mouth_center_bottom_lip", "chin"]
    heights = [shape[name][1] for name in order]
    assert heights == sorted(heights)
    assert all(y < shape["nose_bridge_top"][1] for name, (_, y) in shape.items() if "eyebrow" in name)
    assert np.min(layout.mean_shape) > 0.1
    assert np.max(layout.mean_shape) < 0.9


def test_the_five_points_run_from_the_images_left_as_in_the_field():
    x, y = np.array(FIVE.mean_shape).T
    assert FIVE.points[:3] == ("right_eye_center", "left_eye_center", "nose_tip")
    assert x[0] < x[2] < x[1]
    assert x[3] < x[4]
    assert y[1] < y[2] < y[3]


def test_68_points_are_kaggles_15_by_the_table_that_dlib_is_scored_by():
    found = conversion(IBUG68, KAGGLE15)(numbered(IBUG68))[0, :, 0]
    assert found.tolist() == [float(np.mean(rows)) for rows in KAGGLE_OF_300W]


def test_98_points_are_68_by_the_published_table():
    assert conversion(WFLW98, IBUG68)(numbered(WFLW98))[0, :, 0].tolist() == list(WFLW_OF_300W)


@pytest.mark.parametrize("source", [KAGGLE15, IBUG68, WFLW98], ids=lambda layout: layout.name)
def test_five_points_follow_from_every_larger_layout(source):
    points = source.mean_points()
    found = conversion(source, FIVE)(points)
    assert found.dtype == np.float32
    box, other = box_of_keypoints(found, FIVE), box_of_keypoints(points, source)
    # A face's five points place the same crop as all of its points, brought to the larger or smaller frame.
    np.testing.assert_allclose(box, reframed(other, source, FIVE), atol=0.01)


def test_a_mean_of_a_missing_point_is_missing_and_nothing_else_is():
    points = numbered(IBUG68)
    points[0, 44] = np.nan
    found = conversion(IBUG68, KAGGLE15)(points)
    assert np.isnan(found[0, 0]).all()
    assert not np.isnan(found[0, 1:]).any()


def test_what_is_known_of_labels_is_known_of_the_points_that_follow():
    sources = np.ones((1, 68), np.uint8)
    sources[0, 45] = 4  # of the left eye
    sources[0, 22] = 0  # its brow's inner end
    found = conversion(IBUG68, KAGGLE15).label_sources(sources)[0]
    by_name = dict(zip(KAGGLE15.points, found.tolist(), strict=True))
    assert by_name["left_eye_center"] == 4
    assert by_name["right_eye_center"] == 2  # derived from points that were placed by hand
    assert by_name["left_eyebrow_inner_end"] == 0
    assert by_name["nose_tip"] == 1
    assert found.dtype == np.uint8


def test_there_is_no_way_to_points_that_do_not_follow():
    assert find_conversion(KAGGLE15, IBUG68) is None
    with pytest.raises(EdgefkpError, match="the 5 points of five, and not left_eye_inner_corner"):
        conversion(FIVE, KAGGLE15)
    assert common_part(THREE, KAGGLE15) is None
    part, convert = common_part(FIVE, KAGGLE15)
    assert set(part.points) == set(FIVE.points)
    assert convert(numbered(FIVE))[0, :, 0].tolist() == [1, 0, 2, 4, 3]


def test_a_layout_of_ones_own_can_bring_its_map():
    own = PointLayout(
        "ends",
        ("eye_a", "eye_b", "nose_tip"),
        ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6)),
        (("eye_a",), ("eye_b",)),
        maps=(PointMap("between", (("middle", ("eye_a", "eye_b")),)),),
        mirror=(1, 0, 2),
    )
    between = PointLayout("between", ("middle", "nose_tip"), ((0.5, 0.4), (0.5, 0.6)), (("middle",), ("nose_tip",)))
    assert conversion(own, between)(numbered(own))[0, :, 0].tolist() == [0.5, 2]
    stored = json.loads(json_text(own))
    assert PointLayout.from_json(stored) == own
    with pytest.raises(EdgefkpError, match="no point 'eye_c'"):
        PointLayout("x", ("a",), ((0, 0),), (("a",), ("a",)), maps=(PointMap("five", (("nose_tip", ("eye_c",)),)),))


def test_a_map_to_a_part_shows_where_the_face_is_and_leads_nowhere():
    maps = (PointMap("kaggle15", (("left_eye_center", ("eye_left",)), ("right_eye_center", ("eye_right",)))),)
    own = PointLayout("own", THREE.points, THREE.mean_shape, THREE.nme_pair, maps=maps)
    assert find_conversion(own, KAGGLE15) is None
    part, convert = common_part(own, KAGGLE15)
    assert part.points == ("left_eye_center", "right_eye_center")
    assert convert(numbered(own))[0, :, 0].tolist() == [0, 1]
    # The eyes of the own crop are a third of its side apart; those of Kaggle's 0.37.
    assert reframed(Box(0, 0, 96), own, KAGGLE15).side == pytest.approx(96 / 3 / 0.37, abs=0.5)


def test_a_layout_without_maps_is_stored_as_before():
    assert "maps" not in json.loads(json_text(THREE))


def test_frames_lead_there_and_back():
    box = Box(100, 80, 96)
    wide = reframed(box, KAGGLE15, IBUG68)
    assert wide.side > 1.1 * box.side  # the jaw has to be in it
    assert wide.y > box.y
    np.testing.assert_allclose(reframed(wide, IBUG68, KAGGLE15), box, atol=1e-3)
    assert reframed(box, KAGGLE15, FIVE) is box
    assert reframed(box, THREE, KAGGLE15) is box  # nothing is known


def test_a_layout_is_read_from_a_file(tmp_path):
    path = write_json(tmp_path / "three.json", THREE)
    assert read_layout(path) == THREE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not readable JSON|JSON"),
        ("[1]", "a point layout is a name, or an object"),
        ('{"name": "a", "points": ["x"], "mean_shape": [[0, 0]]}', "nme_pair"),
        ('{"name": "a", "points": 3, "mean_shape": [[0, 0]], "nme_pair": [["x"], ["x"]]}', "points is int"),
        ('{"name": "a", "points": ["x"], "mean_shape": [], "nme_pair": [["x"], ["x"]]}', "0 places"),
        ('{"name": "a/b", "points": ["x"], "mean_shape": [[0, 0]], "nme_pair": [["x"], ["x"]]}', "needs a name"),
        ('{"name": "a", "points": ["x"], "mean_shape": [[0, 1e9]], "nme_pair": [["x"], ["x"]]}', "not within 10"),
        (
            '{"name": "a", "points": ["x", "y"], "mean_shape": [[1, 1], [1, 1]], "nme_pair": [["x"], ["y"]]}',
            "all in one place",
        ),
        (
            '{"name": "five", "points": ["x"], "mean_shape": [[0, 0]], "nme_pair": [["x"], ["x"]]}',
            "another layout that every edgefkp knows",
        ),
    ],
)
def test_a_file_that_defines_no_layout_is_an_error_of_two_lines(tmp_path, content, message):
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(EdgefkpError, match=message) as caught:
        read_layout(path)
    assert caught.value.hint


def test_the_mean_shape_of_faces_does_not_depend_on_where_they_lie_in_their_images():
    rng = np.random.default_rng(0)
    shape = np.array(IBUG68.mean_shape)
    faces = shape * rng.uniform(50, 300, (20, 1, 1)) + rng.uniform(0, 500, (20, 1, 2))
    faces[3, 5] = np.nan  # left out
    found = mean_shape(faces, IBUG68.mirror_order)
    np.testing.assert_allclose(found, shape, atol=2e-4)
    with pytest.raises(ValueError, match="no face has all points"):
        mean_shape(faces[3:4])


def test_the_example_of_the_docs_is_a_layout(tmp_path):
    (example,) = re.findall(r"```\n(\{.*?\n\})\n```", (DOCS / "LAYOUTS.md").read_text(), re.DOTALL)
    path = tmp_path / "own.json"
    path.write_text(example)
    layout = read_layout(path)
    assert layout.mirror == (1, 0, 2)
    assert common_part(layout, KAGGLE15) is not None


def test_the_drawing_of_the_docs_is_current():
    assert (DOCS / "layouts.svg").read_text(encoding="utf-8") == drawing()
