"""Frame in, view out: tracking with one model, comparison with another, and the numbers of every stage."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.demo.frames import Frame
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.overlay import draw_faces, draw_lines
from edgefkp.detect.tracker import TrackedFace, Tracker
from edgefkp.errors import EdgefkpError
from edgefkp.export.schemes import FLOAT, INTEGER, SCHEMES, parse_tflite
from edgefkp.geometry import crop_matrix, invert, move_points
from edgefkp.layout import SIZE
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.runtime.shipped import find_model, models

FPS_WINDOW = 30  # frames over which the rate is counted


@dataclass(frozen=True)
class Options:
    """What keys and buttons change."""

    names: bool = False
    smoothing: bool = True
    compare: bool = False
    recording: bool = False


@dataclass(frozen=True, eq=False)
class View:
    """One frame with everything that is known of it. Times in milliseconds.

    other: the keypoints of the compared model, face by face; difference: the mean and the largest distance between
    both models' points, in pixels of the 96x96 crop; empty and None where nothing is compared.
    """

    frame: Frame
    faces: list[TrackedFace]
    model: str
    runtime: str
    find: float
    network: float
    smooth: float
    fps: float
    frames: int
    searches: int
    options: Options
    compared: str | None = None
    other: tuple[np.ndarray, ...] = ()
    difference: tuple[float, float] | None = None

    @property
    def total(self) -> float:
        return self.find + self.network + self.smooth

    def numbers(self) -> dict[str, object]:
        """For pages and programs: JSON with keypoints in image pixels."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "fps": round(self.fps, 1),
            "ms": {"find": self.find, "network": self.network, "smooth": self.smooth, "total": self.total},
            "frames": self.frames,
            "searches": self.searches,
            "size": [self.frame.image.shape[1], self.frame.image.shape[0]],
            "seconds": self.frame.seconds,
            "faces": [
                {"number": face.number, "score": face.score, "box": list(face.box), "keypoints": face.keypoints}
                for face in self.faces
            ],
            "compared": self.compared,
            "difference": None if self.difference is None else {"mean": self.difference[0], "max": self.difference[1]},
            "names": self.options.names,
            "smoothing": self.options.smoothing,
            "recording": self.options.recording,
        }


class Pipeline:
    """Runs one of several models on frames; which one, and the options, may change between frames."""

    def __init__(
        self,
        model: Path | str | None = None,
        finder: str = "haar",
        runtime: str | None = None,
        threads: int = 1,
        max_faces: int = 1,
        options: Options | None = None,
    ) -> None:
        self.options = options or Options()
        self._finder, self._runtime, self._threads, self._max_faces = finder, runtime, threads, max_faces
        first = find_model(model)
        self.choices = choices_beside(first)
        self._tracker = self._tracker_of(first)
        self._compared: tuple[Path, Predictor] | None = None
        self._arrivals: deque[float] = deque(maxlen=FPS_WINDOW)
        self._frames = 0

    @property
    def model(self) -> Path:
        return self._tracker.detector.model

    def use(self, name: str | None = None) -> None:
        """Switch to the model of that name, or to the next one. Raises EdgefkpError for one that is not there."""
        present = [path.stem for path in self.choices]
        if name is None:
            name = present[(present.index(self.model.stem) + 1) % len(present)]
        if name not in present:
            raise EdgefkpError(f"no model {name} here", f"there are: {', '.join(present)}")
        searches = self._tracker.searches
        self._tracker = self._tracker_of(self.choices[present.index(name)])
        self._tracker.searches = searches
        self._compared = None

    def process(self, frame: Frame) -> View:
        if frame.fresh:
            self._tracker.reset()
        self._tracker.smoothing = self.options.smoothing
        faces = self._tracker(frame.image, frame.seconds)
        self._frames += 1
        self._arrivals.append(time.monotonic())
        stages, predictor = self._tracker.stages, self._tracker.detector.predictor
        compared, other, difference = self._compare(faces) if self.options.compare else (None, (), None)
        return View(
            frame=frame,
            faces=faces,
            model=self.model.stem,
            runtime=f"{predictor.runtime} {predictor.version}",
            find=stages.find,
            network=stages.network,
            smooth=stages.smooth,
            fps=self._rate(),
            frames=self._frames,
            searches=self._tracker.searches,
            options=self.options,
            compared=compared,
            other=other,
            difference=difference,
        )

    def _tracker_of(self, model: Path) -> Tracker:
        detector = KeypointDetector(model, self._finder, runtime=self._runtime, threads=self._threads)
        return Tracker(detector, max_faces=self._max_faces)

    def _rate(self) -> float:
        if len(self._arrivals) < 2:
            return 0.0
        return (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-6)

    def _compare(
        self, faces: list[TrackedFace]
    ) -> tuple[str | None, tuple[np.ndarray, ...], tuple[float, float] | None]:
        """Ask the other model about the very same crops; nothing is smoothed on either side."""
        if self._compared is None:
            path = counterpart(self.model, self.choices)
            if path is None:
                return None, (), None
            self._compared = path, open_predictor(path, self._runtime, self._threads)
        path, predictor = self._compared
        if not faces:
            return path.stem, (), None
        raw = predictor.predict(np.stack([face.crop for face in faces]))
        other = tuple(
            move_points(invert(crop_matrix(face.box, SIZE)), own) for face, own in zip(faces, raw, strict=True)
        )
        distances = np.stack(
            [
                np.linalg.norm(own - face.raw, axis=-1) * (SIZE / face.box.side)
                for face, own in zip(faces, other, strict=True)
            ]
        )
        return path.stem, other, (float(distances.mean()), float(distances.max()))


def choices_beside(model: Path) -> list[Path]:
    """`model`, then the others to choose from: those of its folder and the shipped ones."""
    return list(dict.fromkeys([model, *sorted(model.parent.glob("*.tflite")), *models()]))


def counterpart(model: Path, choices: list[Path]) -> Path | None:
    """A float file for an integer one and the reverse, preferably of the same network."""
    name = parse_tflite(model)
    wanted = FLOAT if name.scheme and SCHEMES[name.scheme].integer else INTEGER
    rest = [path for path in choices if path != model and parse_tflite(path).scheme == wanted]
    same = [path for path in rest if parse_tflite(path).model == name.model]
    return next(iter(same + rest), None)


def picture_of(view: View, numbers: bool = True) -> np.ndarray:
    """The view as a (H, W, 3) BGR picture; the two models side by side where they are compared."""
    left = view.frame.image.copy()
    draw_faces(left, view.faces, view.options.names)
    if numbers:
        draw_lines(left, lines_of(view))
    if view.compared is None:
        return left
    right = view.frame.image.copy()
    for face, points in zip(view.faces, view.other, strict=False):
        draw_faces(right, [_with_points(face, points)], view.options.names)
    difference = f"{view.difference[0]:.2f} px apart, at most {view.difference[1]:.2f}" if view.difference else "-"
    draw_lines(right, [view.compared, difference])
    return np.hstack([left, right])


def _with_points(face: TrackedFace, points: np.ndarray) -> TrackedFace:
    return TrackedFace(face.box, face.score, points, face.number, face.crop, points)


def lines_of(view: View) -> list[str]:
    faces = f"{len(view.faces)} face{'' if len(view.faces) == 1 else 's'}" if view.faces else "no face"
    return [
        f"{view.model}  {view.runtime}",
        f"{view.fps:.0f} fps  {faces}{'' if view.options.smoothing else '  unsmoothed'}",
        f"find {view.find:.1f}  network {view.network:.1f}  smooth {view.smooth:.1f} ms",
    ]
