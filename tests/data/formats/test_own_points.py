"""Points of one's own: which layout names stand for, what becomes of them in a mirror, and how people name columns."""

import numpy as np
import pytest

from edgefkp.data.face_table import columns_of
from edgefkp.data.formats import open_dataset
from edgefkp.data.own_layout import layout_of, made_again
from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, LAYOUTS
from tests.labeled_photos import photos_with_faces
from tests.made_faces import write_csv

SIX = ("LeftEye", "rightEye", "nose tip", "mouth.left", "mouth.right", "chin")
SHAPE = np.array([(65, 36), (30, 36), (48, 58), (63, 76), (33, 76), (48, 100)], float)


def faces(shape: np.ndarray = SHAPE, count: int = 20) -> np.ndarray:
    random = np.random.default_rng(0)
    scale = random.uniform(0.5, 3, (count, 1, 1))
    return shape * scale + random.uniform(0, 200, (count, 1, 2)) + random.normal(0, 0.5, (count, *shape.shape)) * scale


def test_names_that_stand_for_a_known_layout_in_any_spelling():
    names = [name.upper().replace("_", " ") for name in reversed(KAGGLE15.points)]
    layout, order = layout_of(names, faces(np.array(KAGGLE15.mean_shape) * 90), "here")
    assert layout == KAGGLE15
    assert order == list(range(14, -1, -1))


@pytest.mark.parametrize("name", ["ibug68", "wflw98"])
def test_numbers_stand_for_the_known_layout_of_as_many(name):
    layout = LAYOUTS[name]
    shape = faces(np.array(layout.mean_shape) * 90)
    for begin in ("", "p", "point_"):
        names = [f"{begin}{number}" for number in range(layout.count)]
        assert layout_of(names, shape, "here") == (layout, list(range(layout.count)))


def test_own_names_give_sides_eyes_and_a_crop_as_usual():
    layout, order = layout_of(SIX, faces(), "here", lines=[("LeftEye", "rightEye"), ("LeftEye", "gone")])
    assert (layout.name, layout.points, order) == ("own6", SIX, list(range(6)))
    assert layout.mirror == (1, 0, 2, 4, 3, 5)
    assert layout.nme_pair == (("LeftEye",), ("rightEye",))
    assert layout.lines == (("LeftEye", "rightEye"),)
    shape = np.array(layout.mean_shape)
    mirrored = shape[list(layout.mirror)] * (-1, 1) + (1, 0)
    np.testing.assert_allclose(shape, mirrored, atol=0.02)
    assert ((shape > 0.04) & (shape < 0.96)).all()
    usual = np.array(KAGGLE15.mean_shape)[KAGGLE15.rows("left_eye_center", "right_eye_center")]
    np.testing.assert_allclose(shape[:2] * 1.06, usual * 1.06, atol=0.09)


def test_points_without_sides_mirror_to_where_their_image_lies():
    jaw = np.array([(20, 40), (30, 80), (50, 95), (70, 80), (80, 40)], float)
    layout, _ = layout_of([f"jaw{number}" for number in range(5)], faces(jaw), "here")
    assert layout.mirror == (4, 3, 2, 1, 0)
    assert {layout.nme_pair[0][0], layout.nme_pair[1][0]} == {"jaw0", "jaw4"}


def test_missing_points_do_not_disturb_the_mean_shape():
    whole = faces(count=60)
    holes = whole.copy()
    holes[np.random.default_rng(1).random(holes.shape[:2]) < 0.3] = np.nan
    shapes = [np.array(layout_of(SIX, some, "here")[0].mean_shape) for some in (whole, holes)]
    np.testing.assert_allclose(*shapes, atol=0.01)


def test_names_that_are_nearly_known_are_named(capsys):
    shape = faces(np.array(KAGGLE15.mean_shape) * 90)
    assert layout_of([name.replace("tip", "tp") for name in KAGGLE15.points], shape, "here")[0].count == 15
    assert "has 14 of the 15 points of kaggle15 and lacks nose_tip" in capsys.readouterr().err
    more = np.concatenate([shape, shape[:, 10:11]], 1)
    assert layout_of([*KAGGLE15.points, "gaze"], more, "here")[0].count == 16
    assert "has gaze beside them; correct its name if it is one of these, or leave it out: --layout kaggle15" in (
        capsys.readouterr().err
    )
    layout_of(SIX, faces(), "here")
    assert capsys.readouterr().err == ""


