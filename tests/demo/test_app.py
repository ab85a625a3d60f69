import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgefkp.cli import cli
from edgefkp.demo import session
from edgefkp.demo.app import Demo, Pace
from edgefkp.demo.displays import KEYS, Display
from edgefkp.demo.drawing import render
from edgefkp.demo.frames import open_frames
from edgefkp.demo.recording import Recorder
from edgefkp.demo.session import Pipeline, counterparts
from edgefkp.demo.view import ViewOptions
from edgefkp.detect.media import Frame
from edgefkp.detect.recorder import VideoRecorder, fitted
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box
from edgefkp.layout import KAGGLE15, SIDE_COLORS, InputSpec, ModelSpec
from tests.discs import TINY, DiscNetwork, disc_frame

FIXTURES = Path(__file__).parent.parent / "fixtures"
HEADLESS = any(line.split() == ["GUI:", "NONE"] for line in cv2.getBuildInformation().splitlines())


class Scripted(Display):
    """Gives the commands of a script, one list a frame, and keeps what was shown."""

    def __init__(self, *script: list[str]) -> None:
        self.script, self.views = list(script), []

    def show(self, view):
        self.views.append(view)

    def commands(self):
        return self.script.pop(0) if self.script else []


class Blank:
    """Ten gray frames; None stands for a camera that is gone."""

    name, live, fps = "blank", True, 0.0

    def __init__(self, gone: tuple[int, ...] = ()) -> None:
        self.gone, self.closed = gone, False

    def frames(self) -> Iterator[Frame | None]:
        for number in range(10):
            yield None if number in self.gone else Frame(np.full((96, 96, 3), 90, np.uint8), number / 10)

    def close(self) -> None:
        self.closed = True


def pipeline(**options) -> Pipeline:
    """Every image is a face, whatever the network predicts."""
    always = ViewOptions(**options)
    return Pipeline(FIXTURES / "tiny.float32.tflite", "whole-image", options=always, presence=lambda *face: 1.0)


def test_commands_change_what_is_done(tmp_path):
    display = Scripted(
        ["names"], ["smoothing"], ["compare"], [], ["model:tiny.int8"], ["model"], ["nonsense"], ["quit"]
    )
    source = Blank()
    own = pipeline()
    summary = Demo(source, own, display, tmp_path).run()
    views = display.views
    assert summary.frames == len(views) == 8
    assert source.closed
    assert [view.options.names for view in views[:3]] == [False, True, True]
    assert [view.options.smoothing for view in views[1:4]] == [True, False, False]
    assert [view.compared for view in views[2:4]] == [None, "tiny.int8"]
    # Float and int8 are close, and not the same.
    mean, largest = views[3].difference
    assert 0 < mean <= largest < 5
    assert [view.model for view in views[4:7]] == ["tiny.float32", "tiny.int8", "tiny.int8io"]


def test_snapshots_and_recordings_are_whole_files(tmp_path):
    import cv2

    display = Scripted(["snapshot"], ["record"], [], ["snapshot", "record"], ["record"])
    logged = []
    Demo(Blank(), pipeline(), display, tmp_path / "new", logged.append).run()
    files = sorted(path.name.split("-")[0] for path in (tmp_path / "new").iterdir())
    assert files == ["recording", "recording", "snapshot", "snapshot"]
    for path in (tmp_path / "new").iterdir():
        if path.suffix == ".png":
            assert cv2.imread(str(path)).shape == (96, 96, 3)
        else:
            assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) > 0
    assert len([line for line in logged if line.startswith("wrote")]) == 4
    assert [view.options.recording for view in display.views[:6]] == [False, False, True, True, False, True]


def test_a_camera_that_goes_is_waited_for(tmp_path):
    display = Scripted()
    idle = []
    display.idle = idle.append
    assert Demo(Blank(gone=(3, 4)), pipeline(), display, tmp_path).run().frames == 8
    assert idle == ["blank is gone"] * 2


def test_a_source_without_frames_is_an_error(tmp_path):
    with pytest.raises(EdgefkpError, match="gave no frame"):
        Demo(Blank(gone=tuple(range(10))), pipeline(), Scripted(), tmp_path).run()


