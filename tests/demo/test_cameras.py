"""Cameras: what they are asked for, what there is, and one that opens and gives nothing."""

import errno
import json
import os
import struct

import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.cli.demo import camera_table
from edgefkp.demo import cameras, v4l
from edgefkp.demo.cameras import CAMERA_SIZE, Camera, CameraMode
from edgefkp.demo.frames import open_frames
from edgefkp.demo.v4l import Mode, number_of
from edgefkp.errors import EnvironmentProblem, UsageError


class Capture:
    """A camera of OpenCV's that takes what it is set to, but no size above 1280x720."""

    made: "list[Capture]"

    def __init__(self, number):
        self.number, self.settings, self.order = number, {}, []
        Capture.made.append(self)

    def isOpened(self):
        return True

    def set(self, name, value):
        self.settings[name] = value
        self.order.append(name)
        return True

    def get(self, name):
        import cv2

        if name == cv2.CAP_PROP_FRAME_WIDTH:
            return float(min(self.settings[name], 1280))
        if name == cv2.CAP_PROP_FRAME_HEIGHT:
            return float(min(self.settings[name], 720))
        return self.settings.get(name, 30.0)

    def read(self):
        return True, np.zeros((4, 4, 3), np.uint8)

    def release(self):
        pass


@pytest.fixture
def capture(monkeypatch):
    import cv2

    Capture.made = []
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    return Capture


def test_a_camera_is_asked_for_its_size_rate_and_mjpg(capture):
    import cv2

    logged = []
    open_frames("0", log=logged.append, mode=CameraMode((1280, 720), 30))
    settings = capture.made[0].settings
    assert (settings[cv2.CAP_PROP_FRAME_WIDTH], settings[cv2.CAP_PROP_FRAME_HEIGHT]) == (1280, 720)
    assert settings[cv2.CAP_PROP_FPS] == 30
    assert settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert capture.made[0].order.index(cv2.CAP_PROP_FOURCC) < capture.made[0].order.index(cv2.CAP_PROP_FRAME_WIDTH)
    assert logged == []


def test_a_small_image_is_taken_as_it_comes(capture):
    import cv2

    open_frames("0")
    settings = capture.made[0].settings
    assert (settings[cv2.CAP_PROP_FRAME_WIDTH], settings[cv2.CAP_PROP_FRAME_HEIGHT]) == CAMERA_SIZE
    assert not {cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FPS} & settings.keys()


def test_a_camera_that_gives_another_size_is_reported(capture):
    logged = []
    open_frames("0", log=logged.append, mode=CameraMode((1920, 1080)))
    assert logged == [
        "camera 0 gives 1280x720 at 30 frames a second, not 1920x1080; its modes: edgefkp demo --list-cameras"
    ]


def test_a_link_to_a_camera_is_that_camera(tmp_path, monkeypatch, capture):
    device = tmp_path / "video3"
    device.write_bytes(b"")
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    link = tmp_path / "v4l" / "by-id" / "usb-Maker_Camera-video-index0"
    link.symlink_to("../../video3")
    assert number_of(str(link), tmp_path) == 3
    assert number_of(str(tmp_path / "v4l"), tmp_path) is None
    monkeypatch.setattr("edgefkp.demo.frames.number_of", lambda spec: number_of(spec, tmp_path))
    assert open_frames(str(link)).name == "camera 3"


@pytest.mark.parametrize("spec", ["a.mp4", "rtsp://127.0.0.1/x"])
def test_a_file_or_stream_has_no_size_to_ask_for(spec):
    with pytest.raises(UsageError, match="are for cameras"):
        open_frames(spec, mode=CameraMode((640, 480)))


@pytest.mark.parametrize(
    ("given", "named"), [("big", "is no size"), ("0x480", "is no size"), ("640x480x3", "is no size")]
)
def test_a_size_is_width_and_height(given, named):
    done = CliRunner().invoke(cli, ["demo", "--size", given])
    assert done.exit_code == 2
    assert named in done.output


class Silent(Capture):
    def read(self):
        return False, None


def test_a_camera_that_never_gives_a_frame_ends_with_its_reason(monkeypatch, capture):
    import cv2

    monkeypatch.setattr(cv2, "VideoCapture", Silent)
    monkeypatch.setattr(cameras, "RETRY", 0.01)
    monkeypatch.setattr(cameras, "PATIENCE", 0.05)
    monkeypatch.setattr(cameras, "reason_without_frames", lambda device: f"zoom has {device} open")
    logged = []
    with pytest.raises(EnvironmentProblem, match=r"camera 0 opens, but gave no frame.*zoom has /dev/video0") as caught:
        list(Camera(0, logged.append).frames())
    assert "--list-cameras" in caught.value.hint
    assert logged == []  # it is neither gone nor back


