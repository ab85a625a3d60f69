"""Measure the time of each stage from a 640x480 frame to smoothed keypoints, on one core.

    python -m bench.pipeline --model FILE.tflite [--out bench/results/pipeline.json]

Reports two frame rates: with the face tracked in every frame, and for the same video with a face-finder search every
SEARCH frames, as if the face were lost that often. Frames are generated before the clock starts: no camera, no display.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import run
from edgefkp.bench import machine
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.files import write_json

SCHEMA = "edgefkp.pipeline/1"
FRAMES = 300
SEARCH = 100  # frames: as if a face were lost every 3.3 seconds of camera video
WARM_UP = 20


@dataclass(frozen=True)
class Stage:
    """Processor time of one stage, in microseconds."""

    name: str
    median: float
    p95: float


@dataclass(frozen=True)
class PipelineResult:
    """Frame rates and stage times of one model on one core."""

    schema: str
    model: str
    runtime: str
    processor: str
    opencv: str
    frames: int
    search: int  # frames between two searches
    tracked_fps: float  # frames per second by the clock, if no frame needs the face finder
    with_finder_fps: float  # by the clock, with a search every `search` frames
    # By the processor time of the one working thread: what a core reaches if nothing else runs on it.
    tracked_core_fps: float
    with_finder_core_fps: float
    slowest_tracked_us: float
    stages: tuple[Stage, ...]  # of tracked frames, and of the finder alone


def one_core() -> None:
    """Pin this process and the threads of its libraries to one core."""
    import cv2

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(model: Path | None, runtime: str | None = None) -> PipelineResult:
    import cv2

    from bench.astronaut import FPS, astronaut, frame_at
    from edgefkp.detect.detector import KeypointDetector
    from edgefkp.detect.tracker import Tracker

    image = astronaut()
    frames = [frame_at(number / FPS, image)[0] for number in range(FRAMES)]
    detector = KeypointDetector(model, runtime=runtime)
    tracked = _run(Tracker(detector), frames, 0)
    with_finder = _run(Tracker(detector), frames, SEARCH)
    return PipelineResult(
        schema=SCHEMA,
        model=detector.model.name,
        runtime=f"{detector.predictor.runtime} {detector.predictor.version}",
        processor=machine.describe().get("processor", "unknown"),
        opencv=cv2.__version__,
        frames=FRAMES,
        search=SEARCH,
        tracked_fps=_rate(tracked[:, 0]),
        with_finder_fps=_rate(with_finder[:, 0]),
        tracked_core_fps=_rate(tracked[:, 1]),
        with_finder_core_fps=_rate(with_finder[:, 1]),
        slowest_tracked_us=float(tracked[:, 0].max()),
        stages=_stages(detector, frames[0]),
    )


def _rate(microseconds: np.ndarray) -> float:
    return float(1e6 * len(microseconds) / microseconds.sum())


def _run(tracker: Any, frames: list[np.ndarray], search: int) -> np.ndarray:
    """Return (frames, 2) microseconds, by the clock and of the thread, without the warm-up and its search."""
    for number in range(WARM_UP):
        tracker(frames[0], number / 30 - 1)
    times = []
    for number, frame in enumerate(frames):
        if search and number % search == 0:
            tracker.reset()
        started, worked = time.perf_counter_ns(), time.thread_time_ns()
        faces = tracker(frame, number / 30)
        times.append(((time.perf_counter_ns() - started) / 1000, (time.thread_time_ns() - worked) / 1000))
        assert faces, f"the tracker lost the face in frame {number}"
    return np.array(times)


def _stages(detector: Any, frame: np.ndarray) -> tuple[Stage, ...]:
    """Time each stage separately, on one frame."""
    from edgefkp.detect.presence import fitted
    from edgefkp.detect.smoothing import OneEuro
    from edgefkp.geometry import crop_face

    found = detector.finder.find(frame)[0].box
    predicted = detector.refine(frame, found)
    check, smooth = fitted(), OneEuro()
    clock = iter(range(10**9))
    steps = {
        "crop": lambda: crop_face(frame, predicted.face.box, detector.spec.input),
        "network": lambda: detector.predictor.predict(predicted.crop[None]),
        "presence check": lambda: check(predicted.crop, predicted.raw, detector.spec.layout),
        "smoothing": lambda: smooth(predicted.face.keypoints, predicted.face.box.side, next(clock) / 30),
        "face finder": lambda: detector.finder.find(frame),
    }
    return tuple(_timed(name, step, 30 if name == "face finder" else 300) for name, step in steps.items())


def _timed(name: str, step: Any, count: int) -> Stage:
    times = []
    for _ in range(count):
        started = time.thread_time_ns()
        step()
        times.append((time.thread_time_ns() - started) / 1000)
    return Stage(name, float(np.median(times)), float(np.percentile(times, 95)))


@click.command()
@click.option("--model", "models", multiple=True, type=click.Path(path_type=Path), help="[default: the shipped one]")
@click.option("--runtime")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(models: tuple[Path, ...], runtime: str | None, out: Path | None, as_json: bool) -> None:
    """Measure the live pipeline on one core."""
    one_core()
    results = [measure(model, runtime) for model in models or (None,)]
    if out:
        log(f"wrote {write_json(out, results)}")
    if as_json:
        print_json(results)
        return
    for result in results:
        click.echo(_told(result))


def _told(result: PipelineResult) -> str:
    from tabulate import tabulate

    rates = [
        ("every frame tracked", result.tracked_fps, result.tracked_core_fps),
        (f"with a search every {result.search} frames", result.with_finder_fps, result.with_finder_core_fps),
    ]
    stages = [(stage.name, stage.median, stage.p95) for stage in result.stages]
    return "\n\n".join(
        [
            f"{result.model}, {result.runtime}, OpenCV {result.opencv}, one core of {result.processor}",
            tabulate(rates, headers=["frames per second", "wall clock", "processor time"], floatfmt=".0f"),
            tabulate(stages, headers=["stage", "median us", "p95 us"], floatfmt=".0f"),
        ]
    )


if __name__ == "__main__":
    run(main)
