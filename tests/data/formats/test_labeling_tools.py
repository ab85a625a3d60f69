"""Every form of labeled photos gives the same faces: COCO, CVAT, Label Studio, .pts, WFLW's text, a CSV."""

import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest

from edgefkp.data.formats import open_dataset, open_source
from edgefkp.data.photos import Photos
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec
from tests.labeled_photos import (
    coco_value,
    cvat_text,
    label_studio_value,
    photos_with_faces,
    write_coco,
    write_pts,
    write_wflw,
)
from tests.made_faces import write_csv

PERSONS = [f"p{number // 2}" for number in range(6)]


@pytest.fixture
def labeled(tmp_path):
    """A folder with six photos in images/, their names and points; one point is missing."""
    names, points = photos_with_faces(tmp_path / "images")
    points[3, 4] = np.nan
    return tmp_path, names, points


def write_form(form: str, folder, names, points) -> None:
    if form == "coco":
        write_coco(folder / "labels.json", names, points, PERSONS)
    elif form == "coco in annotations":
        write_coco(folder / "annotations/person_keypoints_default.json", names, points, PERSONS)
    elif form.startswith("cvat"):
        kind = form.split()[1]
        if kind == "points":
            points[3, 4] = 50.25, 60.5
        (folder / "annotations.xml").write_text(cvat_text(names, points, kind))
    elif form.startswith("label studio"):
        value = label_studio_value(names, points, short=form.endswith("min"))
        (folder / "project-1.json").write_text(json.dumps(value))
    else:
        rows = [
            [name, person, *("" if np.isnan(number) else number for number in face.ravel())]
            for name, person, face in zip(names, PERSONS, points, strict=True)
        ]
        write_csv(folder / "points.csv", ["file", "person", *KAGGLE15.columns], rows)