def test_a_model_that_does_not_run_is_not_switched_to(tmp_path):
    for name in ("tiny.float32.tflite", "classifier.tflite"):
        shutil.copy(FIXTURES / name, tmp_path)
    logged = []
    display = Scripted(["model:classifier"], [], ["model:absent"])
    own = Pipeline(tmp_path / "tiny.float32.tflite", "whole-image")
    summary = Demo(Blank(), own, display, tmp_path, logged.append).run(5)
    assert summary.model == "tiny.float32"
    assert len(logged) == 2
    assert logged[1].startswith("cannot switch")


def test_the_counterparts_are_of_the_other_kind_and_those_of_the_same_network_come_first():
    choices = [Path(f"{name}.tflite") for name in ("a.float32", "a.int8", "b.float32", "b.int8", "b.dynamic")]

    def first(name: str, among: list[Path] = choices) -> Path | None:
        return next(iter(counterparts(Path(name), among)), None)

    assert first("b.float32.tflite") == Path("b.int8.tflite")
    assert first("a.int8.tflite") == Path("a.float32.tflite")
    assert first("b.dynamic.tflite") == Path("b.float32.tflite")
    assert first("c.float32.tflite") == Path("a.int8.tflite")
    assert first("a.float32.tflite", choices[:1]) is None


@pytest.mark.parametrize(
    ("spec", "compared"),
    [(ModelSpec(KAGGLE15, InputSpec(64, "rgb")), "tiny.int8"), (ModelSpec(KAGGLE15.part("nose_tip")), None)],
)
def test_models_are_compared_if_they_have_the_same_points(monkeypatch, spec, compared):
    monkeypatch.setattr(session, "open_predictor", lambda *arguments: DiscNetwork(spec))
    view = pipeline(compare=True).process(Frame(disc_frame(Box(48, 48, 80), height=96, width=96), 0.0))
    assert view.compared == compared
    assert len(view.other) == (1 if compared else 0)
    if compared:  # its own crop of the same box: the disc is where it is
        assert np.allclose(view.other[0].mean(0), (48, 48), atol=6)


def test_a_recorder_refuses_other_suffixes_and_leaves_nothing_without_frames(tmp_path):
    with pytest.raises(EdgefkpError, match="suffix"):
        Recorder(tmp_path / "a.gif", 25)
    Recorder(tmp_path / "a.mp4", 25).close()
    assert list(tmp_path.iterdir()) == []


def test_images_are_fitted_whole():
    wide = np.full((50, 200, 3), 255, np.uint8)
    small = fitted(wide, (100, 50))
    assert small.shape == (50, 100, 3)
    assert (small[:12] == 0).all()
    assert (small[20:30] == 255).all()


def test_frames_of_a_file_are_not_rushed():
    pace = Pace()
    started = time.monotonic()
    for number in range(5):
        pace.wait_for(Frame(np.zeros((1, 1, 3), np.uint8), number * 0.05))
    assert time.monotonic() - started >= 0.2


def run(*arguments: str) -> "object":
    return CliRunner().invoke(cli, ["demo", *arguments], standalone_mode=False)


def test_the_command_writes_a_video(tmp_path, model, video):
    import cv2

    out = tmp_path / "shown.mp4"
    result = run("--source", str(video), "--display", "file", "--out", str(out), "--model", str(model), "--json")
    summary = json.loads(result.stdout)
    assert (summary["frames"], summary["with_face"], summary["searches"]) == (60, 60, 1)
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 60
    _, frame = capture.read()
    # Dots of the three colors are on the image.
    assert all((np.abs(frame.astype(int) - color[::-1]).max(-1) < 60).any() for color in SIDE_COLORS.values())


def test_the_command_measures_jitter(model, video):
    result = run("--source", str(video), "--measure-jitter", "--model", str(model), "--json", "--frames", "40")
    assert json.loads(result.stdout)["frames"] == 40


