"""Overlays of videos keep their sound where ffmpeg is installed, and name what is missing where it is not."""

import json
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.detect.media import Video
from edgefkp.detect.sound import add_sound
from tests.discs import TINY


@pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
def test_an_overlay_keeps_the_sound(tmp_path, suffix):
    source = tmp_path / f"in{suffix}"
    sound = ["-f", "lavfi", "-i", "sine=d=2"]
    words = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=96x96:r=10:d=2", *sound, source]
    subprocess.run(words, check=True)
    arguments = ["predict", source, "--out", tmp_path / "out", "--model", TINY, "--finder", "whole-image", "--json"]
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    assert json.loads(done.stdout)["silent"] == {}
    overlay = tmp_path / "out" / "faces" / source.name
    shown = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,duration", "-of", "csv=p=0", overlay]
    kinds = subprocess.run(shown, capture_output=True, text=True).stdout
    assert "video" in kinds
    assert "audio" in kinds
    assert len(list(Video(overlay).frames())) == 20
    assert [path.name for path in overlay.parent.iterdir()] == [source.name]


def test_without_ffmpeg_an_overlay_is_silent_and_that_is_said(tmp_path, monkeypatch, video):
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["predict", video, "--out", tmp_path / "out", "--model", TINY, "--finder", "whole-image", "--json"]
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    assert list(json.loads(done.stdout)["silent"]) == [video.name]
    assert "sudo apt install ffmpeg" in done.stderr


@pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg")
def test_sound_that_begins_before_the_images_stays_with_them(tmp_path):
    late = ["-itsoffset", "0.5", "-f", "lavfi", "-i", "testsrc=s=96x96:r=10:d=1"]
    words = ["ffmpeg", "-v", "error", *late, "-f", "lavfi", "-i", "sine=d=1.5", tmp_path / "in.mkv"]
    subprocess.run(words, check=True)
    images = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=96x96:r=10:d=1", tmp_path / "images.mp4"]
    subprocess.run(images, check=True)
    assert add_sound(tmp_path / "images.mp4", tmp_path / "in.mkv", tmp_path / "out.mp4")
    shown = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=duration", "-of", "csv=p=0"]
    done = subprocess.run([*shown, tmp_path / "out.mp4"], capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(1.0, abs=0.1)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_video_without_sound_has_none_to_keep(tmp_path, video):
    arguments = ["predict", video, "--out", tmp_path / "out", "--model", TINY, "--finder", "whole-image", "--json"]
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    assert json.loads(done.stdout)["silent"] == {}
    assert "no sound" not in done.stderr
