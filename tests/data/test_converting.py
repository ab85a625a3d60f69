"""Labeled faces in another form are the same when they are read back."""

import json

import numpy as np
import pytest

from edgefkp.data.converting import convert
from edgefkp.data.formats import open_dataset, open_source
from edgefkp.data.license import NOT_STATED
from edgefkp.data.photos import Photos
from edgefkp.data.written import WRITERS
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec
from tests.labeled_photos import coco_value, photos_with_faces
from tests.made_faces import made_faces

PERSONS = [f"p{number // 2}" for number in range(6)]
OF_PHOTOS = [name for name in WRITERS if WRITERS[name].photos]


@pytest.fixture
def labeled(tmp_path):
    """COCO with everything: parts, persons, a hidden and a missing point, two faces on a photo, odd coordinates."""
    folder = tmp_path / "mine"
    names, points = photos_with_faces(folder / "images")
    points = (points + np.random.default_rng(0).uniform(0, 1, points.shape)).astype(np.float32).astype(float)
    points[3, 4] = np.nan
    value = coco_value(names, points, PERSONS)
    value["annotations"][1]["image_id"] = 0
    value["annotations"][1]["attributes"] = {"person": "p1"}
    value["annotations"][0]["keypoints"][5] = 1
    for part, kept in (("train", (0, 1, 2, 3)), ("test", (4, 5))):
        faces = [value["annotations"][row] for row in kept]
        images = [one for one in value["images"] if one["id"] in {face["image_id"] for face in faces}]
        terms = [{"id": 1, "name": "CC BY 4.0"}]
        (folder / f"{part}.json").write_text(
            json.dumps({**value, "licenses": terms, "images": images, "annotations": faces})
        )
    return folder


def photos_in(path, layout=None) -> Photos:
    _, photos = open_source(path, layout=layout)
    assert isinstance(photos, Photos)
    return photos.take(np.lexsort((photos.points[:, 0, 0], photos.parts)))


@pytest.mark.parametrize("form", OF_PHOTOS)
def test_photos_are_the_same_when_they_are_read_back(labeled, tmp_path, form):
    before = photos_in(labeled)
    result = convert(str(labeled), form, tmp_path / "out")
    assert (result.faces, result.images, result.points) == (6, 5, 15)
    after = photos_in(tmp_path / "out", KAGGLE15)  # .pts have no names
    np.testing.assert_array_equal(after.points, before.points)
    assert after.layout == before.layout
    assert after.parts.tolist() == before.parts.tolist()
    assert [path.read_bytes() for path in after.paths] == [path.read_bytes() for path in before.paths]
    assert after.persons.tolist() == before.persons.tolist()
    if not result.loses:
        assert after.license == (before.license if form == "coco" else NOT_STATED)
        np.testing.assert_array_equal(after.visibility, before.visibility)
        assert open_dataset(tmp_path / "out").train.hash == open_dataset(labeled).train.hash


def test_crops_are_the_same_as_npz(labeled, tmp_path):
    spec = InputSpec(64, "rgb")
    before = open_dataset(labeled, input=spec)
    result = convert(str(labeled), "npz", tmp_path / "out", input=spec)
    after = open_dataset(result.data, input=spec)
    for one, other in ((before.train, after.train), (before.test, after.test)):
        assert one.hash == other.hash
        assert one.groups.tolist() == other.groups.tolist()
        assert one.ids.tolist() == other.ids.tolist()
        assert one.attributes.keys() == other.attributes.keys()
        assert one.attributes["hidden points"].tolist() == other.attributes["hidden points"].tolist()
    assert after.train.attributes["hidden points"].sum() == 1
    assert after.layout == before.layout


@pytest.mark.parametrize("form", OF_PHOTOS)
def test_crops_without_photos_become_images(tmp_path, form):
    images, keypoints = made_faces(5)
    keypoints[2, 3] = np.nan
    np.savez(tmp_path / "faces.npz", images=images, keypoints=keypoints, group=np.array(list("aabbc")))
    convert(str(tmp_path / "faces.npz"), form, tmp_path / "out")
    after = photos_in(tmp_path / "out", KAGGLE15)
    order = keypoints[:, 0, 0].argsort()
    np.testing.assert_array_equal(after.points, keypoints[order])
    assert (after.sizes == 96).all()


def test_what_is_there_is_replaced_only_if_asked(labeled, tmp_path):
    out = tmp_path / "out"
    convert(str(labeled), "coco", out)
    with pytest.raises(EdgefkpError, match="is not empty") as caught:
        convert(str(labeled), "coco", out)
    assert "--replace" in caught.value.hint
    (out / "notes.txt").write_text("mine")
    convert(str(labeled / "train.json"), "coco", out, replace=True)
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == ["coco.json", "notes.txt"]
    with pytest.raises(UsageError, match="is what is read"):
        convert(str(labeled), "coco", labeled)


def test_missing_photos_are_refused_or_left_out(labeled, tmp_path, capsys):
    from edgefkp.data.photos import Reading

    (labeled / "images/2.png").unlink()
    with pytest.raises(EdgefkpError, match=r"1 of 6 images .*: 2\.png"):
        convert(str(labeled), "csv", tmp_path / "out")
    result = convert(str(labeled), "csv", tmp_path / "out", reading=Reading(skip_missing_images=True))
    assert result.faces == 5
    assert "2.png" in capsys.readouterr().err


def test_another_layout_is_written_if_asked(tmp_path):
    layout = LAYOUTS["ibug68"]
    names, _ = photos_with_faces(tmp_path / "images", 3)
    points = 40 + np.array(layout.mean_shape) * 150 + np.arange(3)[:, None, None]
    (tmp_path / "labels.json").write_text(json.dumps(coco_value(names, points, list("abc"), layout)))
    result = convert(str(tmp_path), "coco", tmp_path.parent / "fifteen", layout=KAGGLE15)
    assert result.points == 15
    assert photos_in(tmp_path.parent / "fifteen").layout == KAGGLE15


def test_pycocotools_reads_what_is_written(labeled, tmp_path):
    pytest.importorskip("pycocotools", reason="pycocotools is in the extra test")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    convert(str(labeled), "coco", tmp_path / "out")
    read = COCO(str(tmp_path / "out/coco-train.json"))
    assert len(read.getImgIds()) == 3
    faces = read.loadAnns(read.getAnnIds())
    before = photos_in(labeled)
    written = sorted(face["keypoints"][0] for face in faces)
    np.testing.assert_allclose(written, sorted(before.points[before.parts == "train", 0, 0].tolist()), rtol=1e-6)
    assert sorted(face["num_keypoints"] for face in faces) == [14, 15, 15, 15]
    scored = COCOeval(read, read.loadRes([{**face, "score": 1.0} for face in faces]), "keypoints")
    scored.params.kpt_oks_sigmas = np.full(15, 0.05)
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    assert scored.stats[0] == pytest.approx(1)