def test_a_camera_is_back_when_a_frame_comes(monkeypatch, capture):
    import cv2

    class Flaky(Capture):
        def read(self):
            number = len(Capture.made)
            self.left = getattr(self, "left", 1 if number in (1, 4) else 0) - 1
            return (True, np.zeros((4, 4, 3), np.uint8)) if self.left >= 0 else (False, None)

    monkeypatch.setattr(cv2, "VideoCapture", Flaky)
    monkeypatch.setattr(cameras, "RETRY", 0.0)
    logged = []
    frames = Camera(0, logged.append).frames()
    got = []
    while not (got and got[-1] is not None and len(logged) == 2):
        got.append(next(frames))
    assert [frame is None for frame in got] == [False, True, True, True, False]
    assert got[-1].is_cut
    assert logged == ["camera 0 is gone: waiting for it to come back", "camera 0 is back"]


def fake_machine(tmp_path):
    """/sys and /dev of a machine with a webcam, its node for notes, and a camera that may not be opened."""
    for number, name in ((0, "HD Webcam"), (1, "HD Webcam"), (10, "Other camera")):
        (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
        (tmp_path / "sys" / f"video{number}" / "name").write_text(f"{name}\n")
    (tmp_path / "dev" / "v4l" / "by-id").mkdir(parents=True)
    for number in (0, 1):
        (tmp_path / "dev" / f"video{number}").write_bytes(b"")
    (tmp_path / "dev" / "v4l" / "by-id" / "usb-HD_Webcam-video-index0").symlink_to("../../video0")
    return tmp_path / "sys", tmp_path / "dev"


def driver(descriptor, number, answer):
    """What the kernel answers for a webcam with two formats; the layout is that of linux/videodev2.h."""
    own = os.readlink(f"/proc/self/fd/{descriptor}")
    if number == v4l._QUERYCAP:
        node = 0x04200001 if own.endswith("video0") else 0x04A00000  # frames; notes
        struct.pack_into("<II", answer, 84, 0x84A00001, node)
        return
    (index,) = struct.unpack_from("<I", answer, 0)
    if number == v4l._ENUM_FMT and index < 2:
        answer[44:48] = (b"YUYV", b"MJPG")[index]
    elif number == v4l._ENUM_FRAMESIZES and index < (2 if answer[4:8] == b"MJPG" else 1):
        struct.pack_into("<III", answer, 8, 1, *((1920, 1080), (640, 480))[index - (answer[4:8] == b"YUYV")])
    elif number == v4l._ENUM_FRAMEINTERVALS and index < 2:
        struct.pack_into("<III", answer, 16, 1, 1, (30, 15)[index])
    else:
        raise OSError(errno.EINVAL, "Invalid argument")


def test_cameras_are_listed_with_names_links_and_modes(tmp_path):
    sys, dev = fake_machine(tmp_path)
    webcam, other = v4l.cameras(sys, dev, driver)
    assert (webcam.device, webcam.name) == (str(dev / "video0"), "HD Webcam")
    assert webcam.links == (str(dev / "v4l/by-id/usb-HD_Webcam-video-index0"),)
    assert webcam.modes == (
        Mode("YUYV", 640, 480, (30.0, 15.0)),
        Mode("MJPG", 1920, 1080, (30.0, 15.0)),
        Mode("MJPG", 640, 480, (30.0, 15.0)),
    )
    assert (other.name, other.modes, other.note) == ("Other camera", (), "No such file or directory")
    assert camera_table([webcam]).splitlines() == [
        f"{webcam.device}  HD Webcam",
        f"  {webcam.links[0]}",
        "  MJPG  1920x1080  30, 15 frames a second",
        "  MJPG  640x480  30, 15 frames a second",
        "  YUYV  640x480  30, 15 frames a second",
    ]


def test_a_driver_that_never_ends_a_list_does_not_hang(tmp_path):
    sys, dev = fake_machine(tmp_path)

    def endless(descriptor, number, answer):
        if number == v4l._QUERYCAP:
            driver(descriptor, number, answer)

    (webcam, _) = v4l.cameras(sys, dev, endless)
    assert len(webcam.modes) <= v4l._MOST**2


def test_a_machine_without_cameras_lists_none(monkeypatch, tmp_path):
    monkeypatch.setattr(v4l, "cameras", lambda: [])
    done = CliRunner().invoke(cli, ["demo", "--list-cameras"], standalone_mode=False)
    assert "has no camera" in done.stdout
    done = CliRunner().invoke(cli, ["demo", "--list-cameras", "--json"], standalone_mode=False)
    assert json.loads(done.stdout) == []


def test_who_has_a_camera_open_is_named(tmp_path):
    process = tmp_path / "proc" / "7"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("zoom\n")
    (process / "fd" / "3").symlink_to("/dev/video77")
    assert v4l.reason_without_frames(v4l.DEV / "video77", tmp_path / "proc") == "zoom has it open"
    assert v4l.reason_without_frames(v4l.DEV / "video78", tmp_path / "proc") == ""