def test_without_a_screen_a_window_says_what_else_there_is(monkeypatch, model, video):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = run("--source", str(video), "--model", str(model))
    assert isinstance(result.exception, EdgefkpError)
    assert "--display web" in result.exception.hint


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
@pytest.mark.skipif(HEADLESS, reason="opencv-python-headless opens no windows")
def test_a_window_shows_frames_and_takes_keys(tmp_path, model, video):
    number = 90 + os.getpid() % 400
    screen = subprocess.Popen(["Xvfb", f":{number}", "-screen", "0", "1400x700x24"], stderr=subprocess.DEVNULL)
    environment = {**os.environ, "DISPLAY": f":{number}", "QT_LOGGING_RULES": "*=false"}

    def tool(*words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=environment, capture_output=True, text=True)
        return done.stdout.strip()

    command = [sys.executable, "-m", "edgefkp", "demo", "--source", video, "--model", model, "--folder", tmp_path]
    try:
        time.sleep(1)
        demo = subprocess.Popen([*command, "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (window := tool("search", "--name", "edgefkp")):
            assert time.monotonic() < deadline
            assert demo.poll() is None, demo.communicate()
            time.sleep(0.3)
        window = window.splitlines()[0]
        while not list(tmp_path.glob("snapshot-*.png")):  # keys before the first frame are lost
            assert time.monotonic() < deadline
            tool("key", "--window", window, KEY["snapshot"])
            time.sleep(0.5)
        tool("key", "--window", window, KEY["quit"])
        out, _ = demo.communicate(timeout=60)
        assert json.loads(out)["with_face"] > 0
    finally:
        screen.kill()
        screen.wait()


KEY = {command: key for key, command in KEYS.items()}


def test_sources_are_closed_when_the_model_is_missing(video):
    result = run("--source", str(video), "--display", "none", "--model", "absent")
    assert isinstance(result.exception, EdgefkpError)
    assert "absent" in result.exception.message
    assert open_frames(str(video))  # and can be opened again


class Stop(BaseException):
    """What a signal raises."""


@pytest.mark.parametrize("command", ["snapshot", "record"])
def test_a_button_that_cannot_write_is_a_message_and_the_demo_goes_on(tmp_path, command):
    (tmp_path / "file").write_text("")  # where the folder should be
    logged = []
    display = Scripted([command], [], [command])
    display.log = lambda text: logged.append(f"page: {text}")
    summary = Demo(Blank(), pipeline(), display, tmp_path / "file", logged.append).run()
    assert summary.frames == 10
    assert sum(line.startswith("page: cannot") for line in logged) == 2
    assert not any(view.options.recording for view in display.views)


@pytest.mark.parametrize("method", ["write", "_read_back"])
def test_a_recording_that_the_disk_does_not_take_is_a_message_and_leaves_no_file(tmp_path, monkeypatch, method):
    def full(*arguments):
        raise EdgefkpError("no space left")

    monkeypatch.setattr(VideoRecorder, method, full)

    class Slow(Blank):
        def frames(self):
            for frame in super().frames():
                time.sleep(0.05)  # the writer is another thread
                yield frame

    logged = []
    display = Scripted(["record"], [], ["record"] if method == "_read_back" else [])
    summary = Demo(Slow(), pipeline(), display, tmp_path, logged.append).run()
    assert summary.frames == 10
    assert any(line.startswith("cannot record: no space") for line in logged)
    assert not any(line.startswith("wrote") for line in logged)
    assert list(tmp_path.iterdir()) == []
    assert not display.views[-1].options.recording


def test_a_recording_that_fails_at_the_end_is_the_demos_error_and_all_is_closed(tmp_path, monkeypatch):
    def full(*arguments):
        raise EdgefkpError("no space left")

    monkeypatch.setattr(VideoRecorder, "_read_back", full)
    source, display, closed = Blank(), Scripted(["record"]), []
    display.close = lambda: closed.append("display")
    with pytest.raises(EdgefkpError, match="no space"):
        Demo(source, pipeline(), display, tmp_path).run()
    assert source.closed
    assert closed == ["display"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, Stop])
def test_whatever_ends_the_demo_the_recording_is_whole_and_nothing_else_is_left(tmp_path, raised):
    import cv2

    class Ending(Blank):
        def frames(self):
            yield from list(super().frames())[:5]
            raise raised

    source = Ending()
    demo = Demo(source, pipeline(), Scripted(["record"]), tmp_path)
    if raised is KeyboardInterrupt:
        assert demo.run().frames == 5
    else:
        with pytest.raises(raised):
            demo.run()
    (recording,) = tmp_path.iterdir()
    assert cv2.VideoCapture(str(recording)).get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert source.closed


def test_a_video_that_was_cut_off_is_named_and_what_it_showed_is_written(tmp_path):
    import cv2

    recorder = VideoRecorder(tmp_path / "a.avi", 25)
    for number in range(20):
        recorder.write(np.random.default_rng(number).integers(0, 255, (96, 96, 3), np.uint8))
    recorder.close()
    half = tmp_path / "half.avi"
    half.write_bytes((tmp_path / "a.avi").read_bytes()[: (tmp_path / "a.avi").stat().st_size // 2])
    out = tmp_path / "out.mp4"
    result = run("--source", str(half), "--display", "file", "--out", str(out), "--model", str(TINY))
    assert isinstance(result.exception, EdgefkpError)
    assert "was cut off" in result.exception.message
    assert cv2.VideoCapture(str(out)).get(cv2.CAP_PROP_FRAME_COUNT) > 0


def test_files_that_are_being_written_are_no_models_to_choose(tmp_path):
    for name in ("tiny.float32.tflite", ".tiny.int8-abc.tflite"):
        shutil.copy(FIXTURES / "tiny.float32.tflite", tmp_path / name)
    names = [path.name for path in session.choices_beside(tmp_path / "tiny.float32.tflite")]
    assert names[0] == "tiny.float32.tflite"
    assert not any(name.startswith(".") for name in names)


@pytest.mark.parametrize("command", ["model:tiny.int8", "compare"])
def test_a_model_that_predicts_nan_ends_no_demo(tmp_path, monkeypatch, command):
    class NoNumbers(DiscNetwork):
        def predict(self, images):
            return np.full((len(images), KAGGLE15.count, 2), np.nan if images.any() else 0, np.float32)

    opened = session.open_predictor

    def broken(path, *arguments):
        return NoNumbers() if path.stem == "tiny.int8" else opened(path, *arguments)

    own, logged = pipeline(), []
    monkeypatch.setattr(session, "open_predictor", broken)
    monkeypatch.setattr("edgefkp.runtime.predictor.open_predictor", broken)
    display = Scripted([command])
    summary = Demo(Blank(), own, display, tmp_path, logged.append).run()
    assert (summary.frames, summary.model) == (10, "tiny.float32")
    assert len(logged) == (1 if command.startswith("model") else 0)
    for view in display.views:
        render(view)


def test_a_damaged_file_is_nothing_to_compare_with(tmp_path):
    shutil.copy(FIXTURES / "tiny.float32.tflite", tmp_path)
    (tmp_path / "tiny.int8.tflite").write_bytes(b"damaged")
    own = Pipeline(tmp_path / "tiny.float32.tflite", "whole-image", presence=lambda *face: 1.0)
    display = Scripted(["compare"])
    assert Demo(Blank(), own, display, tmp_path).run().frames == 10


def test_faces_and_confidence_are_commands(tmp_path):
    display = Scripted(["faces:3"], ["confidence:0.5"], ["faces:0", "faces:999", "confidence:2", "confidence:nan"], [])
    own = Pipeline(FIXTURES / "tiny.float32.tflite", "whole-image", presence=lambda *face: 0.51)
    Demo(Blank(), own, display, tmp_path).run(4)
    assert [view.max_faces for view in display.views] == [1, 3, 3, 3]
    assert [view.options.confidence for view in display.views] == [0, 0, 0.5, 0.5]
    assert all(len(view.faces) == 1 for view in display.views)
    own.change("confidence:0.52")
    assert own.process(Frame(np.full((96, 96, 3), 90, np.uint8), 9.0)).faces == []


def test_the_times_are_also_given_as_means_over_the_last_frames(tmp_path):
    display = Scripted()
    Demo(Blank(), pipeline(), display, tmp_path).run()
    last = display.views[-1]
    assert last.recent[1] == pytest.approx(np.mean([view.network for view in display.views]))
    assert last.to_json()["ms_mean"]["total"] == pytest.approx(sum(last.recent))


def test_options_that_the_browser_display_ignores_are_named(monkeypatch, model):
    monkeypatch.setattr("edgefkp.cli.demo.serve_browser", lambda *arguments: None)
    logged = run("--display", "browser", "--source", "1", "--names", "--faces", "2", "--port", "0").stderr
    assert "ignores --source, --faces, --names:" in logged
    assert run("--display", "browser", "--port", "0").stderr == ""


def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path, model, video):
    (tmp_path / "file").write_text("")
    result = run("--source", str(video), "--display", "web", "--port", "0", "--folder", str(tmp_path / "file" / "in"))
    assert isinstance(result.exception, EdgefkpError)
    assert "cannot write" in result.exception.message
