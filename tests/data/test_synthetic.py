import numpy as np

from edgefkp.bench import timed_images
from edgefkp.data.synthetic import SHIPPED, draw_all


def test_the_program_draws_the_packaged_faces() -> None:
    images, points = draw_all()
    with np.load(SHIPPED) as stored:
        np.testing.assert_allclose(images.astype(int), stored["images"].astype(int), atol=1)
        np.testing.assert_allclose(points, stored["keypoints"], atol=1e-3)


def test_no_two_are_alike_and_all_points_are_inside() -> None:
    images, points = draw_all()
    assert len(images) == len({image.tobytes() for image in images}) == 100
    assert points.min() >= 0
    assert points.max() <= 95


def test_the_points_are_where_the_features_are() -> None:
    """The iris is darker than the white of the eye beside it: mostly true only if the points are right."""
    images, points = draw_all(40, seed=5)
    darker = 0
    for image, face in zip(images, points, strict=True):
        for eye, outer in ((0, 3), (1, 5)):
            white = (0.45 * face[eye] + 0.55 * face[outer]).round().astype(int)
            centre = face[eye].round().astype(int)
            darker += int(image[centre[1], centre[0]]) + 40 < int(image[white[1], white[0]])
    assert darker > 70


def test_drawn_pictures_have_no_labels() -> None:
    drawn = timed_images.drawn_pictures()
    assert len(drawn.images) == 100
    assert not drawn.labelled
