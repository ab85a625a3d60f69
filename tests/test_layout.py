"""Layouts agree with themselves and with Kaggle's files; a spec maps pixels to what a network sees, and back."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import json_text
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec, OutputSpec, PointLayout, input_of, side_of
from edgefkp.records import built
from tests.layouts import SMALL_RGB, THREE

SPECS = [ModelSpec(), SMALL_RGB, ModelSpec(THREE), ModelSpec(KAGGLE15, InputSpec(112, "gray", "-1..1"))]
MEAN = KAGGLE15.mean_points()


def test_columns_are_kaggles():
    assert len(KAGGLE15.columns) == 30
    assert KAGGLE15.columns[:3] == ("left_eye_center_x", "left_eye_center_y", "right_eye_center_x")
    assert KAGGLE15.columns[-1] == "mouth_center_bottom_lip_y"


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), THREE], ids=lambda layout: layout.name)
def test_the_mirror_swaps_sides_and_is_its_own_inverse(layout):
    order = layout.mirror_order
    assert (order[order] == np.arange(layout.count)).all()
    opposite = {"left": "right", "right": "left", "middle": "middle"}
    for name, other in zip(layout.points, np.array(layout.points)[order], strict=True):
        assert side_of(other) == opposite[side_of(name)]
        assert name.replace("left", "").replace("right", "") == other.replace("left", "").replace("right", "")


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), THREE], ids=lambda layout: layout.name)
def test_left_is_the_subjects(layout):
    x = layout.mean_points(layout.count * 8)[:, 0]
    left, right = ([side_of(name) == side for name in layout.points] for side in ("left", "right"))
    assert x[left].mean() > x[right].mean()


def test_the_mean_shape_of_kaggles_points_in_pixels():
    assert MEAN.dtype == np.float32
    assert MEAN[[0, 10]].tolist() == np.float32([(65.5, 36.4), (47.9, 57.7)]).tolist()
    np.testing.assert_allclose(KAGGLE15.mean_points(192), 2 * MEAN + 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": ("a", "a", "b")}, "names differ"),
        ({"points": ("a_left", "b", "c")}, "no point 'a_right'"),
        ({"mean_shape": ((0, 0),)}, "1 places in its mean shape for 3 points"),
        ({"mirror": (1, 2, 0)}, "another face after mirroring twice"),
        ({"mirror": (0, 1, 7)}, "another face after mirroring twice"),
        ({"nme_pair": (("a",), ("nose",))}, "no point 'nose'"),
        ({"lines": (("a", "z"),)}, "no point 'z'"),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(change, message):
    shape = {"points": ("a", "b", "c"), "mean_shape": ((0, 0), (1, 0), (0, 1)), "nme_pair": (("a",), ("b",))}
    with pytest.raises(EdgefkpError, match=message):
        PointLayout("made", **{**shape, **change})


def test_a_part_keeps_places_and_pairs():
    part = KAGGLE15.part("right_eye_center", "left_eye_center", "nose_tip")
    assert part.mirror == (1, 0, 2)
    np.testing.assert_array_equal(part.mean_points(), MEAN[KAGGLE15.rows(*part.points)])


def test_the_distance_that_normalizes_is_between_two_means():
    layout = PointLayout("four", ("a", "b", "c", "d"), ((0, 0),) * 4, (("a", "b"), ("c", "d")))
    points = np.array([[(0, 0), (2, 0), (11, 0), (13, 0)], [(0, 0), (0, 0), (3, 4), (np.nan, 0)]])
    np.testing.assert_allclose(layout.nme_distance(points), [11, np.nan])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_spec_is_read_as_it_was_written(spec):
    stored = json.loads(json_text(spec))
    assert built(ModelSpec, stored) == spec
    # A known layout is a name; another one travels whole.
    assert isinstance(stored["layout"], str if spec.layout == KAGGLE15 else dict)


@pytest.mark.parametrize("layout", ["kaggle99", 3, {"name": "x"}, {**json.loads(json_text(THREE)), "points": ["a"]}])
def test_a_layout_that_is_none_is_an_error_that_names_it(layout):
    with pytest.raises(ValueError, match="layout"):
        built(ModelSpec, {"layout": layout})


@given(st.sampled_from(SPECS), st.data())
def test_points_there_and_back(spec, data):
    numbers = st.lists(st.floats(-50, 150, width=32), min_size=spec.numbers, max_size=spec.numbers)
    points = np.array(data.draw(numbers), np.float32).reshape(1, spec.layout.count, 2)
    np.testing.assert_allclose(spec.decode(spec.encode(points)), points, atol=1e-4)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_images_edges_are_minus_one_and_one_and_missing_stays_missing(spec):
    points = np.full((2, spec.layout.count, 2), -0.5, np.float32)
    points[1] = spec.input.side - 0.5
    points[0, 1] = np.nan
    flat = spec.encode(points)
    assert flat.shape == (2, spec.numbers)
    assert (flat[1] == 1).all()
    assert np.isnan(flat[0, 2:4]).all()
    assert (np.delete(flat[0], [2, 3]) == -1).all()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_mirrored_face_has_negated_x(spec):
    layout, side = spec.layout, spec.input.side
    points = layout.mean_points(side)[None]
    mirrored = points[:, layout.mirror_order] * (-1, 1) + (side - 1, 0)
    flat, flat_mirrored = (spec.encode(p).reshape(1, layout.count, 2) for p in (points, mirrored))
    np.testing.assert_allclose(flat_mirrored[:, layout.mirror_order] * (-1, 1), flat, atol=1e-6)


@pytest.mark.parametrize(
    ("spec", "ends"),
    [
        (InputSpec(), (0, 1)),
        (InputSpec(64, "rgb", "0..255"), (0, 255)),
        (InputSpec(32, "rgb", "-1..1"), (-1, 1)),
        (InputSpec(32, "gray", "standardized", (55.0,), (200.0,)), (-0.275, 1)),
    ],
)
def test_pixels_are_scaled_as_the_network_expects(spec, ends):
    images = np.zeros((2, *spec.image_shape), np.uint8)
    images[1] = 255
    fed = spec.to_network(images)
    assert fed.shape == (2, *spec.shape)
    assert fed.dtype == np.float32
    np.testing.assert_allclose([fed[0].max(), fed[1].min()], ends, rtol=1e-6)


def test_the_default_scaling_is_a_division_by_255_to_the_last_bit():
    images = np.arange(256, dtype=np.uint8).repeat(96 * 96 // 256).reshape(1, 96, 96)
    np.testing.assert_array_equal(InputSpec().to_network(images), images[..., None].astype(np.float32) / 255)


@pytest.mark.parametrize("wrong", [{"side": 100}, {"side": 24}, {"side": 264}, {"colors": "bgr"}, {"scaling": "log"}])
def test_an_input_that_cannot_be_is_a_usage_error(wrong):
    with pytest.raises(UsageError):
        InputSpec(**wrong)


def test_an_unknown_form_of_points_is_a_usage_error():
    with pytest.raises(UsageError, match="heat maps"):
        OutputSpec(form="heat maps")


def test_the_input_that_images_are_made_for():
    assert input_of(np.zeros((3, 64, 64, 3), np.uint8)) == InputSpec(64, "rgb")
    assert input_of(np.zeros((0, 96, 96), np.uint8)) == InputSpec()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_network_of_another_shape_does_not_fit(spec):
    assert spec.fits(spec.input.shape, spec.numbers)
    assert spec.fits(spec.input.image_shape, spec.numbers)
    assert not spec.fits((spec.input.side + 8, *spec.input.shape[1:]), spec.numbers)
    assert not spec.fits(spec.input.shape, spec.numbers + 2)


def test_a_layout_that_was_plugged_in_still_travels_whole():
    LAYOUTS.add(THREE)
    try:
        assert json.loads(json_text(ModelSpec(THREE)))["layout"]["points"] == list(THREE.points)
    finally:
        LAYOUTS.remove(THREE.name)


FOREIGN = InputSpec(32, "rgb", "standardized", (1.0, 2.0, 3.0), (2.0, 2.0, 2.0), order="bgr", axes="CHW")


def test_channels_first_and_blue_first_are_the_networks_matter_alone():
    images = np.zeros((2, *FOREIGN.image_shape), np.uint8)
    images[..., 0], images[..., 2] = 100, 50  # red, blue
    fed = FOREIGN.to_network(images)
    assert fed.shape == (2, 3, 32, 32) == (2, *FOREIGN.shape)
    # The mean is in the order of the network's channels: blue has 1.
    assert fed[0, :, 0, 0].tolist() == [(50 - 1) / 2, -1, (100 - 3) / 2]
    tensor = np.empty((1, *FOREIGN.shape), np.float32)
    mean, deviation = FOREIGN.mean_and_deviation
    FOREIGN.image_in(tensor)[:] = (images[0] - mean) / deviation
    np.testing.assert_array_equal(tensor[0], fed[0])


@pytest.mark.parametrize(
    ("output", "numbers"),
    [
        (OutputSpec(form="pixels"), (10, 20)),
        (OutputSpec(form="0..1"), (10 / 64, 20 / 64)),
        (OutputSpec(), ((10 - 31.5) / 32, (20 - 31.5) / 32)),
        (OutputSpec(offset=0.5), ((10 - 32) / 32, (20 - 32) / 32)),
        (OutputSpec(form="pixels", numbers_a_point=3), (10, 20, 7)),
    ],
)
def test_outputs_in_other_units_are_the_same_points(output, numbers):
    spec = ModelSpec(THREE, InputSpec(64, "rgb"), output)
    points = spec.decode(np.tile(np.float32(numbers), (1, 3)))
    np.testing.assert_allclose(points, np.tile([10.0, 20.0], (1, 3, 1)), atol=1e-5)
    assert spec.numbers == 3 * len(numbers)
    assert built(ModelSpec, json.loads(json_text(spec))) == spec


def test_what_a_record_gained_later_is_not_written_where_it_has_its_default():
    assert set(json.loads(json_text(InputSpec()))) == {"side", "colors", "scaling", "mean", "deviation"}
    assert set(json.loads(json_text(OutputSpec()))) == {"points", "form"}
    assert json.loads(json_text(FOREIGN))["axes"] == "CHW"


@pytest.mark.parametrize("change", [{"order": "grb"}, {"axes": "WHC"}])
def test_an_order_that_no_network_has_is_refused(change):
    with pytest.raises(UsageError, match="an input cannot be"):
        InputSpec(64, "rgb", **change)


@pytest.mark.parametrize("name", ["own", "maps", "base"])
def test_a_layout_may_be_called_as_a_module_of_the_layouts(name):
    layout = dataclasses.replace(KAGGLE15.part(*KAGGLE15.points[:5]), name=name)
    assert PointLayout.from_json(json.loads(json_text(layout))) == layout
