"""Numbers as tables have them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.data.numbers import FARTHEST, REACH, coordinate, too_far, whole
from edgefkp.layout import KAGGLE15


@pytest.mark.parametrize(("text", "value"), [("1", 1), (" 2.50 ", 2.5), ("-.5", -0.5), ("1e2", 100), ("66.", 66)])
def test_numbers_in_digits_are_read(text, value):
    assert coordinate(text) == value


@pytest.mark.parametrize("text", ["", "  ", "nan", "NaN"])
def test_an_empty_cell_is_a_missing_point(text):
    assert math.isnan(coordinate(text))


@pytest.mark.parametrize("text", ["1_0", "1e39", "-1e30", "inf", "Infinity", "٣", "0x1", "1,5", "left", "1 2", "\0"])
def test_what_python_alone_reads_as_a_number_is_refused(text):
    assert coordinate(text) is None


@pytest.mark.parametrize("text", ["1_0", "٣", "-1", "1.0", "", "9" * 5000])
def test_a_row_number_is_written_in_plain_digits(text):
    assert whole(" 12 ") == 12
    with pytest.raises(ValueError, match="not a whole number"):
        whole(text)


@given(st.text(max_size=30))
def test_any_text_is_a_number_in_reach_or_none(text):
    value = coordinate(text)
    assert value is None or math.isnan(value) or abs(np.float32(value)) <= FARTHEST


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30, -1e4, REACH * 96 + 48])
def test_the_first_point_beyond_its_image_is_named(value):
    points = np.full((4, 15, 2), 40, np.float32)
    points[1, 3] = np.nan
    assert too_far(points, 96, KAGGLE15) is None
    points[2, 10, 1] = value
    found = too_far(points, 96, KAGGLE15)
    assert found is not None
    assert found[0] == 2
    assert found[1].startswith("nose_tip_y is ")
