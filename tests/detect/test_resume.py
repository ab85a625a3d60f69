"""What an earlier run of predict did counts only for the same content and the same settings."""

import csv
import json
import os
import shutil
import threading

import numpy as np
import pytest

from edgefkp.data.pose import Pose, pose_of
from edgefkp.detect import finders
from edgefkp.detect.growing import GrowingFile, Ledger
from edgefkp.detect.points_table import PointsWriter, first_fields, shown
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15
from tests.discs import TINY


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        write(folder / f"{number}.jpg", number)
    return folder


def write(path, seed):
    import cv2

    _, content = cv2.imencode(path.suffix, np.random.default_rng(seed).integers(0, 255, (60, 70, 3), np.uint8))
    path.write_bytes(content.tobytes())


def run(photos, out=None, workers=1, **changes):
    settings = {"model": str(TINY), "finder": "whole-image", "overlays": False, **changes}
    own = PredictSettings(out or photos.parent / "out", **settings)
    return predict(find_items([photos], own.out), own, workers)


def rows(photos):
    with open(photos.parent / "out" / "points.csv", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def test_another_image_of_the_same_name_is_predicted_again(photos):
    run(photos)
    before = rows(photos)
    write(photos / "1.jpg", 9)
    result = run(photos)
    assert (result.images, result.earlier) == (1, 3)
    after = rows(photos)
    assert after.keys() == before.keys()
    assert [name for name in before if before[name] != after[name]] == ["1.jpg"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": str(TINY.with_name("tiny.int8.tflite"))}, "model was"),
        ({"finder": finders.DEFAULT}, "finder was"),
        ({"min_face": 0.2}, "min face was"),
        ({"max_faces": 1}, 'faces was "all" and is 1'),
        ({"table": "json"}, "format was"),
        ({"overlays": True}, "overlays was"),
    ],
)
def test_other_settings_are_refused_and_change_nothing(photos, changes, named):
    run(photos)
    out = photos.parent / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(EdgefkpError, match=named) as caught:
        run(photos, **changes)
    assert "--out" in caught.value.hint
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_finders_file_counts_with_its_content(photos, tmp_path):
    file = tmp_path / "finder.onnx"
    file.write_bytes(b"one")
    own = PredictSettings(tmp_path / "out", str(TINY), f"yunet:{file}")
    detector = PredictSettings(tmp_path / "out", str(TINY), "whole-image").detector()
    before = own.identity(detector)
    file.write_bytes(b"two")
    assert own.identity(detector) != before


def test_an_overlay_that_was_deleted_is_made_again(photos):
    run(photos, overlays=True)
    overlay = photos.parent / "out" / "faces" / "2.jpg"
    overlay.unlink()
    result = run(photos, overlays=True)
    assert (result.images, result.earlier) == (1, 3)
    assert overlay.exists()


def test_another_video_of_the_same_name_is_tracked_again(tmp_path, model, video):
    copy = tmp_path / "clip.mp4"
    shutil.copy(video, copy)
    own = PredictSettings(tmp_path / "out", str(model), overlays=False)
    predict(find_items([copy], own.out), own)
    assert predict(find_items([copy], own.out), own).earlier == 1
    copy.write_bytes(video.read_bytes() + b"\0")
    assert predict(find_items([copy], own.out), own).videos == 1


@pytest.mark.parametrize("name", ["points.csv", "points.jsonl", "predict.jsonl", "faces/own.jpg"])
@pytest.mark.parametrize("content", [b"my own", b"my,own,points\n1,2,3\n"])
def test_a_file_of_the_users_own_is_never_overwritten(photos, name, content):
    own = photos.parent / "out" / name
    own.parent.mkdir(parents=True)
    own.write_bytes(content)
    for _ in range(2):
        with pytest.raises(EdgefkpError, match=r"that edgefkp predict wrote|was not written by") as caught:
            run(photos, table="json" if name.endswith("jsonl") else "csv")
        assert "--out" in caught.value.hint
    assert own.read_bytes() == content
    assert [path.name for path in own.parent.iterdir()] == [own.name]


def test_a_video_table_of_the_users_own_is_never_overwritten(tmp_path, model, video):
    own = PredictSettings(tmp_path / "out", str(model), overlays=False)
    own.out.mkdir()
    table = own.out / "astronaut.mp4.csv"
    table.write_text("my,own\n")
    with pytest.raises(EdgefkpError, match="is not a table"):
        predict(find_items([video], own.out), own)
    assert table.read_text() == "my,own\n"


