"""Frame in, view out: tracking with one model, comparison with another, and the times of every stage."""

import dataclasses
import re
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgefkp.card import read_card
from edgefkp.demo.view import View, ViewOptions
from edgefkp.detect import finders
from edgefkp.detect.detector import KeypointDetector, PresenceCheck
from edgefkp.detect.free import free_set, model_credits
from edgefkp.detect.media import Frame
from edgefkp.detect.tracker import TrackedFace, Tracker
from edgefkp.errors import EdgefkpError
from edgefkp.export.schemes import FLOAT, INTEGER, SCHEMES, parse_tflite
from edgefkp.files import visible
from edgefkp.geometry import crop_face, crop_matrix, invert, move_points
from edgefkp.layout import REFERENCE_SIDE
from edgefkp.runtime.predictor import Predictor, open_predictor
from edgefkp.runtime.shipped import find_model, models

WINDOW = 30  # frames over which rate and times are averaged
MOST_FACES = 20  # that a viewer may ask for
SWITCHES = ("compare", "mirror", "smoothing", "names")  # commands that turn one of the options on or off


class Work(NamedTuple):
    """What predicts the points, for another process."""

    model: str  # path of the file
    finder: str
    runtime: str | None
    threads: int
    max_faces: int  # of a video
    names: bool  # drawn beside the points
    min_face: float | None = None
    free: bool = False


