"""The finder's network: one number for one cell, whatever the size of the input."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.errors import UsageError
from edgefkp.networks.finder import FIVE, OUTPUTS, WIDTHS, grid, make_finder


def test_the_outputs_have_a_row_for_each_cell():
    model = make_finder(64, 96, channels=(4, 4, 4, 4, 4), neck=4)
    outputs = model(np.zeros((2, 64, 96, 1), np.float32))
    assert {name: tuple(outputs[name].shape) for name in OUTPUTS} == {
        name: (2, len(grid(64, 96)), numbers) for name, numbers in zip(OUTPUTS, WIDTHS, strict=True)
    }


def test_it_has_some_ten_thousand_weights_whatever_the_size():
    small, large = make_finder(64, 64), make_finder(256, 320)
    assert small.count_params() == large.count_params() < 60_000
    large.set_weights(small.get_weights())


def test_the_same_pixels_elsewhere_give_the_same_numbers_there():
    model = make_finder(96, 192, channels=(4, 4, 4, 4, 4), neck=4)
    rng = np.random.default_rng(0)
    image = np.zeros((1, 96, 192, 1), np.float32)
    image[0, 32:64, 32:64, 0] = rng.random((32, 32))
    moved = np.roll(image, 64, axis=2)
    one, other = (model(pixels)["points"][0] for pixels in (image, moved))
    count = 12 * 24
    first, second = (np.reshape(part[:count], (12, 24, -1)) for part in (one, other))
    assert first[4:8, 4:8] == pytest.approx(second[4:8, 12:16], abs=1e-2)  # the borders are seen from afar


def test_a_size_that_the_cells_do_not_fill_is_refused():
    with pytest.raises(UsageError, match="multiples of 32"):
        make_finder(240, 320)


def test_the_five_points_start_at_the_images_left():
    x = FIVE.mean_points()[:, 0]
    assert x[0] < x[1]
    assert x[3] < x[4]