FORMS = (
    "csv", "coco", "coco in annotations", "cvat skeleton", "cvat single", "cvat points", "label studio",
    "label studio min",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_points_of_the_photos(labeled, form):
    folder, names, points = labeled
    write_form(form, folder, names, points)
    asked = KAGGLE15 if form == "cvat points" else None  # one shape of 15 points has no names
    _, photos = open_source(folder, layout=asked)
    assert isinstance(photos, Photos)
    np.testing.assert_allclose(photos.points, points.astype(np.float32), atol=1e-4)
    assert (photos.sizes == 232).all()
    assert [path.name for path in photos.paths] == names
    faces = open_dataset(folder, layout=asked).train
    assert (faces.layout, faces.groups.tolist()) == (KAGGLE15, PERSONS)


@pytest.mark.parametrize("form", ["coco", "coco in annotations"])
def test_forms_with_the_same_names_of_photos_give_the_same_crops(labeled, form):
    folder, names, points = labeled
    write_form("csv", folder, names, points)
    from_csv = open_dataset(folder, input=InputSpec(64, "rgb")).train
    (folder / "points.csv").unlink()
    write_form(form, folder, names, points)
    faces = open_dataset(folder, input=InputSpec(64, "rgb")).train
    assert faces.hash == from_csv.hash
    assert faces.ids.tolist() == from_csv.ids.tolist()


def as_68(points: np.ndarray) -> np.ndarray:
    """Faces of the 68 points, where those of these faces say that they are."""
    from edgefkp.geometry import box_of_keypoints

    layout = LAYOUTS["ibug68"]
    faces = []
    for face in points:
        box = box_of_keypoints(face, KAGGLE15)
        faces.append((np.array(layout.mean_shape) - 0.5) * box.side + (box.x, box.y))
    return np.array(faces).round(3)


def test_68_points_are_the_same_as_pts_and_as_coco(labeled):
    folder, names, _ = labeled
    points = as_68(photos_with_faces(folder / "images")[1])
    for name, face in zip(names, points, strict=True):
        write_pts(folder / "points" / name.replace(".png", ".pts"), face)
    value = coco_value(names, points, PERSONS, LAYOUTS["ibug68"])
    value["categories"][0]["keypoints"] = [f"p{number}" for number in range(1, 69)]
    (folder / "coco-train.json").write_text(json.dumps(value))
    as_coco, as_pts = open_dataset(folder).train, open_dataset(folder / "points").train
    assert as_coco.layout == as_pts.layout == LAYOUTS["ibug68"]
    assert as_coco.hash == as_pts.hash
    assert as_coco.groups.tolist() == PERSONS
    assert open_dataset(f"pts:{folder}").train.hash == as_pts.hash
    assert open_dataset(folder, layout=KAGGLE15).train.layout == KAGGLE15


def test_persons_of_pts_stand_in_a_table_beside_them(labeled):
    folder, names, _ = labeled
    points = as_68(photos_with_faces(folder / "images")[1])
    for name, face in zip(names, points, strict=True):
        write_pts(folder / "points" / name.replace(".png", ".pts"), face)
    write_csv(folder / "persons.csv", ["file", "person"], zip(names, PERSONS, strict=True))
    (folder / "points/0.pts").rename(folder / "points/0.PTS")
    for path in (folder, folder / "points"):
        source = open_dataset(path)
        assert (source.train.groups.tolist(), source.persons_known) == (PERSONS, True)
    write_csv(folder / "persons.csv", ["file", "person"], zip(names[1:], PERSONS[1:], strict=True))
    with pytest.raises(EdgefkpError, match=r"has no row for 1 of 6 photos: 0\.png"):
        open_dataset(folder)
    write_csv(folder / "persons.csv", ["file", "mood"], [["0.png", "good"]])
    with pytest.raises(EdgefkpError, match="lacks file or person; found: file, mood"):
        open_dataset(folder)


def test_wflws_text_has_98_points_boxes_and_attributes(labeled):
    folder, names, _ = labeled
    layout = LAYOUTS["wflw98"]
    faces = 30 + np.array(layout.mean_shape) * 150 + np.zeros((6, 1, 1))
    write_wflw(folder / "list_98pt_rect_attr_train.txt", names[:4], faces[:4])
    write_wflw(folder / "list_98pt_rect_attr_test.txt", names[4:], faces[4:])
    _, photos = open_source(folder)
    order = photos.ids.argsort()
    np.testing.assert_allclose(photos.points[order], faces, atol=1e-4)
    assert photos.layout == layout
    assert sorted(photos.parts.tolist()) == ["test"] * 2 + ["train"] * 4
    assert dict(photos.columns)["illumination"].tolist() == ["1"] * 6
    assert photos.boxes.shape == (6, 4)
    source = open_dataset(folder)
    assert (len(source.train), len(source.test)) == (4, 2)
    train = folder / "list_98pt_rect_attr_train.txt"
    train.write_bytes(b"\xef\xbb\xbf" + train.read_bytes().replace(b"\n", b"\r\n"))
    assert open_dataset(folder).train.hash == source.train.hash


def test_parts_by_the_names_of_files(labeled):
    folder, names, points = labeled
    for part, rows in (("train", slice(0, 3)), ("val", slice(3, 4)), ("test", slice(4, 6))):
        write_coco(folder / f"coco-{part}.json", names[rows], points[rows], PERSONS[rows])
    source = open_dataset(folder)
    assert [len(part) for part in (source.train, source.validation, source.test)] == [3, 1, 2]
    assert len(open_dataset(folder / "coco-test.json").train) == 2


def test_visibility_and_several_faces_on_a_photo(labeled):
    folder, names, points = labeled
    value = coco_value(names, points, PERSONS)
    value["annotations"][0]["keypoints"][2] = 1
    value["annotations"][1]["image_id"] = 0
    value["annotations"][1]["attributes"] = {"person": "somebody else"}
    value["annotations"].append({"id": 99, "image_id": 2, "category_id": 7, "keypoints": [0] * 45, "iscrowd": 0})
    (folder / "labels.json").write_text(json.dumps(value))
    _, photos = open_source(folder)
    assert photos.ids.tolist() == ["0.png", "0.png#2", "2.png", "3.png", "4.png", "5.png"]
    assert photos.visibility[0].tolist() == [1, *[2] * 14]
    assert photos.visibility[3, 4] == 0
    assert photos.persons.tolist()[:2] == ["p0", "somebody else"]


def test_two_faces_of_single_points_need_a_group(labeled):
    folder, names, points = labeled
    text = cvat_text(names[:1], points[:1], "single")
    shapes = text.partition('height="232">')[2].partition("</image>")[0]
    (folder / "annotations.xml").write_text(text.replace("</image>", f"{shapes}</image>"))
    with pytest.raises(EdgefkpError, match="has the point left_eye_center twice"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("form", "damage", "message"),
    [
        ("coco", lambda text: text[:900], "is not a readable JSON file"),
        ("coco", lambda text: text.replace('"image_id": 0', '"image_id": 50', 1), "is of image 50, which is not there"),
        ("coco", lambda text: text.replace('"category_id": 7', '"category_id": 8', 1), "of category 8"),
        ("coco", lambda text: text.replace('"keypoints": [', '"keypoints": [1e9, ', 1), "has 46 numbers"),
        ("coco", lambda text: text.replace('"categories"', '"category"'), "categories is missing"),
        (
            "coco",
            lambda text: text.replace('"right_eye_center"', '"left_eye_center"', 1),
            r"the category '.*' has the keypoint 'left_eye_center' 2 times",
        ),
        ("cvat skeleton", lambda text: text[:900], "is not a whole XML file"),
        ("cvat skeleton", lambda text: text.replace('points="', 'points="up', 1), "expected x,y"),
        ("cvat skeleton", lambda text: text.replace("?>", "?><!DOCTYPE a []>", 1), "defines entities"),
        ("label studio", lambda text: text.replace('"original_width"', '"width"', 1), "original_width is missing"),
        ("label studio", lambda text: text.replace('"image"', '"picture"').replace(".png", ""), "names no image file"),
        ("label studio", lambda text: text.replace("right_eye_center", "left_eye_center", 1), "is there twice"),
        ("label studio", lambda text: text.replace('"annotations"', '"predictions"'), "has predictions alone"),
    ],
)
def test_damage_of_labels_is_named(labeled, form, damage, message):
    folder, names, points = labeled
    write_form(form, folder, names, points)
    file = next(path for path in folder.iterdir() if path.is_file())
    text = file.read_text()
    assert damage(text) != text
    file.write_text(damage(text))
    with pytest.raises(EdgefkpError, match=message):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its lines are others"),
        ("version: 1\nn_points: 3\n{\n1 2\n3 4\n}", "2 points, and n_points is 3"),
        ("version: 1\nn_points: 2\n{\n1 2\n3 four\n}", "'3 four' is no x and y"),
        ("version: 1\nn_points: 2\n{\n1 2\n3 4 5\n}", "'3 4 5' is no x and y"),
        ("version: 1\nn_points: 2\n{\n1 2\n3 4\n}", "do not have 15 points as the others: images/1.pts"),
    ],
)
def test_a_damaged_pts_is_named(labeled, text, message):
    folder, names, points = labeled
    for name, face in zip(names, np.nan_to_num(points, nan=9), strict=True):
        write_pts(folder / "images" / name.replace(".png", ".pts"), face)
    (folder / "images/1.pts").write_text(text)
    with pytest.raises(EdgefkpError, match=message):
        open_dataset(folder)