class Pipeline:
    """Runs one of several models on frames; which one, and the options, may change between frames."""

    def __init__(
        self,
        model: Path | str | None = None,
        finder: str = finders.DEFAULT,
        runtime: str | None = None,
        threads: int = 1,
        max_faces: int = 1,
        options: ViewOptions | None = None,
        presence: PresenceCheck | None = None,
        min_face: float | None = None,
        free: bool = False,
    ) -> None:
        """presence: another check than the fitted one. The other arguments: see KeypointDetector."""
        self.options = options or ViewOptions()
        self._finder, self._runtime, self._threads, self._max_faces = finder, runtime, threads, max_faces
        self._presence, self._min_face, self._free = presence, min_face, free
        first = free_set(model, finder).model if free else find_model(model)
        beside = choices_beside(first)
        self.choices = [path for path in beside if model_credits(read_card(path)) is not None] if free else beside
        self._tracker = self._tracker_of(first)
        self._compared: tuple[Path, Predictor] | None = None
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._stages: deque[tuple[float, float, float]] = deque(maxlen=WINDOW)
        self._frames = 0

    @property
    def model(self) -> Path:
        return self._tracker.detector.model

    @property
    def credits(self) -> tuple[str, ...]:
        """Whom to credit for the free set; () where others predict."""
        return self._tracker.detector.credits

    def use(self, name: str | None = None) -> None:
        """Switch to the model of that name, or to the next one. Raises EdgefkpError for one that is not there."""
        present = [path.stem for path in self.choices]
        if name is None:
            name = present[(present.index(self.model.stem) + 1) % len(present)]
        if name not in present:
            raise EdgefkpError(f"no model {name} here", f"there are: {', '.join(present)}")
        searches = self._tracker.searches
        self._stages.clear()
        self._tracker = self._tracker_of(self.choices[present.index(name)])
        self._tracker.searches = searches
        self._compared = None

    @property
    def max_faces(self) -> int:
        return self._max_faces

    def change(self, command: str) -> bool:
        """Carry out one of SWITCHES, "faces:NUMBER" or "confidence:SHARE"; False for anything else."""
        if not is_change(command):
            return False
        name, _, value = command.partition(":")
        if name == "faces":
            if int(value) < self._max_faces:
                self._tracker.reset()
            self._max_faces = self._tracker.max_faces = int(value)
        else:
            wanted: Any = float(value) if value else not getattr(self.options, name)
            self.options = dataclasses.replace(self.options, **{name: wanted})
        return True

    def work(self) -> "Work":
        """What a file that a viewer uploads is predicted with."""
        own = (str(self.model), self._finder, self._runtime, self._threads, self._max_faces, self.options.names)
        return Work(*own, self._min_face, self._free)

    def process(self, frame: Frame) -> View:
        if frame.is_cut:
            self._tracker.reset()
        self._tracker.smoothing = self.options.smoothing
        faces = self._tracker(frame.image, frame.seconds)
        faces = [face for face in faces if face.score >= self.options.confidence]
        self._frames += 1
        self._arrivals.append(time.monotonic())
        stages, predictor = self._tracker.stages, self._tracker.detector.predictor
        self._stages.append((stages.find, stages.network, stages.smooth))
        find, network, smooth = map(float, np.mean(self._stages, axis=0))
        compared, other, difference = self._compare(frame.image, faces) if self.options.compare else (None, (), None)
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
            max_faces=self._max_faces,
            recent=(find, network, smooth),
        )

    def _tracker_of(self, model: Path) -> Tracker:
        detector = KeypointDetector(
            model,
            self._finder,
            min_face=self._min_face,
            runtime=self._runtime,
            threads=self._threads,
            presence=self._presence,
            free=self._free,
        )
        return Tracker(detector, max_faces=self._max_faces)

    def _rate(self) -> float:
        if len(self._arrivals) < 2:
            return 0.0
        return (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-6)

    def _compare(
        self, image: np.ndarray, faces: list[TrackedFace]
    ) -> tuple[str | None, tuple[np.ndarray, ...], tuple[float, float] | None]:
        """Predict the very same boxes with the other model; nothing is smoothed on either side."""
        self._compared = self._compared or self._open_counterpart()
        if self._compared is None:
            return None, (), None
        path, predictor = self._compared
        if not faces:
            return path.stem, (), None
        spec = predictor.spec.input
        raw = predictor.predict(np.stack([crop_face(image, face.box, spec) for face in faces]))
        if not np.isfinite(raw).all():
            return path.stem, (), None
        other = tuple(
            move_points(invert(crop_matrix(face.box, spec.side)), own) for face, own in zip(faces, raw, strict=True)
        )
        distances = np.stack(
            [
                np.linalg.norm(own - face.raw, axis=-1) * (REFERENCE_SIDE / face.box.side)
                for face, own in zip(faces, other, strict=True)
            ]
        )
        return path.stem, other, (float(distances.mean()), float(distances.max()))

    def _open_counterpart(self) -> tuple[Path, Predictor] | None:
        """The first model to compare with that can be opened and has the same points."""
        for path in counterparts(self.model, self.choices):
            try:
                predictor = open_predictor(path, self._runtime, self._threads)
            except EdgefkpError:
                continue
            if predictor.spec.layout == self._tracker.detector.spec.layout:
                return path, predictor
        return None


def is_change(command: str) -> bool:
    """Whether `Pipeline.change` knows it: whoever takes commands from the network asks first."""
    name, _, value = command.partition(":")
    if name == "faces":
        return re.fullmatch(r"\d{1,2}", value, re.ASCII) is not None and 1 <= int(value) <= MOST_FACES
    if name == "confidence":
        return re.fullmatch(r"0(\.\d{1,4})?|1", value) is not None
    return command in SWITCHES


def choices_beside(model: Path) -> list[Path]:
    """`model`, then the others to choose from: those of its folder and the shipped ones."""
    return list(dict.fromkeys([model, *visible(model.parent, "*.tflite"), *models()]))


def counterparts(model: Path, choices: list[Path]) -> list[Path]:
    """Float files for an integer file and the reverse; those of the same network come first."""
    name = parse_tflite(model)
    wanted = FLOAT if name.scheme and SCHEMES[name.scheme].integer else INTEGER
    rest = [path for path in choices if path != model and parse_tflite(path).scheme == wanted]
    return sorted(rest, key=lambda path: parse_tflite(path).model != name.model)
