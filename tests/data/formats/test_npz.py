import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from tests.made_faces import made_faces


@pytest.fixture
def arrays():
    images, keypoints = made_faces(20)
    keypoints[3, 4] = np.nan
    return {
        "images": images,
        "keypoints": keypoints,
        "group": np.array([f"p{row // 2}" for row in range(20)]),
        "filename": np.array([f"{row}.jpg" for row in range(20)]),
        "label_src": np.full((20, 15), 3, np.uint8),
    }


def save(path, arrays):
    np.savez(path, **arrays)
    return path


def test_reads_what_was_saved(tmp_path, arrays):
    source = open_dataset(save(tmp_path / "faces.npz", arrays))
    assert (source.train.images == arrays["images"]).all()
    assert np.array_equal(source.train.keypoints, arrays["keypoints"], equal_nan=True)
    assert list(source.train.groups) == list(arrays["group"])
    assert list(source.train.ids) == list(arrays["filename"])
    assert (source.train.label_src == 3).all()
    assert source.test is None
    assert source.persons_known


def test_persons_stay_in_one_part(tmp_path, arrays):
    parts = split(open_dataset(save(tmp_path / "faces.npz", arrays)))
    groups = [set(part.groups) for part in (parts.train, parts.validation, parts.test)]
    assert all(groups)
    assert len(set.union(*groups)) == sum(map(len, groups)) == 10


def test_only_images_and_keypoints_are_needed(tmp_path, arrays, capsys):
    images = arrays["images"]
    images[7] = np.clip(images[2].astype(int) + 5, 0, 255)
    source = open_dataset(save(tmp_path / "faces.npz", {"images": images, "keypoints": arrays["keypoints"]}))
    assert "warning:" in capsys.readouterr().err
    assert not source.persons_known
    assert source.train.groups[7] == source.train.groups[2]
    assert len(set(source.train.groups)) == 19


def test_lfw_brings_its_terms(tmp_path, arrays):
    arrays["group"] = np.char.add("lfwname:", arrays["group"])
    assert "research" in open_dataset(save(tmp_path / "faces.npz", arrays)).license


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("images", None, "lacks images"),
        ("keypoints", None, "lacks keypoints"),
        ("images", np.zeros((20, 96, 95), np.uint8), r"images has shape \(20, 96, 95\), expected \(20, 96, 96\)"),
        ("images", np.zeros((20, 96, 96), np.float32), "images are float32"),
        ("images", np.array(5), r"images has shape \(\)"),
        ("keypoints", np.zeros((19, 15, 2), np.float32), r"keypoints has shape \(19, 15, 2\)"),
        ("keypoints", np.zeros((20, 30), np.float32), r"expected \(20, 15, 2\)"),
        ("keypoints", np.full((20, 15, 2), "x"), "expected numbers"),
        ("keypoints", np.full((20, 15, 2), np.inf, np.float32), "infinite"),
        ("keypoints", np.full((20, 15, 2), np.nan, np.float32), "has no label"),
        ("group", np.array(["a"]), "group has shape"),
        ("filename", np.array([{}] * 20, object), r"not a whole \.npz"),
    ],
)
def test_other_forms_are_refused(tmp_path, arrays, name, value, message):
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    with pytest.raises(EdgefkpError, match=message) as caught:
        open_dataset(save(tmp_path / "faces.npz", arrays))
    assert caught.value.hint


def test_no_face(tmp_path):
    empty = {"images": np.zeros((0, 96, 96), np.uint8), "keypoints": np.zeros((0, 15, 2), np.float32)}
    with pytest.raises(EdgefkpError, match="holds no face"):
        open_dataset(save(tmp_path / "faces.npz", empty))


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.999])
def test_truncated(tmp_path, arrays, keep):
    path = save(tmp_path / "faces.npz", arrays)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(EdgefkpError, match=r"not a whole \.npz"):
        open_dataset(path)


def test_one_array_is_no_npz(tmp_path, arrays):
    with open(tmp_path / "faces.npz", "wb") as stream:
        np.save(stream, arrays["images"])
    with pytest.raises(EdgefkpError, match="one array without a name"):
        open_dataset(tmp_path / "faces.npz")


def test_further_arrays_of_one_value_a_face_are_attributes(tmp_path, arrays):
    further = {"age": np.arange(20), "glasses": np.array([b"yes", b"no"] * 10), "map": np.zeros((20, 2))}
    faces = open_dataset(save(tmp_path / "faces.npz", arrays | further)).train
    assert set(faces.attributes) == {"age", "glasses"}
    assert faces.attributes["age"].tolist() == list(range(20))
    assert faces.attributes["glasses"].tolist() == ["yes", "no"] * 10
