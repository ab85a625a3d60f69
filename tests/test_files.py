"""A file is whole or not there."""

import contextlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefkp.errors import EdgefkpError, reading
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import (
    json_text,
    locked,
    opened_zip,
    parse_json,
    read_json,
    replacing,
    sha256_arrays,
    sha256_file,
    visible,
    write_json,
    write_text,
)
from tests.mutations import damaged, reads_or_refuses

GOOD = json_text({"schema": "a/1", "rows": [{"x": 1.5, "y": [1, 2, None], "text": "\N{SNOWMAN} \\n"}], "flag": True})


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


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 70 + "]" * 70, "1" * 5000, str(2**64), "1e999", "NaN", "[-Infinity]", '{"a": 1', "\x00", ""],
)
def test_json_that_no_reader_could_use_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(EdgefkpError, match="not a readable JSON") as caught:
        read_json(tmp_path / "a.json")
    assert caught.value.hint
    assert len(caught.value.message.splitlines()) == 1


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=damaged(GOOD.encode()))
def test_any_bytes_are_json_or_refused(tmp_path, content):
    reads_or_refuses(read_json, tmp_path / "a.json", content)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_whatever_is_read_can_be_written_again(value):
    try:
        stored = parse_json(json.dumps(value), "it")
    except EdgefkpError:
        return
    assert parse_json(json_text(stored), "it") is not ...


@pytest.mark.parametrize("path", ["/dev/zero", "/", "missing.json", "\0", "x" * 300])
def test_what_is_no_file_is_refused(path):
    for read in (read_json, sha256_file):
        with pytest.raises(EdgefkpError):
            read(path)


def test_a_pipe_that_nobody_writes_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EdgefkpError, match="it is not a file"):
        read_json(tmp_path / "pipe")


def test_names_that_are_not_utf8_are_written_and_read(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    path = write_json(tmp_path / os.fsdecode(b"\xff.json"), {"file": name})
    assert read_json(path) == {"file": name}
    path.read_bytes().decode()
    assert write_text(tmp_path / "a.txt", name).read_bytes() == rb"caf\udce9.png"


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "some text " * 50)
        archive.writestr("b.txt", b"")
    return content.getvalue()


def unzipped(path):
    with opened_zip(path, "a whole zip file", "copy it again", 10_000) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=damaged(zipped()))
def test_any_bytes_are_a_zip_or_refused(tmp_path, content):
    reads_or_refuses(unzipped, tmp_path / "a.zip", content)


def test_a_zip_that_unpacks_to_more_than_is_read_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000))
    with pytest.raises(EdgefkpError, match="unpacks to 20,000 bytes, and at most 10,000"):
        unzipped(tmp_path / "a.zip")


def fail_while_writing(path, *errors):
    """Raise the errors in a block that writes, each while the one before it is handled."""
    with replacing(path) as temporary, contextlib.ExitStack() as ends:
        temporary.write_text("half")
        for error in reversed(errors[1:]):
            ends.callback(raised, error)
        raise errors[0]


def raised(error):
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_ends_the_writing_leaves_nothing(tmp_path, error):
    with pytest.raises(error):
        fail_while_writing(tmp_path / "a.txt", error)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("began", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_zip_that_is_cut_off_hides_neither_a_full_disk_nor_ctrl_c(tmp_path, began):
    expected = EdgefkpError if isinstance(began, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        fail_while_writing(tmp_path / "a.npz", began, ValueError("seek of closed file"))
    assert os.listdir(tmp_path) == []


def test_an_error_that_was_being_handled_before_is_not_the_disks(tmp_path):
    try:
        raise OSError(2, "something else")
    except OSError:
        with pytest.raises(TypeError):
            fail_while_writing(tmp_path / "a.txt", TypeError("a bug"))


def test_a_file_that_grows_beyond_what_the_disk_takes_is_an_error_of_two_lines(tmp_path):
    code = f"""
import resource, signal, numpy as np
from edgefkp.data.arrays import write_arrays
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
write_arrays({str(tmp_path / "a.npz")!r}, {{"a": np.zeros(10_000)}})
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True)
    assert f"EdgefkpError: cannot write {tmp_path / 'a.npz'}: File too large" in done.stderr
    assert os.listdir(tmp_path) == []


def killed_while_writing(path: Path) -> None:
    code = f"""
import os, signal
from edgefkp.files import replacing
with replacing({str(path)!r}) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL


def test_what_a_killed_process_leaves_is_no_input_and_is_removed_by_the_next_one(tmp_path):
    killed_while_writing(tmp_path / "a.int8.tflite")
    assert len(os.listdir(tmp_path)) == 1
    assert visible(tmp_path, "*.tflite") == []
    write_text(tmp_path / "b.txt", "whole")
    assert os.listdir(tmp_path) == ["b.txt"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        code = f"from edgefkp.files import write_text; write_text({str(tmp_path / 'b.txt')!r}, 'b')"
        subprocess.run([sys.executable, "-c", code], check=True)
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]


def test_hidden_files_of_the_users_own_are_left_alone(tmp_path):
    (tmp_path / ".notes-12345678.txt").write_text("mine")
    write_text(tmp_path / "a.txt", "x")
    assert sorted(os.listdir(tmp_path)) == [".notes-12345678.txt", "a.txt"]


def test_others_may_read_what_is_written_as_the_umask_has_it(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_visible_files_are_those_that_are_finished(tmp_path):
    for name in ("b.csv", "a.csv", ".c.csv", "deep/d.csv", ".hidden/e.csv", "folder.csv/f.txt"):
        write_text(tmp_path / name, "")
    (tmp_path / "broken.csv").symlink_to(tmp_path / "missing")
    assert [path.name for path in visible(tmp_path, "*.csv")] == ["a.csv", "b.csv"]
    assert [path.name for path in visible(tmp_path, "**/*.csv")] == ["a.csv", "b.csv", "d.csv"]
    assert visible(tmp_path / "missing") == []


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


def test_the_lack_of_memory_is_not_blamed_on_the_file():
    message = r"not enough memory to read a\.npz"
    with pytest.raises(EdgefkpError, match=message) as caught, reading("a.npz", "a whole .npz", "copy it again"):
        raise MemoryError
    assert caught.value.hint == "close other programs; if that does not help: copy it again"


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device"])
def test_what_is_no_file_is_not_replaced(tmp_path, kind):
    path = tmp_path / "out.json"
    make = {"folder": os.mkdir, "pipe": os.mkfifo, "link to a device": lambda path: path.symlink_to("/dev/null")}
    make[kind](path)
    before = path.lstat()
    with pytest.raises(EdgefkpError, match="is there, and is not a file"):
        write_json(path, {})
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert [one.name for one in tmp_path.iterdir()] == ["out.json"]
