"""Kaggle's faces as people have them: its tool's zip, unpacked into folders, and as two files without its rules."""

import zipfile

import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15
from tests.made_faces import made_faces, write_csv, write_test, write_training, zipped


@pytest.fixture
def kaggle(tmp_path):
    """(folder, images, keypoints) of training.zip and test.zip."""
    folder = tmp_path / "kaggle"
    folder.mkdir()
    images, keypoints = made_faces(8)
    keypoints[3, 4] = np.nan
    zipped(write_training(folder / "training.csv", images, keypoints))
    zipped(write_test(folder / "test.csv", images[:3]))
    return folder, images, keypoints


def test_the_zip_of_kaggles_own_tool_is_opened(kaggle, tmp_path):
    folder, images, keypoints = kaggle
    packed = tmp_path / "downloaded/facial-keypoints-detection.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
        archive.writestr("SampleSubmission.csv", "RowId,Location\n1,0\n")
    source = open_dataset(packed)
    assert (source.train.images == images).all()
    np.testing.assert_array_equal(source.train.keypoints, keypoints)
    assert (source.name, len(source.test)) == ("facial-keypoints-detection", 3)
    assert open_dataset(packed.parent).train.hash == source.train.hash


def test_files_that_were_unpacked_into_their_own_folders_are_found(kaggle):
    folder, images, _ = kaggle
    for name in ("training", "test"):
        with zipfile.ZipFile(folder / f"{name}.zip") as archive:
            archive.extractall(folder / name)
        (folder / f"{name}.zip").unlink()
    source = open_dataset(folder)
    assert (source.train.images == images).all()
    assert len(source.test) == 3


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
@pytest.mark.parametrize("last", [True, False])
def test_images_and_points_without_kaggles_rules(kaggle, tmp_path, kind, last):
    folder, images, keypoints = kaggle
    np.savez(tmp_path / "face_images.npz", face_images=(np.moveaxis(images, 0, 2) if last else images).astype(kind))
    rows = [["" if np.isnan(number) else f"{number:.6g}" for number in face.ravel().tolist()] for face in keypoints]
    write_csv(tmp_path / "facial_keypoints.csv", KAGGLE15.columns, rows)
    (folder / "training.zip").rename(tmp_path / "elsewhere.zip")
    for path in (tmp_path, tmp_path / "face_images.npz", tmp_path / "facial_keypoints.csv"):
        faces = open_dataset(path).train
        assert (faces.images == images).all()
        np.testing.assert_array_equal(faces.keypoints, keypoints)


@pytest.mark.parametrize(
    ("images", "rows", "message"),
    [
        (np.zeros((96, 96, 5), np.uint8), 4, "has 5 images, and facial_keypoints.csv 4 rows"),
        (np.full((96, 96, 4), 0.5), 4, "no whole levels 0..255"),
        (np.full((96, 96, 4), np.nan), 4, "no whole levels 0..255"),
        (np.zeros((48, 48, 4), np.uint8), 4, r"holds face_images \(48, 48, 4\)"),
    ],
)
def test_two_files_that_do_not_fit_are_refused(tmp_path, images, rows, message):
    np.savez(tmp_path / "face_images.npz", face_images=images)
    write_csv(tmp_path / "facial_keypoints.csv", KAGGLE15.columns, [[5] * 30] * rows)
    with pytest.raises(EdgefkpError, match=message):
        open_dataset(tmp_path)


def test_a_table_of_pixels_under_another_name_is_pointed_to(kaggle):
    folder, images, keypoints = kaggle
    for path in list(folder.iterdir()):
        path.unlink()
    write_training(folder / "faces.csv", images, keypoints)
    with pytest.raises(EdgefkpError, match="the column Image holds pixels") as caught:
        open_dataset(folder)
    assert "--data FILE.csv" in caught.value.hint
    assert len(open_dataset(folder / "faces.csv").train) == 8


def test_ones_own_photos_may_have_kaggles_file_names(tmp_path):
    import cv2

    images, keypoints = made_faces(4)
    for number, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    rows = [[f"{number}.png", *face.ravel()] for number, face in enumerate(keypoints)]
    write_csv(tmp_path / "training.csv", ["Image", *KAGGLE15.columns], rows)
    write_csv(tmp_path / "test.csv", ["Image", *KAGGLE15.columns], rows[:1])
    source = open_dataset(tmp_path)
    assert (len(source.train), len(source.test)) == (4, 1)
