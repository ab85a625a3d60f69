"""Kaggle's form: what is read is what was written, and every kind of damage is named."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgefkp.data.formats import open_dataset
from edgefkp.data.kaggle_csv import read_test, read_training
from edgefkp.data.kaggle_tables import read_solution, write_submission
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir
from edgefkp.layout import KAGGLE15
from tests.made_faces import made_faces, write_csv, write_test, write_training, zipped

LFW = Path(os.environ.get("EDGEFKP_LFW") or Path(__file__).parents[4] / "shared/data/lfw-kaggle")


@pytest.fixture
def folder(tmp_path):
    """12 training faces of 6 persons, 4 test faces, a lookup of some of their coordinates, and the answers."""
    images, keypoints = made_faces(16)
    partly = keypoints[:12].copy()
    partly[3:9, 2:10] = np.nan
    write_training(tmp_path / "training.csv", images[:12], partly)
    write_test(tmp_path / "test.csv", images[12:])
    asked = [(face, k) for face in range(4) for k in range(30) if face % 2 == 0 or k < 8]
    rows = [[n, face + 1, KAGGLE15.columns[k], ""] for n, (face, k) in enumerate(asked, 1)]
    write_csv(tmp_path / "IdLookupTable.csv", ["RowId", "ImageId", "FeatureName", "Location"], rows)
    answers = [[n, keypoints[12 + face].ravel()[k]] for n, (face, k) in enumerate(asked, 1)]
    write_csv(tmp_path / "solution.csv", ["RowId", "Location"], answers)
    np.savez(
        tmp_path / "full_labels.npz",
        train_keypoints=keypoints[:12],
        train_group=np.array([f"p{row // 2}" for row in range(12)]),
        train_filename=np.array([f"{row}.jpg" for row in range(12)]),
        train_label_src=np.ones((12, 15), np.uint8),
        test_keypoints=keypoints[12:],
        test_group=np.array(["q0", "q0", "q1", "q1"]),
        test_filename=np.array([f"t{row}.jpg" for row in range(4)]),
        test_label_src=np.full((4, 15), 2, np.uint8),
    )
    return tmp_path


def test_reads_what_was_written(folder):
    images, keypoints = made_faces(16)
    source = open_dataset(folder)
    assert (source.train.images == images[:12]).all()
    assert (source.test.images == images[12:]).all()
    assert np.isnan(source.train.keypoints[3:9, 2:10]).all()
    assert np.nanmax(np.abs(source.train.keypoints - keypoints[:12])) < 1e-3
    assert list(source.train.complete) == [row not in range(3, 9) for row in range(12)]
    assert source.persons_known
    assert list(source.train.groups[:4]) == ["p0", "p0", "p1", "p1"]
    assert source.train.ids[5] == "5.jpg"
    assert (source.test.label_src == 2).all()


def test_full_labels_only_when_asked(folder):
    assert not open_dataset(folder).train.complete.all()
    assert open_dataset(folder, labels="full").train.complete.all()
    (folder / "full_labels.npz").unlink()
    with pytest.raises(EdgefkpError, match=r"full_labels\.npz does not exist"):
        open_dataset(folder, labels="full")


def test_test_truth_comes_from_full_labels_else_solution_else_nothing(folder, capsys):
    assert open_dataset(folder).test.complete.all()
    (folder / "full_labels.npz").unlink()
    source = open_dataset(folder)
    assert "near-duplicates count as one person" in capsys.readouterr().err
    assert not source.persons_known
    assert list(source.test.complete) == [True, False, True, False]
    assert list((~np.isnan(source.test.keypoints)).sum((1, 2))) == [30, 8, 30, 8]
    (folder / "solution.csv").unlink()
    assert not open_dataset(folder).test.labeled.any()


def test_zip_and_bare_csv_are_the_same_faces(folder):
    bare = open_dataset(folder)
    zipped(folder / "training.csv")
    zipped(folder / "test.csv")
    packed = open_dataset(folder)
    assert packed.train.hash == bare.train.hash
    assert packed.test.hash == bare.test.hash


def test_a_file_alone_is_its_training_faces(folder):
    source = open_dataset(folder / "training.csv")
    assert len(source.train) == 12
    assert source.test is None
    assert source.persons_known


def test_persons_stay_in_one_part(folder):
    parts = split(open_dataset(folder))
    assert not set(parts.train.groups) & set(parts.validation.groups)
    assert len(parts.train) + len(parts.validation) == 12


def test_submission_read_back_is_the_clipped_prediction(folder, tmp_path):
    source = open_dataset(folder)
    predicted = source.test.keypoints + np.float32(0.25)
    predicted[0, 0] = (-7, 120)
    path = write_submission(tmp_path / "out" / "submission.csv", source.lookup, predicted)
    lines = path.read_text().splitlines()
    assert lines[:3] == ["RowId,Location", "1,0", "2,96"]
    assert len(lines) == 1 + len(source.lookup)
    back = read_solution(path, source.lookup, len(source.test))
    asked = ~np.isnan(back)
    assert asked.sum() == len(source.lookup)
    assert np.allclose(back[asked], np.clip(predicted, 0, 96)[asked], atol=1e-3)


def test_submission_refuses_what_is_no_number(folder, tmp_path):
    source = open_dataset(folder)
    predicted = source.test.keypoints.copy()
    predicted[0, 0, 0] = np.nan
    with pytest.raises(EdgefkpError, match="1 of 76"):
        write_submission(tmp_path / "submission.csv", source.lookup, predicted)
    assert not (tmp_path / "submission.csv").exists()


def test_the_cache_is_used_and_a_broken_one_is_made_again(folder):
    first = open_dataset(folder).train.hash
    stores = sorted((cache_dir() / "data").iterdir())
    assert len(stores) == 2
    with np.load(stores[1]) as stored:
        altered = {name: stored[name] for name in stored.files}
    altered["images"] = 255 - altered["images"]
    np.savez(stores[1], **altered)
    assert open_dataset(folder).train.hash != first, "the cache was not read"
    for damage in (b"", stores[1].read_bytes()[:-3000], b"PK\x03\x04" + bytes(5000)):
        stores[1].write_bytes(damage)
        assert open_dataset(folder).train.hash == first
    content = bytearray(stores[1].read_bytes())
    content[len(content) // 2] ^= 255
    stores[1].write_bytes(content)
    assert open_dataset(folder).train.hash == first


def test_other_content_is_not_taken_from_the_cache(folder):
    before = open_dataset(folder).train
    write_training(folder / "training.csv", 255 - before.images, before.keypoints)
    assert (open_dataset(folder).train.images == 255 - before.images).all()


def test_a_cache_that_cannot_be_written_costs_nothing(folder, monkeypatch, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("EDGEFKP_CACHE", str(blocked))
    assert len(open_dataset(folder).train) == 12


def _cell(text, line, column, value):
    lines = text.split("\n")
    cells = lines[line].split(",")
    cells[column] = value
    lines[line] = ",".join(cells)
    return "\n".join(lines)


def _pixel(text, line, pixel, value):
    words = text.split("\n")[line].split(",")[-1].split()
    words[pixel : pixel + 1] = value
    return _cell(text, line, -1, " ".join(words))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: "", "is empty"),
        (lambda t: t.split("\n")[0] + "\n", "no rows"),
        (lambda t: t.replace("nose_tip_x", "nose_x", 1), "lacks the columns nose_tip_x;"),
        (lambda t: t.replace(",Image", ",Picture", 1), "lacks the columns Image;"),
        (
            lambda t: "\n".join(line.split(",", 1)[1] for line in t.split("\n")[:-1]),
            "lacks the columns left_eye_center_x",
        ),
        (lambda t: _pixel(t, 3, 100, []), "row 3: 9215 pixels, expected 9216"),
        (lambda t: _pixel(t, 2, 0, ["1", "2"]), "row 2: 9217 pixels, expected 9216"),
        (lambda t: _pixel(t, 1, 41, ["abc"]), "row 1: pixel 42 is 'abc'"),
        (lambda t: _pixel(t, 1, 41, ["12.5"]), "row 1: pixel 42 is '12.5'"),
        (lambda t: _pixel(t, 4, 9215, ["256"]), "row 4: pixel 9216 is '256'"),
        (lambda t: _pixel(t, 4, 9, ["1256"]), "row 4: pixel 10 is '1256'"),
        (lambda t: _pixel(t, 4, 9, ["-1"]), "row 4: pixel 10 is '-1'"),
        (lambda t: _cell(t, 2, 5, "up"), "row 2: left_eye_inner_corner_y is 'up'"),
        (lambda t: _cell(t, 2, 5, "inf"), "row 2: left_eye_inner_corner_y is 'inf'"),
        (lambda t: _cell(t, 2, -1, ""), "row 2: 0 pixels"),
        (lambda t: t.replace("\n", ",1\n").replace("Image,1", "Image", 1), "row 1: 32 cells, expected 31"),
        (lambda t: t[: len(t) - 60000], "cells, expected 31|pixels, expected 9216"),
    ],
)
def test_damage_is_named(folder, damage, message):
    path = folder / "training.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(EdgefkpError, match=message) as caught:
        open_dataset(folder)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_unusual_spelling_is_read(folder):
    path = folder / "training.csv"
    text = path.read_text()
    plain = read_training(path)
    header, *rows = text.strip().split("\n")
    quoted = [row.rsplit(",", 1) for row in rows]
    path.write_bytes(
        b"\xef\xbb\xbf"
        + "\r\n".join(
            [header, *(f'{points},"{pixels.replace(" ", "  ", 1)} "' for points, pixels in quoted), "", ""]
        ).encode()
    )
    read = read_training(path)
    assert all(np.array_equal(read[name], plain[name], equal_nan=True) for name in ("images", "keypoints"))


def test_no_label_at_all(tmp_path):
    images, keypoints = made_faces(3)
    path = write_training(tmp_path / "training.csv", images, np.full_like(keypoints, np.nan))
    with pytest.raises(EdgefkpError, match="has no label"):
        open_dataset(path)


def test_a_test_file_given_as_training(folder):
    with pytest.raises(EdgefkpError, match="lacks the columns left_eye_center_x"):
        open_dataset(folder / "test.csv")


def test_missing_training(folder):
    (folder / "training.csv").unlink()
    with pytest.raises(EdgefkpError, match=r"has no training\.csv or training\.zip"):
        open_dataset(folder)


def test_a_folder_in_place_of_the_file(folder):
    (folder / "training.csv").unlink()
    (folder / "training.csv").mkdir()
    with pytest.raises(EdgefkpError, match=r"cannot read .*training\.csv"):
        open_dataset(folder)


def test_zip_without_the_member(folder):
    with zipfile.ZipFile(folder / "training.zip", "w") as archive:
        archive.writestr("readme.txt", "no faces")
    (folder / "training.csv").unlink()
    with pytest.raises(EdgefkpError, match=r"holds readme\.txt; expected training\.csv"):
        open_dataset(folder)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_truncated_zip(folder, keep):
    path = zipped(folder / "training.csv")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(EdgefkpError, match="not a whole zip"):
        open_dataset(folder)


def test_overwritten_zip(folder):
    path = zipped(folder / "training.csv")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(EdgefkpError):
        open_dataset(folder)


def test_labels_of_other_rows_are_refused(folder):
    with np.load(folder / "full_labels.npz") as stored:
        arrays = dict(stored)
    arrays["train_keypoints"] = arrays["train_keypoints"][::-1] + 5
    np.savez(folder / "full_labels.npz", **arrays)
    with pytest.raises(EdgefkpError, match="disagree in 12 of 12 rows"):
        open_dataset(folder)
    arrays["train_keypoints"] = arrays["train_keypoints"][:5]
    np.savez(folder / "full_labels.npz", **arrays)
    with pytest.raises(EdgefkpError, match="train_keypoints has shape"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [("1,99,nose_tip_x,", "names no coordinate"), ("1,1,nose_x,", "names no coordinate"), ("7,1,nose_tip_x,", "RowId")],
)
def test_broken_lookup(folder, line, message):
    (folder / "IdLookupTable.csv").write_text(f"RowId,ImageId,FeatureName,Location\n{line}\n")
    with pytest.raises(EdgefkpError, match=message):
        open_dataset(folder)


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "RowId,Location\n", "RowId,Location\n1,x\n", "RowId,Location\n999,1\n"]
)
def test_broken_solution(folder, text):
    (folder / "full_labels.npz").unlink()
    (folder / "solution.csv").write_text(text)
    with pytest.raises(EdgefkpError, match=r"solution\.csv"):
        open_dataset(folder)


def test_repeated_image_id(tmp_path):
    images, _ = made_faces(2)
    path = write_test(tmp_path / "test.csv", images)
    path.write_text(path.read_text().replace("\n2,", "\n1,"))
    with pytest.raises(EdgefkpError, match="ImageId"):
        read_test(path)


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.skipif(not LFW.exists(), reason=f"no LFW stand-in at {LFW}")
def test_the_stand_in_is_the_competition_in_size():
    source = open_dataset(LFW)
    assert (len(source.train), len(source.test), len(source.lookup)) == (7049, 1783, 27124)
    assert source.train.complete.sum() == 2124
    assert not set(source.train.groups) & set(source.test.groups)
    solution = read_solution(LFW / "solution.csv", source.lookup, len(source.test))
    assert np.nanmax(np.abs(solution - source.test.keypoints)) < 1e-3
