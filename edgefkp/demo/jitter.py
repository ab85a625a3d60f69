"""The jitter of keypoints, raw and smoothed, and the lag of the smoothed ones."""

from dataclasses import dataclass

import numpy as np

from edgefkp.demo.frames import FrameSource
from edgefkp.demo.session import Pipeline
from edgefkp.detect.media import Frame
from edgefkp.detect.tracker import TrackedFace
from edgefkp.errors import EdgefkpError
from edgefkp.layout import REFERENCE_SIDE

SCHEMA = "edgefkp.jitter/1"
SHORTEST = 15  # frames of one face that are needed
LONGEST_LAG = 0.5  # seconds
MOTION = 4.0  # the face's middle must move by this many times its jitter, or the lag cannot be measured


@dataclass(frozen=True)
class Jitter:
    """What `edgefkp demo --measure-jitter --json` prints. Jitter is that of a coordinate in pixels of a 96x96 crop."""

    schema: str
    source: str
    model: str
    frames: int
    raw_px: float
    filtered_px: float
    lag_ms: float | None  # of the filtered behind the raw points; None for a face that hardly moves


def measure_jitter(source: FrameSource, pipeline: Pipeline, frames: int | None = None) -> Jitter:
    """Track the first face through `source`, or through its first `frames` frames, without a display.

    Raises EdgefkpError if no face is tracked through SHORTEST frames.
    """
    runs: list[list[tuple[Frame, TrackedFace]]] = []
    try:
        for frame in source.frames():
            if frame is None:
                continue
            view = pipeline.process(frame)
            if view.faces:
                face = view.faces[0]
                if not runs or frame.is_cut or runs[-1][-1][1].number != face.number:
                    runs.append([])
                runs[-1].append((frame._replace(image=frame.image[:0]), face))
            if view.frames == frames:
                break
    finally:
        source.close()
    longest = max(runs, key=len, default=[])
    if len(longest) < SHORTEST:
        raise EdgefkpError(
            f"{source.name}: no face could be followed through {SHORTEST} frames; the longest run has {len(longest)}",
            "give a camera or a video with a face",
        )
    seconds = np.array([frame.seconds for frame, _ in longest])
    scale = REFERENCE_SIDE / np.median([face.box.side for _, face in longest])
    raw = np.stack([face.raw for _, face in longest]) * scale
    smooth = np.stack([face.keypoints for _, face in longest]) * scale
    lag = lag_of(seconds, raw, smooth)
    return Jitter(
        SCHEMA, source.name, pipeline.model.stem, len(longest), jitter_of(raw), jitter_of(smooth), lag and 1000 * lag
    )


def jitter_of(points: np.ndarray) -> float:
    """Standard deviation of a coordinate about a smooth motion: (frames, K, 2) -> pixels.

    Second differences drop position and steady speed; of noise with deviation s they have sqrt(6) s.
    """
    second = np.diff(points.astype(np.float64), 2, axis=0)
    return float(np.sqrt(np.mean(second**2) / 6))


def lag_of(seconds: np.ndarray, raw: np.ndarray, smooth: np.ndarray) -> float | None:
    """The delay in seconds at which raw points match the smoothed ones best; None for a face at rest."""
    before, after = raw.mean(1), smooth.mean(1)
    if np.std(before, axis=0).max() < MOTION * max(jitter_of(raw), 1e-3):
        return None
    counted = seconds >= seconds[0] + LONGEST_LAG
    if counted.sum() < SHORTEST:
        return None
    delays = np.linspace(0, LONGEST_LAG, 251)
    costs = [np.sum((_at(seconds[counted] - delay, seconds, before) - after[counted]) ** 2) for delay in delays]
    return float(delays[int(np.argmin(costs))])


def _at(times: np.ndarray, seconds: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(times, seconds, axis) for axis in points.T], -1)
