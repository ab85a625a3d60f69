import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.detect.points_table import PointsWriter, face_fields, rows_of
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, LAYOUTS
from tests.discs import TINY


@pytest.fixture
def images(tmp_path):
    """Six images, one of them in a subfolder and one gray, and two files that are none."""
    import cv2

    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.jpg"), random.integers(0, 255, (60 + number, 70, 3), np.uint8))
    cv2.imwrite(str(folder / "sub" / "0.jpg"), random.integers(0, 255, (50, 50, 3), np.uint8))
    cv2.imwrite(str(folder / "gray.pgm"), random.integers(0, 255, (50, 50), np.uint8))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("x")
    return folder


def settings(tmp_path, **changes):
    return PredictSettings(tmp_path / "out", str(TINY), "whole-image", **changes)


def run(tmp_path, images, **changes):
    own = settings(tmp_path, **changes)
    return predict(find_items([images], own.out), own)


def rows(tmp_path):
    with open(tmp_path / "out" / "points.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_other_points_are_written_where_they_follow_from_the_models(tmp_path, images):
    run(tmp_path, images)
    own = {row["file"]: row for row in rows(tmp_path)}
    five = PredictSettings(tmp_path / "five", str(TINY), "whole-image", layout=LAYOUTS["five"])
    predict(find_items([images], five.out), five, workers=2)
    with open(five.out / "points.csv", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert len(table) == len(own)
    for row in table:
        assert [column for column in row if column.endswith("_corner_x")] == [
            "mouth_right_corner_x",
            "mouth_left_corner_x",
        ]
        assert all(row[column] == own[row["file"]][column] for column in LAYOUTS["five"].columns)
    more = PredictSettings(tmp_path / "more", str(TINY), "whole-image", layout=LAYOUTS["ibug68"])
    with pytest.raises(EdgefkpError, match="the points of ibug68 do not follow from the 15 points"):
        predict(find_items([images], more.out), more)
    assert not more.out.exists()


def test_every_image_has_its_row_and_its_overlay(tmp_path, images):
    result = run(tmp_path, images)
    assert (result.images, result.faces, result.earlier) == (6, 6, 0)
    assert sorted(result.skipped) == ["broken.jpg", "empty.png"]
    table = rows(tmp_path)
    assert sorted(row["file"] for row in table) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "gray.pgm", "sub/0.jpg"]
    assert all(np.isfinite(float(row[column])) for row in table for column in KAGGLE15.columns)
    faces = tmp_path / "out" / "faces"
    assert sorted(path.relative_to(faces).as_posix() for path in faces.rglob("*.*")) == [
        "0.jpg", "1.jpg", "2.jpg", "3.jpg", "gray.pgm.png", "sub/0.jpg",
    ]  # fmt: skip


def test_a_second_run_has_only_the_broken_ones_left(tmp_path, images):
    run(tmp_path, images)
    before = (tmp_path / "out" / "points.csv").read_bytes()
    result = run(tmp_path, images)
    assert (result.images, result.earlier) == (0, 6)
    assert len(result.skipped) == 2
    assert (tmp_path / "out" / "points.csv").read_bytes() == before


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_run_that_was_killed_anywhere_goes_on_to_the_same_table(tmp_path, images, kind):
    run(tmp_path, images, table=kind, overlays=False)
    path = tmp_path / "out" / ("points.csv" if kind == "csv" else "points.jsonl")
    whole = path.read_bytes()
    header = len(whole.split(b"\n")[0]) + 1 if kind == "csv" else 0
    for cut in np.linspace(header, len(whole), 9).astype(int):
        path.write_bytes(whole[:cut])
        run(tmp_path, images, table=kind, overlays=False)
        assert path.read_bytes() == whole


def test_a_image_with_several_faces_counts_when_all_are_there(tmp_path):
    from edgefkp.detect.detector import Face
    from edgefkp.geometry import Box

    faces = [Face(Box(1, 2, 3), 0.5, np.zeros((15, 2), np.float32), KAGGLE15)] * 3
    with PointsWriter(tmp_path, "csv", KAGGLE15) as table:
        table.write("a.jpg", [])
        table.write("b.jpg", rows_of(faces))
    path = tmp_path / "points.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 5
    path.write_bytes(b"".join(lines[:-1]))
    with PointsWriter(tmp_path, "csv", KAGGLE15) as table:
        assert table.done == {"a.jpg"}
    assert path.read_bytes() == b"".join(lines[:2])


def test_workers_write_the_same_table(tmp_path, images):
    run(tmp_path, images, overlays=False)
    alone = (tmp_path / "out" / "points.csv").read_bytes()
    (tmp_path / "out" / "points.csv").unlink()
    own = settings(tmp_path, overlays=False)
    predict(find_items([images], own.out), own, workers=2)
    assert (tmp_path / "out" / "points.csv").read_bytes() == alone


def test_names_with_commas_quotes_and_other_letters(tmp_path):
    names = ["a,b.jpg", 'say "hi".jpg', "ärger ☺.jpg"]
    with PointsWriter(tmp_path, "csv", KAGGLE15) as table:
        for name in names:
            table.write(name, [])
    with PointsWriter(tmp_path, "csv", KAGGLE15) as table:
        assert table.done == set(names)


def test_what_was_written_is_no_input(tmp_path, images):
    own = PredictSettings(images / "predicted", str(TINY), "whole-image")
    first = find_items([images], own.out)
    predict(first, own)
    assert find_items([images], own.out) == first


def test_hidden_and_unfinished_files_are_no_input(tmp_path, images):
    before = find_items([images], tmp_path / "out")
    for name in (".0-x1y2.jpg", ".trash/1.jpg"):
        (images / name).parent.mkdir(exist_ok=True)
        (images / name).write_bytes((images / "0.jpg").read_bytes())
    assert find_items([images], tmp_path / "out") == before


def test_wrong_paths_are_usage_errors(tmp_path, images):
    out = tmp_path / "out"
    for paths, found in [
        ([tmp_path / "nothing"], "no file or folder"),
        ([images / "notes.txt"], "neither an image nor a video"),
        ([Path("rtsp://somewhere/x")], "an address is no file"),
    ]:
        with pytest.raises(UsageError, match=found):
            find_items(paths, out)


def test_the_exit_code_shows_that_files_were_skipped(tmp_path, images):
    arguments = ["predict", str(images), "--out", str(tmp_path / "out"), "--model", str(TINY)]
    arguments += ["--finder", "whole-image", "--json"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.return_value == 1
    printed = json.loads(result.stdout)
    assert set(printed["skipped"]) == {"broken.jpg", "empty.png"}
    for name in printed["skipped"]:
        (images / name).unlink()
    assert CliRunner().invoke(cli, arguments, standalone_mode=False).return_value == 0


def test_a_table_of_something_else_is_left_alone(tmp_path, images):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "points.csv").write_text("my,own,points\n1,2,3\n")
    with pytest.raises(Exception, match="is not a table that edgefkp predict wrote"):
        run(tmp_path, images)
    assert (tmp_path / "out" / "points.csv").read_text() == "my,own,points\n1,2,3\n"


def test_a_video_gets_a_row_for_each_frame(tmp_path, model, video):
    own = PredictSettings(tmp_path / "out", str(model))
    result = predict(find_items([video], own.out), own)
    assert (result.videos, result.faces) == (1, 60)
    with open(tmp_path / "out" / "astronaut.mp4.csv", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [int(row["frame"]) for row in table] == list(range(60))
    assert list(table[0])[2:] == list(face_fields(KAGGLE15, deviation=True))
    import cv2

    overlay = cv2.VideoCapture(str(tmp_path / "out" / "faces" / "astronaut.mp4"))
    assert overlay.get(cv2.CAP_PROP_FRAME_COUNT) == 60
    assert predict(find_items([video], own.out), own).earlier == 1
