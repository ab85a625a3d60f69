import itertools
import sys
import types

import numpy as np
import pytest

from edgefkp.data.images import read_image
from edgefkp.demo import cameras
from edgefkp.demo.frames import open_frames
from edgefkp.errors import EdgefkpError, EnvironmentProblem


@pytest.fixture
def folder(tmp_path):
    import cv2

    for number in (3, 1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number * 10, np.uint8))
    (tmp_path / "4.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("x")
    return tmp_path


def test_a_video_has_all_its_frames_and_times(video):
    source = open_frames(str(video))
    frames = list(source.frames())
    assert len(frames) == 60
    assert frames[0].image.shape == (480, 640, 3)
    assert [frame.is_cut for frame in frames] == [True] + [False] * 59
    assert np.allclose(np.diff([frame.seconds for frame in frames]), 1 / 30)
    assert not source.live


def test_a_looped_video_starts_again_with_time_going_on(video):
    source = open_frames(str(video), loop=True)
    frames = [frame for _, frame in zip(range(130), source.frames(), strict=False)]
    assert [number for number, frame in enumerate(frames) if frame.is_cut] == [0, 60, 120]
    assert all(later.seconds > earlier.seconds for earlier, later in itertools.pairwise(frames))
    assert np.array_equal(frames[0].image, frames[60].image)


def test_a_folder_gives_its_images_by_name(folder):
    frames = list(open_frames(str(folder)).frames())
    assert [frame.image[0, 0, 0] for frame in frames] == [10, 20, 30]
    assert all(frame.is_cut for frame in frames)


def test_a_missing_source_is_an_error(tmp_path):
    with pytest.raises(EdgefkpError, match="no file or folder"):
        open_frames(str(tmp_path / "nothing.mp4"))
    with pytest.raises(EdgefkpError, match="holds no images"):
        open_frames(str(tmp_path))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"0" * 100)
    with pytest.raises(EdgefkpError, match="cannot be read as a video"):
        open_frames(str(broken))
    image = tmp_path / "broken.png"
    image.write_bytes(b"0" * 100)
    with pytest.raises(EdgefkpError, match="cannot be read as an image"):
        open_frames(str(image))


def test_half_a_jpeg_is_no_image(tmp_path, astronaut, capfd):
    import cv2

    whole = tmp_path / "whole.jpg"
    cv2.imwrite(str(whole), astronaut)
    assert read_image(whole) is not None
    content = whole.read_bytes()
    half = tmp_path / "half.jpg"
    half.write_bytes(content[: len(content) // 2])
    assert read_image(half) is None
    assert read_image(tmp_path / "nothing.jpg") is None
    assert capfd.readouterr() == ("", "")


def test_no_camera_says_how_to_use_a_file():
    with pytest.raises(EnvironmentProblem) as raised:
        open_frames("97")
    assert "--source FILE" in raised.value.hint


def test_an_unplugged_camera_is_waited_for(monkeypatch):
    """A camera that gives two frames, is gone for two attempts, and comes back."""
    import cv2

    attempts = []

    class Capture:
        def __init__(self, number):
            assert number == 0
            attempts.append(number)
            self.opened = len(attempts) not in (2, 3)
            self.left = 2

        def isOpened(self):
            return self.opened

        def set(self, *setting):
            return True

        def read(self):
            self.left -= 1
            return (True, np.zeros((4, 4, 3), np.uint8)) if self.left >= 0 else (False, None)

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(cameras, "RETRY", 0.0)
    logged = []
    camera = open_frames("/dev/video0", log=logged.append)
    assert camera.live
    got = [frame for _, frame in zip(range(7), camera.frames(), strict=False)]
    assert [frame is None for frame in got] == [False, False, True, True, True, False, False]
    assert got[5].is_cut
    assert not got[6].is_cut
    assert got[5].seconds >= got[1].seconds
    assert logged == ["camera 0 is gone: waiting for it to come back", "camera 0 is back"]


def test_the_pi_camera_through_picamera2(monkeypatch):
    calls = []

    class Picamera2:
        def create_video_configuration(self, main):
            calls.append(("configuration", main["format"], main["size"]))
            return main

        def configure(self, configuration):
            calls.append(("configure", configuration["format"]))

        def start(self):
            calls.append("start")

        def capture_array(self, name):
            assert name == "main"
            return np.zeros((480, 640, 3), np.uint8)

        def stop(self):
            calls.append("stop")

        def close(self):
            calls.append("close")

    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    camera = open_frames("picam")
    frame = next(camera.frames())
    assert frame.image.shape == (480, 640, 3)
    camera.close()
    assert calls == [("configuration", "RGB888", (640, 480)), ("configure", "RGB888"), "start", "stop", "close"]


def test_without_picamera2_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(EnvironmentProblem) as raised:
        open_frames("picam")
    assert "python3-picamera2" in raised.value.hint


def test_a_looped_folder_whose_images_are_gone_ends(folder):
    source = open_frames(str(folder), loop=True)
    frames = source.frames()
    next(frames)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(EdgefkpError, match="no image any more"):
        list(frames)
