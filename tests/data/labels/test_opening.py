"""Labels of every form are judged when they are opened, and read by the options that the message names."""

import cv2
import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions
from edgefkp.data.photos import Reading
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15
from tests.made_faces import write_csv, write_training
from tests.turned_photos import turned_jpeg

COUNT = 12
WIDTH, HEIGHT = 140, 200
ODD = np.arange(COUNT) % 2 == 1


@pytest.fixture(scope="module")
def faces():
    """Portraits with a drawn face each, and the points in them."""
    images, points = draw_all(COUNT, 3)
    photos = np.full((COUNT, HEIGHT, WIDTH), 90, np.uint8)
    places = np.random.default_rng(0).integers(0, (WIDTH - 96, HEIGHT - 96), (COUNT, 2))
    for photo, image, (x, y) in zip(photos, images, places, strict=True):
        photo[y : y + 96, x : x + 96] = image
    return photos, (points + places[:, None]).astype(np.float32)


def folder(path, photos, points, turn=1):
    path.mkdir()
    rows = []
    for number, (photo, face) in enumerate(zip(photos, points, strict=True)):
        (path / f"{number}.jpg").write_bytes(turned_jpeg(photo, turn))
        cells = ["" if np.isnan(value) else value for value in face.astype(float).round(4).ravel().tolist()]
        rows.append([f"{number}.jpg", f"p{number // 2}", *cells])
    write_csv(path / "points.csv", ["file", "person", *KAGGLE15.columns], rows)
    return path


def some_missing(points, number):
    part = np.arange(15) < 5
    return np.where((ODD[:, None] & part)[..., None], number, points)