def test_what_is_not_clear_is_refused():
    with pytest.raises(EdgefkpError, match="rightEye has no counterpart"):
        layout_of(SIX[1:], faces(SHAPE[1:]), "here")
    unclear = faces(np.array([(10, 10), (30, 20), (25, 70)], float))
    with pytest.raises(EdgefkpError, match="it is not clear which point a becomes"):
        made_again(layout_of(("a", "b", "c"), unclear, "here")[0], unclear, "here")
    holes = faces()
    holes[:, 2] = np.nan
    with pytest.raises(EdgefkpError, match="no face has the point nose tip"):
        layout_of(SIX, holes, "here")


def test_own_points_of_a_table_are_opened_and_reopened(tmp_path):
    names, points = photos_with_faces(tmp_path / "photos")
    shown = points[:, KAGGLE15.rows("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_top_lip")]
    header = ["image", "x_left_eye", "y_left_eye", "x_right_eye", "y_right_eye", "x_nose", "y_nose", "x_lip", "y_lip"]
    write_csv(tmp_path / "mine.csv", header, [[name, *face.ravel()] for name, face in zip(names, shown, strict=True)])
    source = open_dataset(tmp_path)
    assert source.layout.points == ("left_eye", "right_eye", "nose", "lip")
    assert source.layout.mirror == (1, 0, 2, 3)
    assert open_dataset(tmp_path, layout=source.layout).train.hash == source.train.hash


@pytest.mark.parametrize(
    ("header", "first", "file", "points"),
    [
        (["filename", "a_x", "a_y"], ["1.png", "1", "2"], "filename", ["a"]),
        (["id", "Image_Path", "a.x", "a.y"], ["3", "1.png", "1", "2"], "Image_Path", ["a"]),
        (["", "0", "1", "2", "3"], ["1.jpg", "1", "2", "3", "4"], "", ["1", "2"]),
        (["photo", "x1", "y1", "x2", "y2"], ["1.png"] * 5, "photo", ["1", "2"]),
        (["name", "photo", "EyeX", "EyeY"], ["Ada", "1.png", "1", "2"], "photo", ["Eye"]),
        (["file", "index", "suffix", "a_x", "a_y"], ["1.png", "4", "b", "1", "2"], "file", ["a"]),
        (["file", "bbox_x", "bbox_y", "bbox_w", "bbox_h", "a_x", "a_y"], ["1.png"], "file", ["a"]),
    ],
)
def test_columns_are_known_by_what_people_call_them(header, first, file, points):
    columns = columns_of(header, first)
    assert (columns.file, list(columns.points)) == (file, points)
    assert (columns.box is not None) == any("bbox" in name for name in header)


def test_the_first_line_that_was_read_is_shown(tmp_path):
    (tmp_path / "points.csv").write_text("when,who,score\n1,2,3\n")
    with pytest.raises(EdgefkpError, match="found: when, who, score"):
        open_dataset(tmp_path)
    with pytest.raises(EdgefkpError, match=r"lacks 31 of 31 columns: file.*found: when, who, score"):
        open_dataset(tmp_path, layout=KAGGLE15)


@pytest.mark.parametrize("way", ["semicolon", "decimal comma", "tab", "utf-16", "cr", "capitals", "words"])
def test_a_table_as_spreadsheets_and_programs_write_it(tmp_path, way):
    names, points = photos_with_faces(tmp_path)
    rows = [[name, *face.ravel()] for name, face in zip(names, points, strict=True)]
    write_csv(tmp_path / "points.csv", ["file", *KAGGLE15.columns], rows)
    expected = open_dataset(tmp_path).train.hash
    text = (tmp_path / "points.csv").read_text()
    encoding = "utf-8"
    if way == "semicolon":
        text = text.replace(",", ";")
    elif way == "decimal comma":
        text = "\n".join([text.split("\n")[0].replace(",", ";"), *_decimal_commas(text)])
    elif way == "tab":
        text = text.replace(",", "\t")
    elif way == "utf-16":
        encoding = "utf-16"
    elif way == "cr":
        text = text.replace("\n", "\r")
    elif way == "capitals":
        header = text.split("\n")[0]
        text = text.replace(header, header.upper().replace(",", ", "))
    else:
        text = f"{text}gone.png{',NA' * 10}{',N/A' * 10}{',null' * 10}\n"
        (tmp_path / "points.csv").write_text(text)
        with pytest.raises(EdgefkpError, match=r"no place of a face in 1 of 7 rows: gone\.png"):
            open_dataset(tmp_path)
        return
    (tmp_path / "points.csv").write_bytes(text.encode(encoding))
    assert open_dataset(tmp_path).train.hash == expected


def _decimal_commas(text: str) -> list[str]:
    lines = [line.split(",") for line in text.strip().split("\n")[1:]]
    return [";".join([name, *(number.replace(".", ",") for number in numbers)]) for name, *numbers in lines]
