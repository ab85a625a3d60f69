import numpy as np
import pytest

from edgefkp.bench import camera
from edgefkp.data.synthetic import drawn_faces
from edgefkp.geometry import crop_face
from edgefkp.layout import InputSpec, ModelSpec


@pytest.mark.parametrize("spec", [InputSpec(), InputSpec(64, "rgb")], ids=str)
def test_a_frame_shows_the_face_where_its_box_says(spec: InputSpec) -> None:
    faces = drawn_faces(3, ModelSpec(input=spec))
    frames, boxes = camera.frames(faces.images, spec)
    for image, frame, box in zip(faces.images, frames, boxes, strict=True):
        difference = crop_face(frame, box, spec).astype(int) - image.astype(int)
        assert np.abs(difference).mean() < 5
    middle = camera.to_frame(np.array([spec.center, spec.center]), boxes[0], spec)
    np.testing.assert_allclose(middle, (boxes[0].x, boxes[0].y))
    assert camera.to_frame(faces.keypoints, boxes[0], spec).shape == faces.keypoints.shape


def test_colors_of_a_frame_are_a_cameras() -> None:
    """Blue first; the crop puts red first again."""
    red = np.zeros((1, 64, 64, 3), np.uint8)
    red[..., 0] = 200
    frames, boxes = camera.frames(red, InputSpec(64, "rgb"))
    middle = frames[0, round(boxes[0].y), round(boxes[0].x)]
    assert middle.tolist() == [0, 0, 200]
    assert crop_face(frames[0], boxes[0], InputSpec(64, "rgb"))[32, 32].tolist() == [200, 0, 0]
