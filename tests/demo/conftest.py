import threading
from dataclasses import dataclass

import pytest

from edgefkp.demo.app import Demo
from edgefkp.demo.frames import open_frames
from edgefkp.demo.session import Pipeline
from edgefkp.demo.web import WebDisplay
from tests.discs import astronaut, disc_detector, model, video  # noqa: F401


@dataclass
class LiveDemo:
    """A demo in a thread, and how it is started again."""

    demo: Demo
    display: WebDisplay
    thread: threading.Thread


@pytest.fixture
def start_demo(model, video, tmp_path):  # noqa: F811
    """Starts demos that play the astronaut on a web display; they end with the test."""
    running: list[LiveDemo] = []

    def start(folder=tmp_path, **options) -> LiveDemo:
        pipeline = Pipeline(model)
        display = WebDisplay(pipeline, **{"port": 0, "litert": tmp_path, **options})
        demo = Demo(open_frames(str(video), loop=True), pipeline, display, folder, lambda line: None)
        thread = threading.Thread(target=demo.run)
        thread.start()
        running.append(LiveDemo(demo, display, thread))
        return running[-1]

    yield start
    for one in running:
        one.demo.do("quit")
        one.thread.join(20)
        assert not one.thread.is_alive()


@pytest.fixture
def live(start_demo):
    return start_demo().display
