"""A file is whole or not there."""

import os

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import json_text, locked, read_json, replacing, sha256_arrays, write_json, write_text


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError), replacing(path) as temporary:
        temporary.write_text("half", 7)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgefkpError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_a_full_disk_is_an_error_of_two_lines():
    with pytest.raises(EdgefkpError, match="cannot write") as caught, replacing("/dev/shm/edgefkp-test-full"):
        raise OSError(28, "No space left on device")
    assert "space" in caught.value.hint


def test_json_has_no_nan_and_keeps_float32(tmp_path):
    value = {"a": np.float32(0.1), "b": float("nan"), "c": np.arange(3), "d": (1, 2.5)}
    path = write_json(tmp_path / "a.json", value)
    again = read_json(path)
    assert again == {"a": pytest.approx(0.1), "b": None, "c": [0, 1, 2], "d": [1, 2.5]}
    assert np.float32(again["a"]) == np.float32(0.1)
    assert "NaN" not in json_text([np.nan, np.inf])


def test_broken_json_says_so(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(EdgefkpError, match="not a readable JSON"):
        read_json(tmp_path / "a.json")


def test_array_hash_sees_values_shape_and_type():
    a = np.arange(6)
    hashes = {sha256_arrays(x) for x in (a, a.reshape(2, 3), a.astype(np.int32), a + 1)}
    assert len(hashes) == 4
    assert sha256_arrays(a) == sha256_arrays(a.copy())


def test_names_of_tflite_files():
    name = parse_tflite("export/manual-augment.int8.u8.tflite")
    assert (name.model, name.scheme, name.u8, name.filename) == (
        "manual-augment", "int8", True, "manual-augment.int8.u8.tflite",
    )  # fmt: skip
    assert parse_tflite("face_landmark.tflite").scheme == ""


def test_a_lock_is_held_by_one_and_let_go_at_the_end(tmp_path):
    lock = tmp_path / "lock"
    with locked(lock) as first:
        assert first
        with locked(lock, 0.2) as second:
            assert not second
    with locked(lock) as again:
        assert again
