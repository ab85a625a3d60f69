"""Measure tracking on a known track: the astronaut, rotated by +-20 degrees and scaled by +-30 % (bench.astronaut).

    python -m bench.track --model FILE.tflite [--out bench/results/track.json]

Errors are in pixels of the 96x96 crop, against the true track, in every frame; at 30 frames per second, and at 7.5 as
on a slow board, where the face moves four times as far between frames.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from bench import run
from bench.astronaut import FPS, astronaut, frame_at
from edgefkp.cli.options import json_option, log, print_json
from edgefkp.demo.jitter import jitter_of, lag_of
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.tracker import Tracker
from edgefkp.files import write_json
from edgefkp.geometry import box_of_keypoints
from edgefkp.layout import KAGGLE15, REFERENCE_SIDE

SCHEMA = "edgefkp.track/1"
SECONDS = 20  # covers all combinations of rotation and scale


@dataclass(frozen=True)
class Track:
    """Errors of one model at one frame rate; rmse, rmse_smoothed and worst_frame in pixels of the 96x96 crop."""

    schema: str
    model: str
    fps: float
    frames: int
    lost: int
    searches: int  # runs of the face finder; 1 = never lost
    rmse: float
    rmse_smoothed: float
    worst_frame: float
    jitter: float
    jitter_smoothed: float
    lag_ms: float | None


def measure(model: Path | None, every: int) -> Track:
    """Track every `every`-th frame of the video at 30 frames per second."""
    image = astronaut()
    detector = KeypointDetector(model)
    tracker = Tracker(detector)
    seconds, raw, smooth, lost = [], [], [], 0
    for number in range(0, SECONDS * FPS, every):
        frame, truth = frame_at(number / FPS, image)
        faces = tracker(frame, number / FPS)
        if not faces:
            lost += 1
            continue
        scale = REFERENCE_SIDE / box_of_keypoints(truth, KAGGLE15).side
        seconds.append(number / FPS)
        raw.append((scale * (faces[0].raw - truth), faces[0].raw))
        smooth.append((scale * (faces[0].keypoints - truth), faces[0].keypoints))
    errors, points = (np.stack(part) for part in zip(*raw, strict=True))
    errors_smooth, points_smooth = (np.stack(part) for part in zip(*smooth, strict=True))
    lag = lag_of(np.array(seconds), points, points_smooth)
    return Track(
        schema=SCHEMA,
        model=detector.model.stem,
        fps=FPS / every,
        frames=len(errors) + lost,
        lost=lost,
        searches=tracker.searches,
        rmse=_rms(errors),
        rmse_smoothed=_rms(errors_smooth),
        worst_frame=max(_rms(error) for error in errors),
        jitter=jitter_of(errors),
        jitter_smoothed=jitter_of(errors_smooth),
        lag_ms=None if lag is None else 1000 * lag,
    )


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))


@click.command()
@click.option("--model", "models", multiple=True, type=click.Path(path_type=Path), help="[default: the shipped one]")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the result here.")
@json_option
def main(models: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Measure how well the tracker follows the astronaut's true track."""
    from bench.doc_tables import track_table

    rows = [measure(model, every) for model in models or (None,) for every in (1, 4)]
    if out:
        log(f"wrote {write_json(out, rows)}")
    print_json(rows) if as_json else click.echo(track_table([vars(row) for row in rows]).text())


if __name__ == "__main__":
    run(main)
