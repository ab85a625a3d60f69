"""Photos with labels, before they are cut: sizes as the decoder has them, names of faces, what is skipped."""

import cv2
import numpy as np
import pytest

from edgefkp.data.cutting import cut_photos
from edgefkp.data.images import read_image
from edgefkp.data.photo_size import UNKNOWN, PhotoSize, photo_size
from edgefkp.data.photos import LabeledFace, photos_of
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.layout import InputSpec
from tests.layouts import THREE
from tests.turned_photos import turned_jpeg


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_a_jpeg_is_that_of_the_decoded_photo(tmp_path, orientation, order):
    image = np.zeros((30, 50, 3), np.uint8)
    (tmp_path / "a.jpg").write_bytes(turned_jpeg(image, orientation, order))
    decoded = read_image(tmp_path / "a.jpg")
    assert photo_size(tmp_path / "a.jpg") == (decoded.shape[1], decoded.shape[0], orientation)
    assert decoded.shape[0] == (50 if orientation > 4 else 30)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".pgm", ".tif"])
def test_the_size_of_other_images(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f"a{suffix}"), np.zeros((30, 50), np.uint8))
    assert photo_size(tmp_path / f"a{suffix}") == PhotoSize(50, 30)


def test_a_file_without_an_image_has_no_size(tmp_path):
    whole = cv2.imencode(".jpg", np.zeros((30, 50, 3), np.uint8))[1].tobytes()
    for content in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe1", whole[:20], b"\x89PNG\r\n\x1a\n", b"<html>"):
        (tmp_path / "a.jpg").write_bytes(content)
        assert photo_size(tmp_path / "a.jpg") == UNKNOWN
    assert photo_size(tmp_path / "b.jpg") == UNKNOWN
    assert photo_size(tmp_path) == UNKNOWN


def face(folder, name: str, **known) -> LabeledFace:
    return LabeledFace(name, folder / name, THREE.mean_points(200) + 20, **known)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in "abcdef":
        cv2.imwrite(str(tmp_path / f"{name}.png"), random.integers(0, 256, (240, 260, 3), dtype=np.uint8))
    return tmp_path


def test_a_second_face_of_a_photo_has_a_name_and_a_crop_of_its_own(folder):
    photos = photos_of("two", folder, THREE, [face(folder, "a.png"), face(folder, "b.png"), face(folder, "a.png")])
    faces = cut_photos(photos, InputSpec(64)).train
    assert faces.ids.tolist() == ["a.png", "b.png", "a.png#2"]
    assert not (faces.images[0] == faces.images[2]).all()


def test_images_that_are_missing_can_be_skipped(folder, capsys):
    (folder / "b.png").write_bytes(b"")
    named = [face(folder, f"{name}.png", person=name) for name in "abcg"]
    photos = photos_of("gaps", folder, THREE, named)
    assert photos.sizes.tolist() == [[260, 240], [0, 0], [260, 240], [0, 0]]
    with pytest.raises(EdgefkpError, match=r"2 of 4 images .* missing or unreadable: b\.png, g\.png") as caught:
        cut_photos(photos, InputSpec())
    assert "--skip-missing-images" in caught.value.hint
    faces = cut_photos(photos, InputSpec(), skip_missing_images=True).train
    assert faces.groups.tolist() == ["a", "c"]
    assert "2 of 4 images" in (said := capsys.readouterr().err)
    assert "b.png, g.png" in said
    with pytest.raises(EdgefkpError, match="2 of 2 images") as caught:
        cut_photos(photos.take(np.array([1, 3])), InputSpec(), skip_missing_images=True)
    assert "no image is left" in caught.value.hint


def test_parts_of_their_own_stay_whole(folder):
    parts = ("train", "validation", "test", "train", "train", "test")
    named = [face(folder, f"{name}.png", person=name, part=part) for name, part in zip("abcdef", parts, strict=True)]
    source = cut_photos(photos_of("parts", folder, THREE, named), InputSpec())
    divided = split(source)
    assert divided.train.groups.tolist() == ["a", "d", "e"]
    assert divided.validation.groups.tolist() == ["b"]
    assert divided.test.groups.tolist() == ["c", "f"]
    with pytest.raises(EdgefkpError, match="no faces to train on: all 1 are for test"):
        cut_photos(photos_of("parts", folder, THREE, named[2:3]), InputSpec())


def test_faces_without_a_person_count_as_persons_of_their_own(folder):
    named = [face(folder, f"{name}.png", person=person) for name, person in zip("abcd", "p  p", strict=True)]
    named = [LabeledFace(**{**one.__dict__, "person": one.person.strip()}) for one in named]
    groups = cut_photos(photos_of("some", folder, THREE, named), InputSpec()).train.groups
    assert groups[0] == groups[3] == "p"
    assert len(set(groups)) == 3
