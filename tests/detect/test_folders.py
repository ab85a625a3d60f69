"""What predict takes from folders, under which names, and what it leaves out and counts."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.detect.folders import images_in, media_in, named
from edgefkp.detect.media import is_image, is_video, write_image
from edgefkp.detect.predict import find_items, look_for
from edgefkp.errors import UsageError
from tests.discs import TINY


def photo(path, seed=0):
    write_image(path, np.random.default_rng(seed).integers(0, 255, (40, 50, 3), np.uint8))
    return path


def names(*paths, out):
    return [item.name for item in find_items(paths, out)]


def test_what_is_left_out_is_counted_by_kind(tmp_path):
    folder = tmp_path / "in"
    for name in ("a.jpg", "._a.jpg", "sub/.b-unfinished.png"):
        photo(folder / name)
    for name in ("notes.txt", "sub/more.TXT", "raw.cr2", "LICENSE", ".DS_Store", ".cache/x.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    found = media_in(folder)
    assert [path.name for path in found.files] == ["a.jpg"]
    assert found.left_out == {".txt": 2, ".cr2": 1, "no suffix": 1, "hidden": 2}
    assert named(found.left_out) == "2 .txt, 2 hidden, 1 .cr2, 1 no suffix"


def test_the_command_prints_what_it_left_out(tmp_path):
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.cr2").write_bytes(b"x")
    arguments = ["predict", tmp_path / "in", "--out", tmp_path / "out", "--model", TINY, "--finder", "whole-image"]
    done = CliRunner().invoke(cli, [*map(str, arguments), "--json"], standalone_mode=False)
    assert done.return_value == 0
    assert json.loads(done.stdout)["left_out"] == {".cr2": 1}
    assert "left out of the folders: 1 .cr2" in done.stderr


def test_a_folder_without_input_names_what_is_there(tmp_path):
    (tmp_path / "a.cr2").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"in what was given: 1 \.cr2"):
        find_items([tmp_path], tmp_path / "out")


def test_linked_folders_are_followed_once_and_a_circle_ends(tmp_path):
    photo(tmp_path / "in" / "z" / "1.jpg")
    photo(tmp_path / "elsewhere" / "2.jpg")
    (tmp_path / "in" / "a").symlink_to(tmp_path / "in" / "z")  # sorts before what it leads to
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "more2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "z" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path)
    (tmp_path / "in" / "broken").symlink_to(tmp_path / "nothing")
    assert names(tmp_path / "in", out=tmp_path / "out") == ["more/2.jpg", "z/1.jpg"]


def test_a_folder_that_is_a_link_itself_is_read(tmp_path):
    photo(tmp_path / "real" / "1.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert names(tmp_path / "link", out=tmp_path / "out") == ["1.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_does_not_stop_the_others(tmp_path):
    photo(tmp_path / "a" / "1.jpg")
    (tmp_path / "b").mkdir(mode=0)
    assert names(tmp_path, out=tmp_path / "out") == ["a/1.jpg"]


def test_photos_of_one_name_get_the_folders_that_tell_them_apart(tmp_path):
    for number, place in enumerate(("x/in/1.jpg", "y/in/1.jpg", "y/in/2.jpg")):
        photo(tmp_path / place, number)
    out = tmp_path / "out"
    assert names(tmp_path / "x/in/1.jpg", tmp_path / "y/in/1.jpg", out=out) == ["x/in/1.jpg", "y/in/1.jpg"]
    assert names(tmp_path / "x/in", tmp_path / "y/in", out=out) == ["x/in/1.jpg", "y/in/1.jpg", "2.jpg"]
    assert names(tmp_path / "x", tmp_path / "y/in/1.jpg", out=out) == ["in/1.jpg", "1.jpg"]


def test_a_file_that_is_given_twice_counts_once(tmp_path):
    path = photo(tmp_path / "in" / "1.jpg")
    assert names(path, tmp_path / "in", path, out=tmp_path / "out") == ["1.jpg"]


def test_other_folders_of_the_same_name_are_predicted_into_one_table(tmp_path):
    for number, place in enumerate(("x/1.jpg", "y/1.jpg")):
        photo(tmp_path / place, number)
    arguments = ["predict", tmp_path / "x/1.jpg", tmp_path / "y/1.jpg", "--out", tmp_path / "out", "--model", TINY]
    for earlier in (0, 2):
        done = CliRunner().invoke(
            cli, [*map(str, arguments), "--finder", "whole-image", "--json"], standalone_mode=False
        )
        assert json.loads(done.stdout)["earlier"] == earlier
    assert (tmp_path / "out/faces/y/1.jpg").exists()
    assert {line.split(",")[0] for line in (tmp_path / "out/points.csv").read_text().splitlines()[1:]} == {
        "x/1.jpg",
        "y/1.jpg",
    }


@pytest.mark.parametrize("name", ["a.jfif", "a.JP2", "a.avif", "a.HEIC", "a.heif", "a.webp", "a.jpe"])
def test_kinds_of_images(tmp_path, name):
    assert is_image(tmp_path / name)


@pytest.mark.parametrize("name", ["a.ts", "a.MTS", "a.wmv", "a.flv", "a.3gp", "a.MOV"])
def test_kinds_of_videos(tmp_path, name):
    assert is_video(tmp_path / name)
    assert not is_image(tmp_path / name)


def test_a_gif_of_several_frames_is_a_video(tmp_path):
    still, moving = tmp_path / "a.gif", tmp_path / "b.gif"
    still.write_bytes(b"GIF89a" + b"\x21\xf9\x04" + bytes(20))
    moving.write_bytes(b"GIF89a" + (b"\x21\xf9\x04" + bytes(20)) * 3)
    assert is_image(still)
    assert is_video(moving)
    assert images_in(tmp_path) == [still]
    assert [item.path for item in look_for([tmp_path], tmp_path / "out").items] == [still, moving]
