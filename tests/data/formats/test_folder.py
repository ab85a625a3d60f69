"""A folder of pictures: each crop and its points come from the same place of the picture."""

import shutil

import cv2
import numpy as np
import pytest

from edgefkp.data.cutting import FARTHEST, POSITION_SCATTER, SCALE_SCATTER, scattered
from edgefkp.data.faces import SOURCE_SIDE
from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, box_of_keypoints
from edgefkp.layout import KAGGLE15
from tests.made_faces import write_csv


@pytest.fixture
def folder(tmp_path):
    """12 color images, a face of other size and place in each, bright dots where its eyes are."""
    (tmp_path / "pictures").mkdir()
    random = np.random.default_rng(1)
    rows = []
    for number in range(12):
        side = random.uniform(60, 350)
        middle = random.uniform(side / 2, 500 - side / 2, 2)
        points = (KAGGLE15.mean_points() - 47.5) * side / 96 + middle
        picture = random.integers(0, 60, (500, 500, 3), dtype=np.uint8)
        for x, y in points[:2]:
            cv2.circle(picture, (round(float(x)), round(float(y))), round(side / 40), (255, 255, 255), -1)
        cv2.imwrite(str(tmp_path / f"pictures/{number}.png"), picture)
        rows.append([f"pictures/{number}.png", f"p{number // 2}", *points.ravel().round(2)])
    write_csv(tmp_path / "points.csv", ["file", "person", *KAGGLE15.columns], rows)
    return tmp_path


def test_points_sit_on_the_dots_of_every_crop_face(folder):
    faces = open_dataset(folder).train
    assert len(faces) == 12
    for image, points in zip(faces.images, faces.keypoints, strict=True):
        for x, y in points[:2].round().astype(int):
            assert image[y - 1 : y + 2, x - 1 : x + 2].mean() > 150
    assert faces.images.mean() < 60


def test_persons_stay_in_one_part(folder):
    parts = split(open_dataset(folder))
    groups = [set(part.groups) for part in (parts.train, parts.validation, parts.test)]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 6


def test_without_persons_there_is_a_warning(folder, capsys):
    text = (folder / "points.csv").read_text()
    (folder / "points.csv").write_text(text.replace("file,person", "file,mood"))
    source = open_dataset(folder)
    assert not source.persons_known
    assert "warning:" in capsys.readouterr().err


def test_crops_do_not_depend_on_the_other_rows(folder):
    before = open_dataset(folder).train
    lines = (folder / "points.csv").read_text().splitlines()
    (folder / "points.csv").write_text("\n".join([lines[0], lines[5], lines[2]]) + "\n")
    assert (open_dataset(folder).train.images == before.images[[4, 1]]).all()


def test_scatter_has_the_stated_spread_and_no_outliers():
    boxes = [scattered(Box(100, 200, 96), f"{n}.jpg") for n in range(4000)]
    x, y, side, _ = np.array(boxes).T
    for values, spread in (
        (x - 100, POSITION_SCATTER),
        (y - 200, POSITION_SCATTER),
        (np.log(side / 96), SCALE_SCATTER),
    ):
        assert abs(values.mean()) < 0.1 * spread
        assert 0.9 < values.std() / spread < 1.05
        assert np.abs(values).max() <= FARTHEST * spread * 1.0001
    assert scattered(Box(1, 2, 3), "a") == scattered(Box(1, 2, 3), "a") != scattered(Box(1, 2, 3), "b")


def test_scatter_is_in_units_of_the_face():
    small, large = scattered(Box(0, 0, 96), "a"), scattered(Box(0, 0, 960), "a")
    assert np.allclose(np.array(large), 10 * np.array(small))


def test_every_unreadable_picture_is_listed(folder):
    (folder / "pictures/3.png").write_bytes(b"no picture")
    (folder / "pictures/5.png").write_bytes(b"")
    (folder / "pictures/7.png").unlink()
    with pytest.raises(EdgefkpError, match=r"3 of 12 images") as caught:
        open_dataset(folder)
    assert all(f"pictures/{n}.png" in caught.value.message for n in (3, 5, 7))


def test_damaged_tables(folder):
    whole = (folder / "points.csv").read_text()
    header, first = whole.split("\n")[:2]
    for text, message in (
        ("", "names no column of photos or no points; found: nothing"),
        (header + "\n", "no rows"),
        (whole.replace("nose_tip_x", "nose"), "has the column nose_tip_y and lacks nose_tip_x; found: file"),
        (whole + first + "\n", "twice"),
        (whole.replace(first.split(",")[2], "left", 1), "line 2: left_eye_center_x is 'left'"),
        (whole.replace(first.split(",")[2], "inf", 1), "line 2: left_eye_center_x is 'inf'"),
        (f"{header}\npictures/1.png,p{',' * 30}\n", "no place of a face in 1 of 1 row: pictures/1.png"),
        (
            f"{header}\npictures/1.png,p{',7' * 30}\n",
            "1 of 1 faces have all their points in one place, first in line 2",
        ),
    ):
        (folder / "points.csv").write_text(text)
        with pytest.raises(EdgefkpError, match=message):
            open_dataset(folder)


def test_one_csv_is_needed(folder):
    shutil.copyfile(folder / "points.csv", folder / "more.csv")
    with pytest.raises(EdgefkpError, match=r"2 CSV files of points \(more\.csv, points\.csv\)"):
        open_dataset(folder)
    assert len(open_dataset(folder / "more.csv").train) == 12
    (folder / "more.csv").write_text("file,mood\n1.png,good\n")
    assert len(open_dataset(folder).train) == 12
    (folder / "more.csv").unlink()
    (folder / "points.csv").unlink()
    with pytest.raises(EdgefkpError, match="no labels of a form that is known"):
        open_dataset(folder)
    (folder / "points.csv.gz").write_bytes(b"")
    with pytest.raises(EdgefkpError, match=r"found: points\.csv\.gz") as found:
        open_dataset(folder)
    assert found.value.hint.startswith("unpack points.csv.gz")
    (folder / "notes.txt").write_text("")
    with pytest.raises(EdgefkpError, match="no form that is known"):
        open_dataset(folder / "notes.txt")


def test_the_box_of_a_crop_is_the_box_of_its_points(folder):
    faces = open_dataset(folder).train
    for name, points in zip(faces.ids, faces.keypoints, strict=True):
        expected = scattered(Box(47.5, 47.5, 96), str(name))
        box = box_of_keypoints(points, KAGGLE15)
        assert abs(box.side - 96 * 96 / expected.side) < 0.1


def test_further_columns_of_the_table_are_attributes_of_the_faces(folder):
    lines = (folder / "points.csv").read_text().splitlines()
    cells = [("yes", "hand") if number % 2 else ("", "automatic") for number in range(12)]
    words = ["glasses,placed,ear_x,ear_y", *[f"{glasses},{placed},1,2" for glasses, placed in cells]]
    (folder / "points.csv").write_text("\n".join(f"{line},{word}" for line, word in zip(lines, words, strict=True)))
    faces = open_dataset(folder, layout=KAGGLE15).train
    assert set(faces.attributes) == {"glasses", "placed", SOURCE_SIDE}
    assert faces.attributes["glasses"].tolist() == ["", "yes"] * 6
    assert faces.attributes["placed"].tolist() == ["automatic", "hand"] * 6  # it says what the labels are, besides
    assert ((faces.label_src == 1).all(1) == (faces.attributes["placed"] == "hand")).all()
    sides = faces.attributes[SOURCE_SIDE]
    assert (sides > 55).all()
    assert (sides < 355).all()
