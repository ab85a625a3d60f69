import numpy as np
import pytest

from edgefkp.bench import camera
from edgefkp.data.synthetic import draw_all
from edgefkp.geometry import Box, crop_face
from edgefkp.layout import InputSpec


@pytest.mark.parametrize(
    "box", [Box(300.5, 200.25, 200), Box(100, 100, 96), Box(320, 240, 150.7), Box(60, 30, 190), Box(630, 470, 180)]
)
def test_the_numpy_crop_is_the_detectors_crop(box: Box) -> None:
    """Against OpenCV's, on a smooth picture: the two differ by the rounding of its fixed-point weights."""
    y, x = np.mgrid[: camera.HEIGHT, : camera.WIDTH]
    frame = (127 + 60 * np.sin(x / 40) + 60 * np.cos(y / 30)).astype(np.uint8)
    np.testing.assert_allclose(
        camera.crop(frame, box).astype(int), crop_face(frame, box, InputSpec()).astype(int), atol=3
    )


def test_a_frame_shows_the_face_where_its_box_says() -> None:
    images, points = draw_all(3)
    frames, boxes = camera.frames(images)
    for image, frame, box in zip(images, frames, boxes, strict=True):
        difference = camera.crop(frame, box).astype(int) - image.astype(int)
        assert np.abs(difference).mean() < 4
    middle = camera.to_frame(np.array([47.5, 47.5]), boxes[0])
    np.testing.assert_allclose(middle, (boxes[0].x, boxes[0].y))
    assert camera.to_frame(points, boxes[0]).shape == points.shape
