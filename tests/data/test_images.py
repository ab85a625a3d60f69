"""The reader of image files."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefkp.data.images import MOST_PIXELS, read_image
from tests.mutations import damaged

PICTURE = np.random.default_rng(0).integers(0, 255, (24, 31, 3), dtype=np.uint8)
ENCODED = {suffix: cv2.imencode(suffix, PICTURE)[1].tobytes() for suffix in (".png", ".jpg", ".bmp", ".ppm", ".tif")}


@pytest.mark.parametrize("suffix", ENCODED)
def test_whole_images_are_read_in_color_and_in_gray(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(ENCODED[suffix])
    shapes = [np.shape(read_image(path, colors)) for colors in ("rgb", "gray")]
    assert shapes == [(24, 31, 3), (24, 31)]


def test_what_is_no_whole_image_is_none(tmp_path):
    (tmp_path / "half.jpg").write_bytes(ENCODED[".jpg"][: len(ENCODED[".jpg"]) // 2])
    (tmp_path / "huge.ppm").write_bytes(b"P6 40000 40000 255\n" + bytes(100))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for name in ("half.jpg", "huge.ppm", "empty.png", "folder.png", "missing.png", "x" * 300 + ".png", "\0"):
        assert read_image(tmp_path / name) is None
    assert MOST_PIXELS < 40_000**2


def test_a_device_without_an_end_is_no_image():
    assert read_image("/dev/zero") is None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(*map(damaged, ENCODED.values())))
def test_any_bytes_give_an_image_or_none(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    found = read_image(path)
    assert found is None or (found.dtype, found.ndim) == (np.uint8, 3)
