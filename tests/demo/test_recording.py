"""Recordings play as fast as they were made, in a browser, and never hold up what is shown."""

import itertools
import json
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.demo import recording
from edgefkp.demo.app import Demo
from edgefkp.demo.displays import Display
from edgefkp.demo.drawing import status_lines
from edgefkp.demo.recording import Recorder
from edgefkp.demo.session import Pipeline
from edgefkp.detect import encoders
from edgefkp.detect.media import Frame, Video
from edgefkp.detect.recorder import VideoRecorder
from edgefkp.errors import EdgefkpError
from tests.discs import TINY


class FakeCamera:
    """Frames at given seconds; `pause` is how long the loop waits for each."""

    name, live, fps = "fake camera", True, 0.0

    def __init__(self, times, pause=0.0):
        self.times, self.pause = times, pause

    def frames(self):
        for number, seconds in enumerate(self.times):
            time.sleep(self.pause)
            yield Frame(np.full((96, 96, 3), number % 250, np.uint8), seconds)

    def close(self):
        pass


class Scripted(Display):
    def __init__(self, *script):
        self.script, self.views = list(script), []

    def show(self, view):
        self.views.append(view)

    def commands(self):
        return self.script.pop(0) if self.script else []


def pipeline():
    return Pipeline(TINY, "whole-image", presence=lambda *face: 1.0)


def lasts(path):
    """Seconds, by its frames."""
    times = [frame.seconds for frame in Video(path).frames()]
    return times[-1] + 1 / Video(path).fps


def recorded(tmp_path, times):
    demo = Demo(FakeCamera(times), pipeline(), Scripted(["record"]), tmp_path, lambda line: None)
    demo.run()
    (path,) = tmp_path.iterdir()
    return path


@pytest.mark.parametrize("fps", [3, 8, 10, 25, 59.94])
def test_a_recording_of_a_camera_lasts_as_long_as_it_was_filmed(tmp_path, fps):
    times = [100 + number / fps for number in range(60)]
    path = recorded(tmp_path, times)
    assert lasts(path) == pytest.approx(59 / fps, rel=0.03)  # the first frame came before the key
    assert Video(path).fps == pytest.approx(fps, rel=0.01)


def test_a_camera_that_slows_down_keeps_its_time(tmp_path):
    steps = [1 / 30] * 40 + [1 / 7] * 20 + [1 / 30] * 20
    path = recorded(tmp_path, list(itertools.accumulate(steps, initial=5.0)))
    assert lasts(path) == pytest.approx(sum(steps), rel=0.03)


def test_uneven_steps_leave_nothing_out(tmp_path):
    random = np.random.default_rng(0)
    times = [number / 25 + random.uniform(-0.012, 0.012) for number in range(100)]
    video = VideoRecorder(tmp_path / "a.avi", 0.0)
    for number, seconds in enumerate(times):
        video.write(np.full((96, 96, 3), number, np.uint8), seconds)
    video.close()
    frames = list(Video(tmp_path / "a.avi").frames())
    assert len(frames) == pytest.approx(100, abs=2)
    assert len({int(frame.image.mean().round()) for frame in frames}) >= 95


def test_a_break_of_minutes_is_left_out(tmp_path):
    path = recorded(tmp_path, [*(number / 10 for number in range(20)), *(600 + number / 10 for number in range(20))])
    assert lasts(path) == pytest.approx(4, abs=0.3)


def test_an_overlay_of_a_file_keeps_its_frames_and_rate(tmp_path, model, video):
    out = tmp_path / "a.mp4"
    arguments = ["demo", "--source", video, "--display", "file", "--out", out, "--model", model, "--json"]
    done = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    assert json.loads(done.stdout)["frames"] == 60
    assert len(list(Video(out).frames())) == 60
    assert Video(out).fps == pytest.approx(30)


