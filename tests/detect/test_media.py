"""Images and videos from anywhere: too large, cut off, written on a full disk."""

import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edgefkp.data import images
from edgefkp.data.images import decoded, read_image
from edgefkp.detect import recorder
from edgefkp.detect.media import Video, write_image
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.detect.recorder import CODECS, OpenCvVideo, VideoRecorder
from edgefkp.errors import EdgefkpError
from tests.discs import TINY

FRAMES = 40


def noise(seed=0, shape=(120, 160, 3)):
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)


def make_video(path, frames=FRAMES):
    if path.suffix == ".y4m":
        with open(path, "wb") as stream:
            stream.write(b"YUV4MPEG2 W160 H120 F25:1 Ip A1:1 C420jpeg\n")
            for number in range(frames):
                stream.write(b"FRAME\n" + noise(number, 160 * 120 * 3 // 2).tobytes())
        return
    if path.suffix == ".mjpeg":
        parts = [cv2.imencode(".jpg", noise(number))[1].tobytes() for number in range(frames)]
        path.write_bytes(b"".join(parts))
        return
    video = VideoRecorder(path, 25)
    for number in range(frames):
        video.write(noise(number))
    video.close()


def make_faststart(path):
    """An .mp4 with its index in front, as phones and web pages give them."""
    video = OpenCvVideo(path.with_name("plain.mp4"), CODECS[".mp4"], 25, (160, 120))
    for number in range(FRAMES):
        video.write(noise(number))
    video.close()
    content = path.with_name("plain.mp4").read_bytes()
    moov = content.rindex(b"moov") - 4
    size = int.from_bytes(content[moov : moov + 4], "big")
    index = bytearray(content[moov : moov + size])
    at = index.index(b"stco") + 8
    for entry in range(int.from_bytes(index[at : at + 4], "big")):
        place = at + 4 + 4 * entry
        index[place : place + 4] = (int.from_bytes(index[place : place + 4], "big") + size).to_bytes(4, "big")
    start = content.index(b"ftyp") - 4
    start += int.from_bytes(content[start : start + 4], "big")
    path.write_bytes(content[:start] + index + content[start:moov] + content[moov + size :])


@pytest.mark.parametrize("suffix", [*CODECS, ".y4m", ".mjpeg", "faststart.mp4"])
@pytest.mark.parametrize("share", [0.55, 0.8])
def test_a_video_that_was_cut_off_is_named(tmp_path, suffix, share, capfd):
    path = tmp_path / f"a{suffix}"
    try:
        (make_faststart if suffix == "faststart.mp4" else make_video)(path)
    except EdgefkpError as error:
        pytest.skip(error.message)  # this OpenCV has no encoder for it
    assert len(list(Video(path).frames())) == FRAMES
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    capfd.readouterr()
    with pytest.raises(EdgefkpError, match=r"was cut off|cannot be read") as caught:
        list(Video(path).frames())
    assert caught.value.hint
    own = PredictSettings(tmp_path / "out", str(TINY), "whole-image")
    result = predict(find_items([path], own.out), own)
    assert list(result.skipped) == [path.name]
    assert not list(own.out.glob("a*"))  # no table that looks whole
    assert capfd.readouterr() == ("", "")


def test_a_looped_video_that_was_cut_off_goes_on(tmp_path):
    path = tmp_path / "a.avi"
    make_video(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = [frame for _, frame in zip(range(100), Video(path, loop=True).frames(), strict=False)]
    assert len(frames) == 100


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_varying_frame_rate_is_not_taken_for_a_cut(tmp_path):
    make_video(tmp_path / "a.mp4")
    for suffix in (".mp4", ".mkv"):
        slower = tmp_path / f"slower{suffix}"
        command = [
            "ffmpeg",
            "-loglevel",
            "error",
            "-i",
            tmp_path / "a.mp4",
            "-vf",
            "setpts='if(lt(N,20),N,3*N-40)/25/TB'",
        ]
        subprocess.run([*command, "-fps_mode", "vfr", slower], check=True)
        assert len(list(Video(slower).frames())) == FRAMES


@pytest.mark.parametrize("suffix", CODECS)
def test_a_long_recording_is_read_back_at_its_end(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(recorder, "CHECKED", 20)
    try:
        make_video(tmp_path / f"a{suffix}", 100)
    except EdgefkpError as error:
        pytest.skip(error.message)
    assert len(list(Video(tmp_path / f"a{suffix}").frames())) == 100


RECORD = """
import resource, sys
from pathlib import Path
import cv2
import numpy as np
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.errors import EdgefkpError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
video = VideoRecorder(Path(sys.argv[1]), 25)
try:
    for number in range(60):
        video.write(np.random.default_rng(number).integers(0, 255, (120, 160, 3), np.uint8))
    video.close()
except EdgefkpError as error:
    sys.exit(f"refused: {error.message}")
"""


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize("size", [8_000, 64_000, 250_000])
def test_a_video_that_the_disk_did_not_take_leaves_the_older_file(tmp_path, suffix, size):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"older")
    done = subprocess.run([sys.executable, "-B", "-c", RECORD, path, str(size)], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "refused" in done.stderr
    assert path.read_bytes() == b"older"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_an_image_that_the_disk_did_not_take_is_an_error(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    write_image(tmp_path / "a.png", noise())
    older = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(EdgefkpError, match="cannot write"):
        write_image(tmp_path / "a.png", noise(1))
    monkeypatch.undo()
    assert (tmp_path / "a.png").read_bytes() == older


def png_header(width, height):
    import struct
    import zlib

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def test_an_image_of_too_many_pixels_is_refused_before_it_is_unpacked(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_header(30_000, 30_000) + b"\0" * 100)
    code = (
        "import re, sys; from pathlib import Path\n"
        "from edgefkp.data.images import read_image\n"
        "assert read_image(Path(sys.argv[1])) is None\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"  # not ru_maxrss: a parent's
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "bomb.png"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000  # KiB; unpacked it has 2.7 GB


def test_a_file_that_is_too_large_for_an_image_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_BYTES", 100)
    write_image(tmp_path / "a.png", noise())
    assert read_image(tmp_path / "a.png") is None
    with pytest.raises(EdgefkpError, match="not an image"):
        decoded(b"")