def test_a_zip_of_photos_and_labels_is_opened(labeled, tmp_path_factory):
    folder, names, points = labeled
    write_form("coco", folder, names, points)
    packed = tmp_path_factory.mktemp("zip") / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, f"export/{path.relative_to(folder)}")
    source = open_dataset(packed)
    assert source.name == "export"
    assert source.train.hash == open_dataset(folder).train.hash == open_dataset(packed.parent).train.hash
    packed.write_bytes(packed.read_bytes()[:-300])
    with pytest.raises(EdgefkpError):
        open_dataset(packed)


def test_photos_may_lie_in_a_folder_that_is_linked_to(labeled, tmp_path_factory):
    folder, names, points = labeled
    write_form("coco", folder, names, points)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "faces"
    shutil.move(folder / "images", elsewhere)
    (elsewhere / "round").symlink_to(elsewhere)
    (folder / "linked").symlink_to(elsewhere)
    assert len(open_dataset(folder).train) == 6


def test_a_zip_writes_nothing_outside_of_the_cache(labeled, tmp_path_factory, monkeypatch):
    folder, names, points = labeled
    write_form("coco", folder, names, points)
    packed = tmp_path_factory.mktemp("zip") / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(folder / "labels.json", "labels.json")
        for name in ("../evil.png", "/evil.png", "a/../../../evil.png"):
            archive.writestr(name, "x")
    cache = tmp_path_factory.mktemp("inner") / "cache"
    monkeypatch.setenv("EDGEFKP_CACHE", str(cache))
    with pytest.raises(EdgefkpError, match="6 of 6 images"):
        open_dataset(packed)
    assert [path.name for path in cache.parent.iterdir()] == ["cache"]
    assert not any(path.name == "evil.png" for path in packed.parent.iterdir())
    assert [path.name[:9] for path in (cache / "data").iterdir()] == ["unpacked-"]


def test_an_image_without_a_face_is_counted(labeled, capsys):
    folder, names, points = labeled
    value = coco_value(names, points, PERSONS)
    del value["annotations"][2]
    (folder / "labels.json").write_text(json.dumps(value))
    assert len(open_dataset(folder).train) == 5
    assert "left out: 1 image without a labeled face: 2.png" in capsys.readouterr().err


def test_overlays_of_predictions_are_no_photos(labeled):
    folder, names, points = labeled
    write_form("coco", folder, names, points)
    shutil.move(folder / "images", folder / "faces")
    assert len(open_dataset(folder).train) == 6
    (folder / "predict.jsonl").write_text("")
    with pytest.raises(EdgefkpError, match="6 of 6 images"):
        open_dataset(folder)
    cv2.imwrite(str(folder / "0.png"), np.zeros((232, 232), np.uint8))
    with pytest.raises(EdgefkpError, match="5 of 6 images"):
        open_dataset(folder)
