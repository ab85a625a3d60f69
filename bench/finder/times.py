"""Processor time of finders on frames of 640x480: a search, a still, a tracked frame, and one in which a face is lost.

    python -m bench.finder.times --finder haar --finder edge [--out bench/results/finder-times.json]

The finders take turns, so that their ratios hold whatever else the machine does; the first one is what the others are
compared with. In each turn a step is repeated for TURN seconds, as in a video, where a search follows a search. The
frame is scikit-image's astronaut, the one without a face its coffee.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.finder.judge import HEIGHT, WIDTH
from bench.pipeline import one_core
from edgefkp.bench import machine
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders import usages
from edgefkp.detect.tracker import Tracker
from edgefkp.files import plain, write_json

SCHEMA = "edgefkp.finder-times/1"
TURN = 0.02  # seconds of processor time, at least


@dataclass(frozen=True)
class FinderTimes:
    """Milliseconds of processor time, medians."""

    schema: str
    finder: str
    processor: str
    rounds: int
    search_with_face: float  # in a frame of a video
    search_without_face: float
    still: float  # with a face: the finer search, and the detector on what it finds
    tracked_frame: float  # crop, network, presence check and smoothing: no search
    lost_frame: float  # of a tracker without a face


def images() -> tuple[np.ndarray, np.ndarray]:
    """(HEIGHT, WIDTH, 3) BGR, with a face and without."""
    import cv2
    from skimage import data

    from bench.astronaut import astronaut

    with_face = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    left = (WIDTH - 512) // 2
    with_face[:, left : left + 512] = astronaut()[:HEIGHT]
    coffee = cv2.resize(cv2.cvtColor(data.coffee(), cv2.COLOR_RGB2BGR), (WIDTH, HEIGHT))
    return with_face, coffee


def steps(detector: KeypointDetector, with_face: np.ndarray, without: np.ndarray) -> list[Callable[[], object]]:
    """What is timed, in the order of the fields."""
    tracked, lost = Tracker(detector), Tracker(detector)
    tracked(with_face, 0.0)
    seconds = iter(range(10**6))
    return [
        lambda: detector.finder.find(with_face),
        lambda: detector.finder.find(without),
        lambda: detector(with_face),
        lambda: tracked(with_face, 1 + next(seconds) / 30),
        lambda: lost(without, next(seconds) / 30),
    ]


def timed_step(step: Callable[[], object]) -> float:
    """Seconds of one of the repetitions, on the mean."""
    began, repetitions = time.process_time(), 0
    while (spent := time.process_time() - began) < TURN or not repetitions:
        step()
        repetitions += 1
    return spent / repetitions


def measure(specs: tuple[str, ...], rounds: int) -> list[FinderTimes]:
    with_face, without = images()
    own = [(spec, steps(KeypointDetector(finder=spec), with_face, without)) for spec in specs]
    seconds = np.zeros((rounds + 1, len(own), 5))
    for number in range(rounds + 1):
        for which, (_, timed) in enumerate(own):
            for place, step in enumerate(timed):
                seconds[number, which, place] = timed_step(step)
    medians = np.median(seconds[1:], 0) * 1000  # the first round is a warm-up
    processor = machine.describe().get("processor", "unknown")
    return [
        FinderTimes(SCHEMA, spec.partition(":")[0], processor, rounds, *row.tolist())
        for (spec, _), row in zip(own, medians, strict=True)
    ]


@click.command()
@click.option("--finder", "specs", multiple=True, required=True, help=f"{usages()}.")
@click.option("--rounds", default=30, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(specs: tuple[str, ...], rounds: int, out: Path | None, as_json: bool) -> None:
    """Time finders against each other."""
    from bench.finder_tables import finder_times_table

    one_core()
    rows = measure(specs, rounds)
    if out:
        log(f"wrote {write_json(out, rows)}")
    print_json(rows) if as_json else click.echo(finder_times_table([plain(row) for row in rows]).text())


if __name__ == "__main__":
    run(main)
