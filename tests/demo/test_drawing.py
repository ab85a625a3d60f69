"""What a view looks like as an image."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.demo.drawing import render, title_lines
from edgefkp.demo.session import Pipeline
from edgefkp.demo.view import ViewOptions
from edgefkp.detect.media import Frame
from edgefkp.layout import SIDE_COLORS

FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture
def pipeline():
    """Every image is a face; float is compared with int8."""
    options = ViewOptions(compare=True)
    return Pipeline(FIXTURES / "tiny.float32.tflite", "whole-image", options=options, presence=lambda *face: 1.0)


@pytest.fixture
def view(pipeline):
    return pipeline.process(Frame(np.full((240, 320, 3), 90, np.uint8), 0.0))


def test_the_frame_is_left_as_it_came_and_shows_its_points(view):
    shown = render(replace(view, compared=None))
    assert shown.shape == (240, 320, 3)
    for color in SIDE_COLORS.values():
        assert (np.abs(shown.astype(int) - color[::-1]).max(-1) < 20).any()
    assert (view.frame.image == 90).all()


def test_a_comparison_is_one_enlarged_crop_of_the_frames_size_with_a_title(view):
    # A small face, whose points lie 4 px apart on the frame in both models.
    face = view.faces[0]
    points = np.full_like(face.raw, 100)
    small = replace(face, box=face.box._replace(x=100, y=100, side=40), raw=points)
    apart = replace(view, faces=[small], other=(points + np.float32([4, 0]),))
    shown = render(apart, with_status=False)
    assert shown.shape == (240, 320, 3)
    # Its box fills the height: 240 / (1.15 * 40) = 5.2 times as large, so that the rings are 21 px beside the dots.
    white = np.abs(shown.astype(int) - 255).max(-1) < 20
    assert white[119:122, 158:162].all()
    rings = np.flatnonzero(white[120, 165:]) + 165
    assert rings.min() >= 170
    assert rings.mean() == pytest.approx(159.5 + 4 * 5.217, abs=1.5)
    titled = render(apart, with_status=True)
    assert (titled[:40, :150] != shown[:40, :150]).any()
    assert title_lines(apart)[:2] == ["dots: tiny.float32", "rings: tiny.int8"]


def test_without_a_face_a_comparison_is_the_frame(view):
    assert (render(replace(view, faces=[], other=()), with_status=False) == 90).all()
    assert title_lines(replace(view, faces=[], difference=None))[-1] == "no face"


def test_of_several_faces_the_largest_is_enlarged(view):
    face = view.faces[0]
    shape = face.raw
    small = replace(face, box=face.box._replace(side=20), raw=shape * 0 + 10)
    shown = render(replace(view, faces=[small, face], other=(shape, shape)), with_status=False)
    alone = render(replace(view, faces=[face], other=(shape,)), with_status=False)
    assert (shown == alone).all()


def test_the_names_of_a_comparison_stand_beside_the_face(view):
    face = view.faces[0]
    small = replace(face, box=face.box._replace(x=100, y=100, side=40), raw=np.full_like(face.raw, 100))
    options = replace(view.options, names=True)
    shown = render(replace(view, faces=[small], other=(small.raw,), options=options), with_status=False)
    height, width = shown.shape[:2]
    crop = np.flatnonzero((shown[0] == 90).all(-1))  # the first row is above the box and all names
    assert len(crop) == height
    left, right = crop[0], width - 1 - crop[-1]
    for margin in (shown[:, :left], shown[:, width - right :]):
        assert margin.shape[1] > 50
        assert (margin == 255).any()
    center = left + (height - 1) / 2  # where the points lie
    white = np.flatnonzero((np.abs(shown[height // 2].astype(int) - 255).max(-1) < 20)[left:-right]) + left
    assert white.min() < center < white.max()
