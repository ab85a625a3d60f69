"""The door: what is of a known form is opened as it is asked for, and a new form is one file."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.formats import FORMATS, Format, data_forms, open_dataset
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, InputSpec
from tests.dots import dot_near, dots
from tests.layouts import SMALL_RGB, THREE
from tests.made_faces import made_faces, write_csv, write_training


def open_lines(path, labels, layout, input):
    """A made-up form: a JSON of points, the images drawn from them."""
    points = np.array(json.loads(path.read_text()), np.float32)
    images = np.stack([dots(face, input.side) for face in points])
    return Dataset(path.stem, faces_of(images, points, layout=layout), None, "free")


@pytest.fixture
def plugged_in():
    form = Format("lines", "a .lines file of points", lambda path: path.suffix == ".lines", open_lines)
    FORMATS.add(form)
    yield form
    FORMATS.remove("lines")


def test_a_new_format_is_opened_and_named_in_the_hint(plugged_in, tmp_path):
    path = tmp_path / "faces.lines"
    path.write_text(json.dumps([THREE.mean_points().tolist()] * 3))
    source = open_dataset(path, layout=THREE, input=InputSpec(96, "rgb"))
    assert (len(source.train), source.layout, source.input) == (3, THREE, InputSpec(96, "rgb"))
    assert "a .lines file of points" in data_forms()
    with pytest.raises(EdgefkpError, match="no data at") as caught:
        open_dataset(tmp_path / "nothing")
    assert "a .lines file of points" in caught.value.hint
    assert all(form.description in caught.value.hint for form in FORMATS.values())


def test_the_sample_is_a_name_and_not_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sample").mkdir()
    with pytest.raises(EdgefkpError, match="no labels of a form that is known"):
        open_dataset("./sample")


@pytest.fixture
def folder(tmp_path):
    """12 color images of three points in red."""
    random = np.random.default_rng(1)
    rows = []
    for number in range(12):
        side = random.uniform(100, 350)
        points = THREE.mean_points(round(side)) + random.uniform(0, 500 - side, 2)
        image = np.zeros((500, 500, 3), np.uint8)
        for x, y in points:
            cv2.circle(image, (round(float(x)), round(float(y))), round(side / 40), (0, 0, 255), -1)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
        rows.append([f"{number}.png", f"p{number // 2}", *points.ravel().round(2)])
    write_csv(tmp_path / "points.csv", ["file", "person", *THREE.columns], rows)
    return tmp_path


def test_a_folder_of_another_layout_is_cut_for_the_asked_input(folder):
    faces = open_dataset(folder, layout=THREE, input=SMALL_RGB.input).train
    assert (faces.layout, faces.input, len(faces)) == (THREE, SMALL_RGB.input, 12)
    assert faces.images[..., 1:].max() < 30  # red comes first
    for image, points in zip(faces.images, faces.keypoints, strict=True):
        assert all(np.hypot(*(dot_near(image, point) - point)) < 0.5 for point in points)


def test_a_table_of_another_layout_is_named(folder):
    with pytest.raises(EdgefkpError, match="lacks 30 of 31 columns: left_eye_center_x") as caught:
        open_dataset(folder, layout=KAGGLE15)
    assert "found: file, eye_left_x" in caught.value.message
    assert "file and the 30 coordinates left_eye_center_x to mouth_center_bottom_lip_y" in caught.value.hint
    (folder / "points.csv").write_text("file,eye_left_x\n1.png,3\n")
    with pytest.raises(EdgefkpError, match="lacks 5 of 7 columns: eye_left_y"):
        open_dataset(folder, layout=THREE)


def test_an_npz_of_another_layout_and_input(tmp_path):
    images, keypoints = made_faces(6, spec=SMALL_RGB)
    path = tmp_path / "faces.npz"
    np.savez(path, images=images, keypoints=keypoints, group=np.arange(6).astype(str))
    faces = open_dataset(path, layout=THREE, input=SMALL_RGB.input).train
    assert (faces.images == images).all()
    assert (faces.keypoints == keypoints).all()
    assert open_dataset(path, layout=THREE).input == InputSpec()
    with pytest.raises(EdgefkpError, match=r"keypoints has shape \(6, 3, 2\), expected \(6, 15, 2\)"):
        open_dataset(path, layout=KAGGLE15)
    with pytest.raises(EdgefkpError, match="3 points a face, and no known layout has as many"):
        open_dataset(path)


def test_kaggles_files_are_brought_to_the_asked_input_and_points(tmp_path):
    images, keypoints = made_faces(12)
    path = write_training(tmp_path / "training.csv", images, keypoints)
    part = KAGGLE15.part("left_eye_center", "nose_tip")
    faces = open_dataset(path, layout=part, input=InputSpec(48, "rgb")).train
    assert faces.images.shape == (12, 48, 48, 3)
    np.testing.assert_allclose(faces.keypoints, (keypoints[:, [0, 10]] + 0.5) / 2 - 0.5, atol=1e-3)
    with pytest.raises(EdgefkpError, match="not eye_left, eye_right, chin of three"):
        open_dataset(path, layout=THREE)
