import numpy as np
import pytest

from edgefkp.data.synthetic import SHIPPED, draw_all, drawn_faces
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import InputSpec, ModelSpec
from tests.layouts import SMALL_RGB, THREE

Drawn = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw_all()


def test_the_program_draws_the_packaged_faces(drawn: Drawn) -> None:
    images, points = drawn
    with np.load(SHIPPED) as stored:
        np.testing.assert_allclose(images.astype(int), stored["images"].astype(int), atol=1)
        np.testing.assert_allclose(points, stored["keypoints"], atol=1e-3)


def test_no_two_are_alike_and_all_points_are_inside(drawn: Drawn) -> None:
    images, points = drawn
    assert len(images) == len({image.tobytes() for image in images}) == 100
    assert points.min() >= 0
    assert points.max() <= 95


def test_the_points_are_where_the_features_are(drawn: Drawn) -> None:
    """The iris is darker than the white of the eye beside it: mostly true only if the points are right."""
    images, points = drawn[0][:40], drawn[1][:40]
    darker = 0
    for image, face in zip(images, points, strict=True):
        for eye, outer in ((0, 3), (1, 5)):
            white = (0.45 * face[eye] + 0.55 * face[outer]).round().astype(int)
            center = face[eye].round().astype(int)
            darker += int(image[center[1], center[0]]) + 40 < int(image[white[1], white[0]])
    assert darker > 70


def test_drawn_faces_of_the_usual_kind_are_those_of_draw_all() -> None:
    faces = drawn_faces(5, ModelSpec(), seed=7)
    images, points = draw_all(5, seed=7)
    assert (faces.images == images).all()
    assert (faces.keypoints == points).all()


@pytest.mark.parametrize("spec", [SMALL_RGB, ModelSpec(THREE), ModelSpec(input=InputSpec(160))], ids=str)
def test_other_points_sit_where_the_face_is(spec: ModelSpec) -> None:
    faces, usual = drawn_faces(6, spec, seed=7), drawn_faces(6, ModelSpec(), seed=7)
    assert (faces.layout, faces.input) == (spec.layout, spec.input)
    scale = spec.input.side / usual.input.side
    for points, known in zip(faces.keypoints, usual.keypoints, strict=True):
        box, expected = box_of_keypoints(points, spec.layout), box_of_keypoints(known, usual.layout)
        np.testing.assert_allclose(box.side, scale * expected.side, rtol=0.05)
        np.testing.assert_allclose(box[:2], scale * (np.array(expected[:2]) + 0.5) - 0.5, atol=3 * scale)
