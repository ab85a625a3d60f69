"""The loop: predict, correct the points in a labeling tool, train on them."""

import csv
import json

import cv2
import numpy as np
import pytest

from edgefkp.data.faces import AUTOMATIC
from edgefkp.data.formats import open_dataset, open_source
from edgefkp.data.split import split
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.layout import KAGGLE15


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """Eight versions of a portrait, some with two faces, and an image without one."""
    portrait = cv2.cvtColor(pytest.importorskip("skimage.data").astronaut(), cv2.COLOR_RGB2BGR)[:300, 80:400]
    folder = tmp_path_factory.mktemp("loop")
    (folder / "in/more").mkdir(parents=True)
    for number in range(8):
        turned = cv2.convertScaleAbs(portrait, alpha=1 - 0.05 * number)
        whole = np.concatenate([turned, turned[:, ::-1]], 1) if number % 3 == 0 else turned
        cv2.imwrite(str(folder / "in" / ("more" if number % 2 else "") / f"{number}.png"), whole)
    cv2.imwrite(str(folder / "in/nobody.png"), np.full((200, 200), 128, np.uint8))
    results = []
    for table, out in (("coco", "as-coco"), ("csv", "as-csv")):
        settings = PredictSettings(folder / out, table=table, overlays=table == "coco")
        results.append(predict(find_items([folder / "in"], settings.out), settings))
    return folder, results[0]


def test_predictions_are_read_back_with_their_points(predicted):
    folder, result = predicted
    with open(folder / "as-csv/points.csv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if int(row["face"])]
    _, photos = open_source(folder / "as-coco")
    assert len(photos) == len(rows) == result.faces >= 8
    expected = np.array([[float(row[column]) for column in KAGGLE15.columns] for row in rows], np.float32)
    np.testing.assert_array_equal(photos.points.reshape(len(rows), -1), expected)
    assert [str(name).partition("#")[0] for name in photos.ids] == [row["file"] for row in rows]
    assert all("in" in path.parts and "faces" not in path.parts for path in photos.paths)
    assert (photos.label_src == AUTOMATIC).all()
    assert (photos.sizes > 0).all()


def test_an_image_without_a_face_can_be_labeled_too(predicted):
    folder, _ = predicted
    value = json.loads((folder / "as-coco/coco.json").read_text())
    assert "nobody.png" in [image["file_name"] for image in value["images"]]


def test_corrected_points_are_trained_on(predicted, tmp_path):
    """As CVAT exports them: without scores and paths, in annotations/, photos in images/."""
    folder, _ = predicted
    value = json.loads((folder / "as-coco/coco.json").read_text())
    for face in value["annotations"]:
        del face["score"]
        face["attributes"] = {"occluded": False}
    value["annotations"][0]["keypoints"][:2] = [100.25, 120.5]
    for image in value["images"]:
        content = (folder / "in" / image["file_name"]).read_bytes()
        del image["path"]
        target = tmp_path / "images/default" / image["file_name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/person_keypoints_default.json").write_text(json.dumps(value))
    _, photos = open_source(tmp_path)
    assert photos.points[0, 0].tolist() == [100.25, 120.5]
    assert (photos.label_src == 0).all()
    source = open_dataset(tmp_path)
    assert source.layout == KAGGLE15
    assert len(split(source).train)


def test_the_file_is_made_again_when_a_run_goes_on(predicted):
    folder, _ = predicted
    before = (folder / "as-coco/coco.json").read_text()
    (folder / "as-coco/coco.json").unlink()
    settings = PredictSettings(folder / "as-coco", table="coco")
    assert predict(find_items([folder / "in"], settings.out), settings).images == 0
    assert (folder / "as-coco/coco.json").read_text() == before
