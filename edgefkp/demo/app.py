"""The loop of `edgefkp demo`: source -> pipeline -> display, and what keys and buttons ask for."""

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.demo.displays import Display
from edgefkp.demo.drawing import render
from edgefkp.demo.frames import FrameSource
from edgefkp.demo.recording import Recorder
from edgefkp.demo.session import Pipeline
from edgefkp.demo.view import View
from edgefkp.detect.encoders import H264, browser_suffix, codec_name
from edgefkp.detect.media import Frame, write_image
from edgefkp.errors import EdgefkpError, counted

SCHEMA = "edgefkp.demo/1"
_VERBS = {"model": "switch", "snapshot": "write a snapshot"}  # command -> what could not be done; others: as they are
_KEPT = 10_000  # views whose times are kept for the summary


@dataclass(frozen=True)
class Summary:
    """What `edgefkp demo --json` prints."""

    schema: str
    source: str
    model: str
    runtime: str
    frames: int  # processed
    with_face: int  # frames
    searches: int  # frames that needed the face finder
    seconds: float  # of the whole loop
    first_frame: float  # seconds from the start of the loop to the first view
    fps: float
    find_ms: float | None  # median over the searches; None: there were none
    network_ms: float  # median: crop, network and presence check
    smooth_ms: float  # median


