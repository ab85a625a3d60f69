"""Videos as phones and screen recorders write them: turned, and of a varying frame rate."""

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from edgefkp.detect.media import Video
from edgefkp.detect.predict import PredictSettings, find_items, predict
from edgefkp.detect.recorder import OpenCvVideo
from tests.discs import TINY

BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")  # what stands around the list of times
FRAMES = 12


def plain_mp4(path: Path, fps: float = 30.0) -> bytearray:
    video = OpenCvVideo(path, "mp4v", fps, (160, 120))
    for number in range(FRAMES):
        image = np.full((120, 160, 3), 40, np.uint8)
        image[:60, :80] = 200  # the upper left
        image[100:, number * 10 : number * 10 + 10] = 255
        video.write(image)
    video.close()
    return bytearray(path.read_bytes())


def place_of(content: bytearray, name: bytes) -> int:
    """Of the box's size; OpenCV writes the index at the end."""
    return content.index(name, content.rindex(b"moov")) - 4


def turned(path: Path) -> Path:
    """The matrix that says: show it turned by a quarter, clockwise."""
    content = plain_mp4(path)
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 120 << 16, 0, 1 << 30)
    start = place_of(content, b"tkhd") + 48
    content[start : start + 36] = matrix
    path.write_bytes(content)
    return path


def varying(path: Path) -> Path:
    """The first half at 30 frames a second, the rest at 10."""
    content = plain_mp4(path)
    start = place_of(content, b"stts")
    size, _, _, count, step = struct.unpack_from(">I4sIII", content, start)
    assert count == 1
    _, step = struct.unpack_from(">II", content, start + 16)
    half = FRAMES // 2
    entries = struct.pack(">IIIII", 2, half, step, FRAMES - half, 3 * step)
    content[start : start + size] = struct.pack(">I4sI", size + 8, b"stts", 0) + entries
    for name in BOXES:
        place = place_of(content, name)
        (size,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", content, place, size + 8)
    for name, place in ((b"mvhd", 24), (b"tkhd", 28), (b"mdhd", 24), (b"elst", 16)):
        start = place_of(content, name) + place
        (duration,) = struct.unpack_from(">I", content, start)
        struct.pack_into(">I", content, start, 2 * duration)
    path.write_bytes(content)
    return path


def test_a_phones_video_is_upright(tmp_path):
    video = Video(turned(tmp_path / "phone.mp4"))
    frames = [frame.image for frame in video.frames() if frame is not None]
    assert {image.shape for image in frames} == {(160, 120, 3)}
    assert frames[0][40, 90].min() > 150  # the upper left has become the upper right
    assert frames[0][40, 20].max() < 90


def true_times() -> list[float]:
    half = FRAMES // 2
    return [number / 30 for number in range(half)] + [half / 30 + number / 10 for number in range(FRAMES - half)]


def test_frames_of_a_varying_rate_have_their_own_times(tmp_path):
    times = [frame.seconds for frame in Video(varying(tmp_path / "a.mp4")).frames() if frame is not None]
    assert times == pytest.approx(true_times(), abs=0.002)


def test_the_table_of_a_video_has_the_true_times(tmp_path):
    own = PredictSettings(tmp_path / "out", str(TINY), "whole-image", overlays=False)
    predict(find_items([varying(tmp_path / "a.mp4")], own.out), own)
    lines = (own.out / "a.mp4.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[1]) for line in lines] == pytest.approx(true_times(), abs=0.002)


def test_a_looped_video_of_a_varying_rate_has_times_that_go_on(tmp_path):
    frames = Video(varying(tmp_path / "a.mp4"), loop=True).frames()
    times = [frame.seconds for _, frame in zip(range(30), frames, strict=False) if frame is not None]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert times[FRAMES] - times[0] == pytest.approx(0.8, abs=0.15)