def test_an_image_is_not_overwritten_by_its_own_overlay(tmp_path):
    (tmp_path / "faces").mkdir()
    write(tmp_path / "faces" / "0.jpg", 0)
    with pytest.raises(UsageError, match="would be overwritten"):
        find_items([tmp_path / "faces" / "0.jpg"], tmp_path)


def test_two_runs_at_once_do_not_write_into_one_folder(photos):
    out = photos.parent / "out"
    with Ledger(out, {}), pytest.raises(EdgefkpError, match="another edgefkp predict is writing"):
        run(photos)
    assert run(photos, out.with_name("other")).images == 4


def test_a_folder_that_is_deleted_meanwhile_is_an_error_and_the_next_run_is_whole(photos):
    out = photos.parent / "out"
    own = PredictSettings(out, str(TINY), "whole-image")
    items = find_items([photos], out)

    def delete(item):
        while item.name == "1.jpg" and out.exists():  # the worker draws the next image meanwhile
            shutil.rmtree(out, ignore_errors=True)

    with pytest.raises(EdgefkpError, match="was deleted while") as caught:
        predict(items, own, done=delete)
    assert "same command" in caught.value.hint
    assert predict(items, own).images == 4
    assert len(rows(photos)) == 4


def test_a_piece_that_does_not_fit_on_the_disk_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    file = GrowingFile(path)
    file.append("whole\n")

    class Full:
        def __init__(self, stream):
            self.stream, self.room = stream, 3

        def write(self, content):
            if not self.room:
                raise OSError(28, "No space left on device")
            self.room, count = 0, self.room
            return self.stream.write(content[:count])

        def __getattr__(self, name):
            return getattr(self.stream, name)

    monkeypatch.setattr(file, "_stream", Full(file._stream))
    with pytest.raises(EdgefkpError, match="No space left"):
        file.append("another\n")
    assert path.read_text() == "whole\n"


@pytest.mark.parametrize("tail", [b'{"file": "3', b'{"fi', b"3.jpg,1,", b"\0\0\0"])
def test_a_torn_last_row_is_dropped(photos, tail):
    kind = "json" if tail.startswith(b"{") else "csv"
    run(photos, table=kind)
    path = photos.parent / "out" / ("points.jsonl" if kind == "json" else "points.csv")
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert run(photos, table=kind).images == 0
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"1,2,3\n", b"\n", b'{"file": 3}\n', b"[]\n", b"[" * 10_000 + b"\n"])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_row_of_something_else_is_refused(photos, kind, line):
    if (kind, line) == ("csv", b"1,2,3\n"):
        line = b"1,a,b\n"
    run(photos, table=kind)
    path = photos.parent / "out" / ("points.jsonl" if kind == "json" else "points.csv")
    changed = path.read_bytes() + line
    path.write_bytes(changed)
    with pytest.raises(EdgefkpError, match="is not a table that edgefkp predict wrote"):
        run(photos, table=kind)
    assert path.read_bytes() == changed


def test_rows_of_changed_images_are_dropped_wherever_they_stand(tmp_path):
    with PointsWriter(tmp_path, "csv", KAGGLE15) as table:
        for name in "abcd":
            table.write(name, [])
    with PointsWriter(tmp_path, "csv", KAGGLE15, keep={"b", "d"}.__contains__) as table:
        assert table.done == {"b", "d"}
        table.write("a", [])
    with open(tmp_path / "points.csv", newline="") as stream:
        assert [row["file"] for row in csv.DictReader(stream)] == ["b", "d", "a"]