class Demo:
    """The loop from a source to a display. folder: of snapshots and recordings. log: called with a line for people."""

    def __init__(
        self,
        source: FrameSource,
        pipeline: Pipeline,
        display: Display,
        folder: Path,
        log: Callable[[str], None] = print,
    ) -> None:
        self._source, self._pipeline, self._display = source, pipeline, display
        self._folder, self._print = folder, log
        self._recorder: Recorder | None = None
        self._finishing: list[Recorder] = []  # recordings that were stopped, and are still written
        self._former = ""  # name of the model before the last switch
        self._pace = Pace()
        self._ended = False

    def run(self, frames: int | None = None) -> Summary:
        """Run until the source ends, someone quits or presses Ctrl-C, or `frames` frames are done.

        Raises EdgefkpError for a source without a single frame or one that was cut off, and for a recording that
        could not be written at the end. Whatever ends the loop, recording, display and source are closed.
        """
        started = time.monotonic()
        first_frame = 0.0
        times: list[tuple[float, float, float]] = []
        count = with_face = 0
        view: View | None = None
        if self._display.paced:  # somebody may press "record", which shall not wait for what this finds
            threading.Thread(target=browser_suffix, name="edgefkp-codecs", daemon=True).start()
        with contextlib.ExitStack() as closing:
            closing.callback(self._source.close)
            closing.callback(self._display.close)
            closing.callback(self._report_recordings, wait=True)
            closing.callback(self._stop_recording)
            # The usual way to end a demo.
            closing.enter_context(contextlib.suppress(KeyboardInterrupt))
            for frame in self._source.frames():
                if frame is None:
                    self._display.idle(f"{self._source.name} {'is gone' if view else 'gives no frame yet'}")
                else:
                    view = self._work(frame)
                    count += 1
                    with_face += bool(view.faces)
                    first_frame = first_frame or time.monotonic() - started
                    if len(times) < _KEPT:
                        times.append((view.find, view.network, view.smooth))
                self._report_recordings()
                for command in self._display.commands():
                    self.do(command, view)
                if self._ended or count == frames:
                    break
        if view is None:
            raise EdgefkpError(f"{self._source.name} gave no frame", "give another source")
        passed = time.monotonic() - started
        searched = [find for find, _, _ in times if find]
        return Summary(
            schema=SCHEMA,
            source=self._source.name,
            model=view.model,
            runtime=view.runtime,
            frames=count,
            with_face=with_face,
            searches=view.searches,
            seconds=passed,
            first_frame=first_frame,
            fps=count / passed,
            find_ms=float(np.median(searched)) if searched else None,
            network_ms=float(np.median([network for _, network, _ in times])),
            smooth_ms=float(np.median([smooth for _, _, smooth in times])),
        )

    def do(self, command: str, view: View | None = None) -> None:
        """Carry out one of the commands of displays.KEYS, or "model:NAME"; one that fails is logged."""
        try:
            self._carry_out(command, view)
        except EdgefkpError as error:
            self._log(f"cannot {_VERBS.get(command.partition(':')[0], command)}: {error.message}")

    def _carry_out(self, command: str, view: View | None) -> None:
        if self._pipeline.change(command):
            return
        if command.partition(":")[0] == "model":
            former = self._pipeline.model.stem
            self._pipeline.use(command.partition(":")[2] or None)
            self._former = former
        elif command == "snapshot" and view is not None:
            self._snapshot(view)
        elif command == "record":
            self._toggle_recording()
        elif command == "quit":
            self._ended = True

    def _work(self, frame: Frame) -> View:
        if self._display.paced and not self._source.live:
            self._pace.wait_for(frame)
        try:
            view = self._pipeline.process(frame)
        except EdgefkpError as error:  # a file that runs, and predicts no numbers on real images
            if not self._former:
                raise
            self._log(f"cannot switch: {error.message}")
            self._pipeline.use(self._former)
            self._former = ""
            view = self._pipeline.process(frame)
        self._display.show(view)
        if self._recorder:
            try:
                self._recorder.show(view)
                if self._recorder.dropped != self._pipeline.options.dropped:
                    self._set_recording(True, self._recorder.dropped)
            except EdgefkpError as error:
                self._recorder = None
                self._set_recording(False)
                self._log(f"cannot record: {error.message}")
        return view

    def _snapshot(self, view: View) -> None:
        path = self._free_name("snapshot", ".png")
        write_image(path, render(view))
        self._log(f"wrote {path}")
        self._display.wrote(path)

    def _toggle_recording(self) -> None:
        if self._recorder:
            self._recorder.finish()
            self._finishing.append(self._recorder)
            self._recorder = None
            self._set_recording(False)
            return
        suffix = browser_suffix()
        self._recorder = Recorder(self._free_name("recording", suffix), self._source.fps)
        self._set_recording(True)
        why = "" if suffix == H264 else "; for H.264: sudo apt install ffmpeg"
        self._log(f"recording {self._recorder.path} ({codec_name(suffix)}{why})")

    def _stop_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder:
            self._set_recording(False)
            self._close(recorder)

    def _report_recordings(self, wait: bool = False) -> None:
        """Of those that were stopped and are whole now. wait: of all."""
        for recorder in [one for one in self._finishing if wait or one.is_finished]:
            self._finishing.remove(recorder)
            try:
                self._close(recorder)
            except EdgefkpError as error:
                self._log(f"cannot record: {error.message}")

    def _close(self, recorder: Recorder) -> None:
        recorder.close()
        self._log(f"wrote {recorder.path}{left_out(recorder)}")
        self._display.wrote(recorder.path)

    def _set_recording(self, on: bool, dropped: int = 0) -> None:
        self._pipeline.options = dataclasses.replace(self._pipeline.options, recording=on, dropped=dropped)

    def _log(self, text: str) -> None:
        """On the terminal, and to the person who pressed the button."""
        self._print(text)
        self._display.log(text)

    def _free_name(self, stem: str, suffix: str) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        names = (self._folder / f"{stem}-{stamp}{extra}{suffix}" for extra in ("", *(f"-{n}" for n in range(1, 1000))))
        unfinished = {recorder.path for recorder in self._finishing}
        return next(name for name in names if name not in unfinished and not os.path.lexists(name))


def left_out(recorder: Recorder) -> str:
    """For the end of a line: how many frames could not be written in time."""
    return f"; {counted(recorder.dropped, 'frame')} left out, faster than can be written" * bool(recorder.dropped)


class Pace:
    """Holds frames of a file back until their time has come."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def wait_for(self, frame: Frame) -> None:
        now = time.monotonic()
        if self._offset is None:
            self._offset = now - frame.seconds
        early = frame.seconds + self._offset - now
        if early > 0:
            time.sleep(early)
        else:
            # Too slow for the file's speed: later frames are not rushed to catch up.
            self._offset = now - frame.seconds
