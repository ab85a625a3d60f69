"""Any bytes in the place of a dataset's file give faces within reach of their images, or an error of two lines."""

import warnings

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefkp.data.formats import open_dataset
from edgefkp.data.kaggle_tables import read_lookup, read_solution
from edgefkp.data.numbers import REACH
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15
from tests.made_faces import made_faces, write_csv, write_test, write_training, zipped
from tests.mutations import damaged, reads_or_refuses, with_strange_cells

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
IMAGES, POINTS = made_faces(3)


class Files(dict[str, bytes]):
    def __repr__(self) -> str:  # hypothesis shows the arguments of a test that failed
        return f"<{', '.join(self)}>"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """name -> the bytes of a whole file of each kind."""
    folder = tmp_path_factory.mktemp("good")
    write_training(folder / "training.csv", IMAGES, POINTS)
    write_test(folder / "test.csv", IMAGES)
    np.savez(folder / "faces.npz", images=IMAGES, keypoints=POINTS, group=np.array([b"a", b"b", b"c"]))
    rows = [[f"{row}.png", *points.ravel()] for row, points in enumerate(POINTS)]
    write_csv(folder / "points.csv", ["file", *KAGGLE15.columns], rows)
    cv2.imwrite(str(folder / "0.png"), IMAGES[0])
    asked = [[n, n, KAGGLE15.columns[n], ""] for n in range(1, 4)]
    write_csv(folder / "IdLookupTable.csv", ["RowId", "ImageId", "FeatureName", "Location"], asked)
    write_csv(folder / "solution.csv", ["RowId", "Location"], [[n, 40.5] for n in range(1, 4)])
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    zipped(folder / "training.csv")
    return Files({**content, "training.zip": (folder / "training.zip").read_bytes()})


def opened(path):
    """The dataset with this file, whose points are all within reach."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an overflow that numpy alone notices
        faces = open_dataset(path).train
    assert not np.isinf(faces.keypoints).any()
    assert np.nanmax(np.abs(faces.keypoints)) <= (REACH + 1) * 96


@pytest.mark.parametrize("name", ["training.csv", "training.zip", "faces.npz"])
@FUZZ
@given(data=st.data())
def test_a_damaged_file_of_faces_is_read_or_refused(good, tmp_path, name, data):
    reads_or_refuses(opened, tmp_path / name, data.draw(damaged(good[name])))


@pytest.mark.parametrize(
    "name", ["training.csv", "test.csv", "points.csv", "IdLookupTable.csv", "solution.csv", "0.png"]
)
@FUZZ
@given(data=st.data())
def test_a_damaged_file_in_a_folder_is_read_or_refused(good, tmp_path, name, data):
    kaggle = name not in ("points.csv", "0.png")
    for other, content in good.items():
        if other.endswith(".csv") and (other != "points.csv") == kaggle:
            (tmp_path / other).write_bytes(content)
    for row in range(0 if kaggle else 3):
        (tmp_path / f"{row}.png").write_bytes(good["0.png"])
    strange = with_strange_cells(good[name]) if name.endswith(".csv") else st.nothing()
    content = data.draw(damaged(good[name]) | strange)
    reads_or_refuses(lambda path: opened(path.parent), tmp_path / name, content)


@pytest.mark.parametrize(
    "read", [lambda path: read_lookup(path, np.arange(1, 4)), lambda path: read_solution(path, np.array([[0, 1]]), 1)]
)
@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"RowId,ImageId,FeatureName,Location\n1_0,1,nose_tip_x,\n", b"RowId,Location\n1,1e39\n"]
)
def test_tables_with_strange_numbers_are_refused(tmp_path, read, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(EdgefkpError):
        read(tmp_path / "table.csv")


@pytest.mark.parametrize("value", ["1e39", "-1e30", "1_0", "2000"])
def test_a_coordinate_that_no_image_has_is_named(good, tmp_path, value):
    lines = good["training.csv"].splitlines()
    lines[2] = value.encode() + b"," + lines[2].split(b",", 1)[1]
    (tmp_path / "training.csv").write_bytes(b"\n".join(lines))
    with pytest.raises(EdgefkpError, match=r"row 2.*left_eye_center_x is") as caught:
        open_dataset(tmp_path / "training.csv")
    assert caught.value.hint


@pytest.mark.parametrize("value", [np.float64(1e39), np.float32(1e30), np.float32(-2000)])
def test_a_point_of_an_npz_that_no_image_has_is_named(tmp_path, value):
    points = POINTS.astype(np.float64)
    points[1, 10, 1] = value
    np.savez(tmp_path / "faces.npz", images=IMAGES, keypoints=points, group=np.array(["a", "b", "c"]))
    with pytest.raises(EdgefkpError, match=r"train row 2 \(1\): nose_tip_y is .*, more than 10 sides from its image"):
        opened(tmp_path / "faces.npz")


def test_an_unfinished_table_is_not_the_folders(good, tmp_path):
    for row in range(3):
        (tmp_path / f"{row}.png").write_bytes(good["0.png"])
    (tmp_path / "points.csv").write_bytes(good["points.csv"])
    (tmp_path / ".points-1234.csv").write_bytes(b"")
    assert len(open_dataset(tmp_path).train) == 3


def test_names_that_are_not_utf8_are_found(good, tmp_path):
    table = good["points.csv"].replace(b"1.png", b"caf\xe9.png")
    (tmp_path / "points.csv").write_bytes(table)
    for name in (b"0.png", b"caf\xe9.png", b"2.png"):
        (tmp_path / name.decode(errors="surrogateescape")).write_bytes(good["0.png"])
    assert list(open_dataset(tmp_path).train.ids)[1].encode(errors="surrogateescape") == b"caf\xe9.png"


def test_a_name_that_is_too_long_is_listed_as_missing(good, tmp_path):
    (tmp_path / "points.csv").write_bytes(good["points.csv"].replace(b"1.png", b"x" * 300 + b".png"))
    for row in range(3):
        (tmp_path / f"{row}.png").write_bytes(good["0.png"])
    with pytest.raises(EdgefkpError, match="1 of 3 images"):
        open_dataset(tmp_path)