SIZE = (WIDTH, HEIGHT)
FAULTS = {
    "missing": (lambda points: some_missing(points, -1), LabelOptions(missing=(-1.0,))),
    "share": (lambda points: points / SIZE, LabelOptions(unit="share")),
    "percent": (lambda points: points / SIZE * 100, LabelOptions(unit="percent")),
    "centered": (lambda points: points / SIZE * 2 - 1, LabelOptions(unit="centered")),
    "scale": (lambda points: points * 4, LabelOptions(scale=0.25)),
    "sides": (lambda points: points[:, KAGGLE15.mirror_order], LabelOptions(mirror_names=True)),
    "axes": (lambda points: points[..., ::-1], LabelOptions(swap_xy=True)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_folder_with_a_fault_is_refused_and_read_as_the_message_has_it(tmp_path, faces, name):
    photos, points = faces
    change, options = FAULTS[name]
    path = folder(tmp_path / "photos", photos, change(points))
    with pytest.raises(EdgefkpError) as refused:
        open_dataset(path)
    assert options.typed(AS_THEY_ARE) in refused.value.hint
    cured = open_dataset(path, reading=Reading(labels=options)).train
    good = some_missing(points, np.nan) if name == "missing" else points
    base = open_dataset(folder(tmp_path / "base", photos, good)).train
    assert np.nanmax(np.abs(cured.keypoints - base.keypoints)) < 0.05
    assert (np.isnan(cured.keypoints) == np.isnan(base.keypoints)).all()
    assert np.abs(cured.images.astype(int) - base.images).mean() < 1


@pytest.mark.parametrize(("turn", "rotate"), [(3, cv2.ROTATE_180), (6, cv2.ROTATE_90_COUNTERCLOCKWISE)])
def test_points_of_unturned_photos_are_turned_with_them(tmp_path, faces, turn, rotate):
    photos, points = faces
    held = np.stack([cv2.rotate(photo, rotate) for photo in photos])
    base = folder(tmp_path / "shown", held, points, turn)
    x, y = points[..., 0], points[..., 1]
    on_stored = np.stack([WIDTH - 1 - x, HEIGHT - 1 - y] if turn == 3 else [y, WIDTH - 1 - x], -1)
    path = folder(tmp_path / "stored", held, on_stored, turn)
    with pytest.raises(EdgefkpError, match=r"only in their image as it is stored.*\n.*--exif stored"):
        open_dataset(path)
    cured = open_dataset(path, reading=Reading(labels=LabelOptions(exif="stored"))).train
    assert np.abs(cured.keypoints - open_dataset(base).train.keypoints).max() < 0.05


KAGGLE = {
    "missing": (lambda points: some_missing(points, 0), LabelOptions(missing=(0.0,))),
    "share": (lambda points: points / 96, LabelOptions(unit="share")),
    "centered": (lambda points: (points - 48) / 48, LabelOptions(unit="centered")),
    "sides": (lambda points: points[:, KAGGLE15.mirror_order], LabelOptions(mirror_names=True)),
}


@pytest.mark.parametrize("form", ["csv", "npz"])
@pytest.mark.parametrize("name", KAGGLE)
def test_crops_with_a_fault_are_refused_and_read_as_the_message_has_it(tmp_path, name, form):
    images, points = draw_all(COUNT, 3)
    change, options = KAGGLE[name]
    path = tmp_path / f"training.{form}"
    if form == "csv":
        write_training(path, images, change(points))
    else:
        np.savez(path, images=images, keypoints=change(points).astype(np.float32))
    with pytest.raises(EdgefkpError) as refused:
        open_dataset(path)
    assert options.typed(AS_THEY_ARE) in refused.value.hint
    cured = open_dataset(path, reading=Reading(labels=options))
    good = some_missing(points, np.nan) if name == "missing" else points
    assert np.nanmax(np.abs(cured.train.keypoints - good)) < 0.01
    assert cured.judgment.options == options


def test_sources_of_labels_follow_their_points(tmp_path):
    images, points = draw_all(COUNT, 3)
    label_src = np.ones((COUNT, 15), np.uint8)
    label_src[:, KAGGLE15.rows("left_eye_center")] = 4
    np.savez(tmp_path / "a.npz", images=images, keypoints=points[:, KAGGLE15.mirror_order], label_src=label_src)
    read = open_dataset(tmp_path / "a.npz", reading=Reading(labels=LabelOptions(mirror_names=True))).train
    assert set(read.label_src[:, KAGGLE15.rows("right_eye_center")].ravel()) == {4}


def test_good_labels_are_taken_as_they_are(tmp_path, faces, capsys):
    photos, points = faces
    path = folder(tmp_path / "photos", photos, points)
    source = open_dataset(path)
    assert source.judgment.findings == ()
    assert "warning" not in capsys.readouterr().err
    assert open_dataset(path, reading=Reading(labels=LabelOptions(unit="pixels"))).train.hash == source.train.hash


def test_a_doubt_is_a_warning_and_stands_in_the_dataset(tmp_path, capsys):
    images, points = draw_all(COUNT, 3)
    points[4] = points[4, KAGGLE15.mirror_order]
    np.savez(tmp_path / "a.npz", images=images, keypoints=points)
    source = open_dataset(tmp_path / "a.npz")
    assert [finding.kind for finding in source.judgment.findings] == ["sides"]
    assert "1 of 12 faces have left and right as the viewer sees them" in capsys.readouterr().err


def test_own_points_are_judged_by_eyes_and_mouth(tmp_path, faces):
    photos, points = faces
    rows = KAGGLE15.rows("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_top_lip")
    four = points[:, rows[[1, 0, 2, 3]]]  # as the viewer has them
    path = folder(tmp_path / "photos", photos, points)
    names = [f"{name}_{axis}" for name in ("left_eye", "right_eye", "nose", "mouth") for axis in "xy"]
    write_csv(
        path / "points.csv", ["file", *names], [[f"{k}.jpg", *face.ravel().tolist()] for k, face in enumerate(four)]
    )
    with pytest.raises(EdgefkpError, match="--mirror-names"):
        open_dataset(path)
    source = open_dataset(path, reading=Reading(labels=LabelOptions(mirror_names=True)))
    assert source.layout.mean_shape[0][0] > source.layout.mean_shape[1][0], "the left eye is on the right"


def test_the_shape_of_own_points_is_that_of_the_points_as_they_are_read(tmp_path, faces):
    photos, points = faces
    four = points[:, KAGGLE15.rows("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_top_lip")]
    names = [f"{name}_{axis}" for name in ("left_eye", "right_eye", "nose", "mouth") for axis in "xy"]
    shapes = []
    for number in (np.nan, -1):
        labels = np.where((ODD[:, None] & (np.arange(4) == 2))[..., None], number, four)
        path = folder(tmp_path / f"{number}", photos, points)
        rows = [
            [f"{k}.jpg", *("" if np.isnan(v) else v for v in face.ravel().tolist())] for k, face in enumerate(labels)
        ]
        write_csv(path / "points.csv", ["file", *names], rows)
        shapes.append(open_dataset(path, reading=Reading(labels=LabelOptions(missing=(-1,)))).layout.mean_shape)
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", ["axes", "percent", "sides"])
def test_own_points_with_a_fault_are_refused_and_read_as_the_message_has_it(tmp_path, faces, name):
    photos, points = faces
    change, options = FAULTS[name]
    rows = KAGGLE15.rows("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_top_lip")
    names = [f"{name}_{axis}" for name in ("left_eye", "right_eye", "nose", "mouth") for axis in "xy"]
    read = []
    for form, given in (("good", points), ("bad", change(points))):
        path = folder(tmp_path / form, photos, points)
        table = [[f"{k}.jpg", *face.ravel().tolist()] for k, face in enumerate(given[:, rows])]
        write_csv(path / "points.csv", ["file", *names], table)
        if form == "bad":
            with pytest.raises(EdgefkpError, match=options.typed(AS_THEY_ARE)):
                open_dataset(path)
        read.append(open_dataset(path, reading=Reading(labels=options if form == "bad" else AS_THEY_ARE)))
    assert np.allclose(read[0].layout.mean_shape, read[1].layout.mean_shape, atol=1e-4)
    assert np.abs(read[0].train.keypoints - read[1].train.keypoints).max() < 0.05