@pytest.mark.parametrize("table", ["csv", "json"])
@pytest.mark.parametrize("overlays", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_name_that_is_not_utf8_is_an_image_as_any_other(photos, table, overlays, workers):
    shutil.copy(photos / "0.jpg", os.path.join(os.fsencode(photos), b"caf\xe9.jpg"))
    result = run(photos, table=table, overlays=overlays, workers=workers)
    assert (result.images, result.skipped) == (5, {})
    out = photos.parent / "out"
    with open(out / ("points.csv" if table == "csv" else "points.jsonl"), newline="", encoding="utf-8") as stream:
        read = [json.loads(line) for line in stream] if table == "json" else list(csv.DictReader(stream))
    assert r"caf\udce9.jpg" in {row["file"] for row in read}
    assert os.path.exists(os.path.join(os.fsencode(out), b"faces", b"caf\xe9.jpg")) == overlays
    assert run(photos, table=table, overlays=overlays).earlier == 5


def test_a_video_whose_name_is_not_utf8_is_read_and_drawn(tmp_path, model, video):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(video, path)
    own = PredictSettings(tmp_path / "out", str(model))
    result = predict(find_items([path], own.out), own)
    assert (result.videos, result.skipped) == (1, {})
    assert (own.out / "faces" / path.name).stat().st_size > 0


def test_a_name_that_is_too_long_is_named_and_the_rest_goes_on(photos):
    shutil.copy(photos / "0.jpg", photos / ("x" * 251 + ".pgm"))  # its overlay would be called .pgm.png
    result = run(photos, overlays=True)
    assert result.images == 4
    assert list(result.skipped.values()) == [
        "its name is too long for an overlay beside it; --no-overlays leaves that out"
    ]
    with pytest.raises(UsageError, match="no file or folder"):
        find_items([photos / ("y" * 300 + ".jpg")], photos.parent / "out")


def test_names_are_shown_as_one_line_and_never_as_a_formula():
    assert shown("ärger ☺.jpg") == "ärger ☺.jpg"
    assert shown("two\nlines\x1b[31m.jpg") == r"two\nlines\x1b[31m.jpg"
    assert shown("=cmd.jpg") == "./=cmd.jpg"


def test_a_pipe_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match="neither an image nor a video"):
        find_items([tmp_path / "a.jpg"], tmp_path / "out")


def test_ctrl_c_leaves_a_table_that_the_next_run_completes(photos):
    run(photos, photos.parent / "whole")
    own = PredictSettings(photos.parent / "out", str(TINY), "whole-image", overlays=False)
    items = find_items([photos], own.out)

    def interrupt(item):
        if item.name == "2.jpg":
            raise KeyboardInterrupt

    for workers in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            predict(items, own, workers, interrupt)
        assert predict(items, own).images == 1
        assert (own.out / "points.csv").read_bytes() == (photos.parent / "whole" / "points.csv").read_bytes()
        shutil.rmtree(own.out)
    assert not [thread for thread in threading.enumerate() if thread.name == "edgefkp-predict"]


def test_the_ledger_goes_on_after_a_torn_line(tmp_path):
    with Ledger(tmp_path, {"faces": 1}) as ledger:
        ledger.add("a.jpg", "1" * 64)
    with open(tmp_path / Ledger.NAME, "a") as stream:
        stream.write('{"file": "b.j')
    with Ledger(tmp_path, {"faces": 1}) as ledger:
        assert ledger.hashes == {"a.jpg": "1" * 64}
        ledger.add("b.jpg", "2" * 64)
    lines = (tmp_path / Ledger.NAME).read_text().splitlines()
    assert [json.loads(line).get("file") for line in lines] == [None, "a.jpg", "b.jpg"]


def test_a_table_that_was_begun_before_there_was_a_pose_is_continued_as_it_is(photos):
    run(photos)
    path = photos.parent / "out" / "points.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[0].endswith(b",turn,tilt,nod\r\n")
    path.write_bytes(b"".join(line.rsplit(b",", 3)[0] + b"\r\n" for line in lines))
    older = path.read_bytes()
    write(photos / "1.jpg", 9)
    assert run(photos).images == 1
    after = rows(photos)
    assert {name for row in after.values() for name in row} == {"file", *first_fields(KAGGLE15)}
    for row in after.values():
        assert all(row[column] for column in KAGGLE15.columns)
    write(photos / "1.jpg", 1)
    run(photos)
    assert sorted(path.read_bytes().splitlines()) == sorted(older.splitlines())


def test_the_pose_is_that_of_the_points_in_the_row(photos):
    run(photos)
    for row in rows(photos).values():
        points = np.array([float(row[column]) for column in KAGGLE15.columns]).reshape(15, 2)
        assert [float(row[name]) for name in Pose._fields] == pytest.approx(pose_of(points, KAGGLE15), abs=0.2)