def test_a_slow_writer_holds_up_nothing_and_what_it_lacks_is_counted(tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    class Stuck(VideoRecorder):
        def write(self, image, seconds=None):
            begun.set()
            go_on.wait(30)
            super().write(image, seconds)

    monkeypatch.setattr(recording, "VideoRecorder", Stuck)
    monkeypatch.setattr(recording, "MOST_WAITING", 5 * 96 * 96 * 3)

    class Watching(Scripted):
        def show(self, view):
            super().show(view)
            if len(self.views) == 20:
                go_on.set()

    display, logged = Watching(["record"]), []
    demo = Demo(FakeCamera([number / 10 for number in range(20)]), pipeline(), display, tmp_path, logged.append)
    demo.run()
    assert begun.is_set()
    assert len(display.views) == 20
    assert display.views[-1].options.dropped >= 12
    assert any("lacks" in line for line in status_lines(display.views[-1]))
    assert display.views[-1].to_json()["dropped"] == display.views[-1].options.dropped
    (end,) = [line for line in logged if line.startswith("wrote")]
    assert re.search(r"; 1[34] frames left out", end)
    (path,) = tmp_path.iterdir()
    assert 1 <= len(list(Video(path).frames())) <= 7


def test_the_end_of_a_recording_holds_up_nothing(tmp_path, monkeypatch):
    go_on = threading.Event()

    class Stuck(VideoRecorder):
        def close(self):
            go_on.wait(30)
            super().close()

    class Watching(Scripted):
        def show(self, view):
            super().show(view)
            if len(self.views) == 10:
                assert not list(tmp_path.glob("recording*"))
                go_on.set()

    monkeypatch.setattr(recording, "VideoRecorder", Stuck)
    display, logged = Watching(["record"], [], ["record"], ["record"], [], ["record"]), []
    Demo(FakeCamera([n / 10 for n in range(20)]), pipeline(), display, tmp_path, logged.append).run()
    assert len(display.views) == 20
    assert len(list(tmp_path.glob("recording*"))) == 2  # of the same second
    assert sum(line.startswith("wrote") for line in logged) == 2


def test_a_patient_recorder_leaves_nothing_out(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "MOST_WAITING", 1)
    own = pipeline()
    recorder = Recorder(tmp_path / "a.avi", 10, patient=True)
    for number in range(30):
        recorder.show(own.process(Frame(np.full((96, 96, 3), number, np.uint8), number / 10)))
    recorder.close()
    assert recorder.dropped == 0
    assert len(list(Video(tmp_path / "a.avi").frames())) == 30


def codec_of(path: Path) -> str:
    code = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FOURCC))
    return code.to_bytes(4, "little").decode().strip("\0").lower()


def test_a_recording_plays_in_a_browser(tmp_path):
    path = recorded(tmp_path, [number / 10 for number in range(20)])
    assert (path.suffix, codec_of(path)) in ((".mp4", "h264"), (".mp4", "avc1"), (".webm", "vp80"))
    if path.suffix == ".mp4" and shutil.which("ffprobe"):
        shown = ["ffprobe", "-v", "error", "-show_entries", "stream=pix_fmt", "-of", "csv=p=0", path]
        assert subprocess.run(shown, capture_output=True, text=True).stdout.strip() == "yuv420p"


@pytest.fixture
def without_h264(monkeypatch):
    monkeypatch.setattr(encoders, "ffmpeg_h264", lambda: None)
    monkeypatch.setattr(encoders, "opencv_h264", lambda: False)


def test_without_h264_a_recording_is_webm_and_that_is_said(tmp_path, without_h264):
    logged = []
    demo = Demo(FakeCamera([n / 10 for n in range(20)]), pipeline(), Scripted(["record"]), tmp_path, logged.append)
    demo.run()
    (path,) = tmp_path.iterdir()
    assert (path.suffix, codec_of(path)) == (".webm", "vp80")
    assert "(VP8; for H.264: sudo apt install ffmpeg)" in logged[0]


@pytest.mark.parametrize(("out", "said"), [(None, "demo.webm (VP8)"), ("a.mp4", "which browsers do not play")])
def test_without_h264_the_file_display_says_what_it_writes(tmp_path, monkeypatch, without_h264, out, said):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.png", np.full((96, 96, 3), 90, np.uint8))
    arguments = ["demo", "--source", "photo.png", "--display", "file", "--model", TINY, "--finder", "whole-image"]
    done = CliRunner().invoke(cli, list(map(str, arguments + (["--out", out] if out else []))), standalone_mode=False)
    assert done.exception is None
    assert said in done.stderr
    assert (tmp_path / (out or "demo.webm")).stat().st_size


def test_an_odd_size_is_written(tmp_path):
    video = VideoRecorder(tmp_path / f"a{encoders.browser_suffix()}", 10)
    for level in (10, 90, 200):
        video.write(np.full((97, 131, 3), level, np.uint8))
    video.close()
    frames = [frame.image for frame in Video(video.path).frames()]
    assert len(frames) == 3
    assert frames[0].shape[0] in (97, 98)
    assert abs(float(frames[2][:97, :131].mean()) - 200) < 4


def test_an_encoder_that_stops_leaves_no_file(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nhead -c 100000 >/dev/null\necho 'no room for that' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(encoders, "ffmpeg", lambda: str(program))
    monkeypatch.setattr(encoders, "ffmpeg_h264", lambda: "libx264")
    video = VideoRecorder(tmp_path / "out" / "a.mp4", 10)
    with pytest.raises(EdgefkpError, match="no room for that"):
        list(map(video.write, [np.zeros((96, 96, 3), np.uint8)] * 50))
    assert list((tmp_path / "out").iterdir()) == []
