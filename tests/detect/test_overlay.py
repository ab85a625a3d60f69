"""What is drawn stays readable: names beside the face at any size, points that hide no small face, a mirror."""

import numpy as np
import pytest

from edgefkp.detect import point_names
from edgefkp.detect.detector import Face
from edgefkp.detect.overlay import annotated, draw_face, enlargement
from edgefkp.detect.point_names import draw_names
from edgefkp.geometry import Box
from edgefkp.layout import KAGGLE15, SIDE_COLORS


def face_at(x, y, side):
    points = KAGGLE15.mean_points(96) * (side / 96) + (x - side / 2, y - side / 2)
    return Face(Box(x, y, side), 1.0, points.astype(np.float32), KAGGLE15)


def placed(monkeypatch, image, faces, **given):
    """The texts and the boxes (left, top, right, bottom) in which they were written."""
    import cv2

    boxes = []

    def note(image, text, where, size):
        (width, high), _ = cv2.getTextSize(text, point_names.FONT, size, 1)
        boxes.append((where[0], where[1] - high, where[0] + width, where[1]))

    monkeypatch.setattr(point_names, "draw_shaded", note)
    draw_names(image, faces, **given)
    return boxes


@pytest.mark.parametrize("side", [80, 120, 300])
def test_names_on_a_small_image_stand_beside_the_face(side):
    image = np.full((side, side, 3), 90, np.uint8)
    drawn = annotated(image, [face_at(side / 2, side / 2, 0.8 * side)], names=True, margins=True)
    scale = enlargement(image.shape)
    assert min(drawn.shape[:2]) >= 300
    assert drawn.shape[1] > scale * side  # room was made
    middle = (drawn.shape[1] - scale * side) // 2 + scale * side // 2
    inner = drawn[:, middle - scale * side // 5 : middle + scale * side // 5]
    white = (inner == 255).all(-1).mean()  # of letters, and of the points in the middle
    assert white < 0.004


def test_an_image_without_names_keeps_its_size():
    image = np.full((80, 90, 3), 90, np.uint8)
    assert annotated(image, [face_at(40, 40, 60)], margins=True).shape == image.shape
    assert (image == 90).all()  # it is a copy that was drawn into


@pytest.mark.parametrize("mirror", [False, True])
def test_names_of_neighbors_do_not_cover_each_other(monkeypatch, mirror):
    image = np.zeros((600, 900, 3), np.uint8)
    boxes = placed(
        monkeypatch, image, [face_at(300, 300, 160), face_at(480, 310, 160), face_at(660, 290, 160)], mirror=mirror
    )
    assert len(boxes) == 45
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            assert not (one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])


def test_points_do_not_hide_a_small_face():
    image = np.full((60, 60, 3), 90, np.uint8)
    face = face_at(30, 30, 18)
    draw_face(image, face)
    inside = image[23:38, 23:38]
    assert (inside != 90).any()
    assert (inside == 90).all(-1).mean() > 0.4


def color_at(image, place):
    x, y = np.round(place).astype(int)
    found = image[y, x].astype(int)
    return min(SIDE_COLORS, key=lambda side: np.abs(found - SIDE_COLORS[side][::-1]).max())


def test_in_a_mirror_the_points_change_sides_and_keep_their_names(monkeypatch):
    image = np.full((300, 300, 3), 90, np.uint8)
    image[:, :30] = 200
    face = face_at(120, 150, 140)
    eye = face.keypoints[KAGGLE15.points.index("left_eye_center")]
    plain, mirrored = annotated(image, [face]), annotated(image, [face], mirror=True)
    assert (mirrored[:, -30:] == 200).all()
    assert color_at(plain, eye) == "left"
    assert color_at(mirrored, (299 - eye[0], eye[1])) == "left"
    sides = {}
    for mirror in (False, True):
        boxes = placed(monkeypatch, np.zeros((600, 900, 3), np.uint8), [face_at(450, 300, 160)], mirror=mirror)
        sides[mirror] = [box[0] < 450 for box in boxes]
    assert sides[False].count(True) == sides[True].count(False)
