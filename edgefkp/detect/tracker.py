"""From frame to frame: the next box comes from this frame's keypoints; the finder runs only when a face is lost."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from edgefkp.detect.detector import CropPrediction, Face, KeypointDetector, as_image, next_box
from edgefkp.detect.presence import FACE_THRESHOLD
from edgefkp.detect.smoothing import OneEuro
from edgefkp.geometry import Box

# A face that was seen before is kept at a lower score than a new one needs: blur and a turned head pass.
TRACK_THRESHOLD = 0.2
REDISCOVER = 1.0  # seconds between searches for more faces, while fewer than `max_faces` are tracked
# In shares of the side: after a face has moved or grown by more, its new box is predicted, too; networks are trained
# for less.
MAX_MOTION = 0.06
MAX_PREDICTIONS = 4  # of one face in one frame
SAME_FACE = 0.5  # two tracks whose centers are closer than this share of the side follow one face


@dataclass(frozen=True, eq=False)
class TrackedFace(Face):
    number: int  # of the track, the same from frame to frame
    crop: np.ndarray  # uint8 of the model's input.image_shape: what the network saw
    raw: np.ndarray  # (K, 2) float32 image pixels before smoothing


@dataclass
class Stages:
    """Milliseconds of the last frame."""

    find: float = 0.0  # the face finder; 0 on frames where every face was tracked
    network: float = 0.0  # crop, network and presence check
    smooth: float = 0.0


@dataclass
class _Track:
    number: int
    box: Box
    filter: OneEuro


@dataclass
class Tracker:
    """Follows faces through the frames of a video. Not for several threads at once.

    tracker = Tracker(KeypointDetector())
    for face in tracker(frame, seconds):
        print(face.number, face.keypoints)
    """

    detector: KeypointDetector
    smoothing: bool = True  # by a One-Euro filter for each face
    max_faces: int = 1
    searches: int = 0  # how many frames needed the finder
    stages: Stages = field(default_factory=Stages)
    _tracks: list[_Track] = field(default_factory=list)
    _numbered: int = 0
    _searched: float = -np.inf

    def __call__(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        """The faces of the frame that was taken at `seconds` (any clock that goes forward)."""
        image = as_image(image)
        self.stages = Stages()
        faces = self._follow(image)
        if not faces or (len(faces) < self.max_faces and seconds - self._searched >= REDISCOVER):
            faces += self._search(image, seconds, faces)
        started = time.perf_counter()
        smoothed = [self._smoothed(face, seconds) for face in faces]
        self.stages.smooth = _since(started)
        return smoothed

    def reset(self) -> None:
        """Forget every face: the next frame is not a successor of the last one."""
        self._tracks, self._searched = [], -np.inf

    def _follow(self, image: np.ndarray) -> list[TrackedFace]:
        started = time.perf_counter()
        kept: list[TrackedFace] = []
        for track in self._tracks:
            predicted = self._predict_near(image, track.box)
            face = predicted.face
            if face.score >= TRACK_THRESHOLD and not any(_is_same(face.box, other.box) for other in kept):
                kept.append(_tracked(face, track.number, predicted.crop))
        self._update_tracks(kept)
        self.stages.network = _since(started)
        return kept

    def _predict_near(self, image: np.ndarray, box: Box) -> CropPrediction:
        """The prediction for the face near `box`; repeated while the face lies far beside the crop."""
        predicted = self.detector.predict_box(image, box)
        for _ in range(MAX_PREDICTIONS - 1):
            moved = _next_box(predicted.face, predicted.face.box)
            if not _has_moved(moved, predicted.face.box):
                break
            predicted = self.detector.predict_box(image, moved)
        return predicted

    def _update_tracks(self, faces: list[TrackedFace]) -> None:
        numbers = {face.number: face for face in faces}
        self._tracks = [
            replace(track, box=_next_box(numbers[track.number], track.box))
            for track in self._tracks
            if track.number in numbers
        ]

    def _search(self, image: np.ndarray, seconds: float, known: list[TrackedFace]) -> list[TrackedFace]:
        self._searched = seconds
        self.searches += 1
        started = time.perf_counter()
        found = self.detector.finder.find(image)
        self.stages.find = _since(started)
        started = time.perf_counter()
        new: list[TrackedFace] = []
        for candidate in found:
            if len(known) + len(new) >= self.max_faces:
                break
            predicted = self.detector.refine(image, candidate.box)
            face = predicted.face
            is_taken = any(_is_same(face.box, other.box) for other in [*known, *new])
            if face.score < max(FACE_THRESHOLD, self.detector.min_score) or is_taken:
                continue
            self._numbered += 1
            new.append(_tracked(face, self._numbered, predicted.crop))
            self._tracks.append(_Track(self._numbered, _next_box(face, face.box), OneEuro()))
        self.stages.network += _since(started)
        return new

    def _smoothed(self, face: TrackedFace, seconds: float) -> TrackedFace:
        if not self.smoothing:
            return face
        track = next(track for track in self._tracks if track.number == face.number)
        return replace(face, keypoints=track.filter(face.raw, face.box.side, seconds))


def _tracked(face: Face, number: int, crop: np.ndarray) -> TrackedFace:
    return TrackedFace(face.box, face.score, face.keypoints, face.layout, number, crop, face.keypoints)


def _next_box(face: Face, before: Box) -> Box:
    return next_box(face.keypoints, face.layout, before)


def _has_moved(box: Box, before: Box) -> bool:
    far = max(abs(box.x - before.x), abs(box.y - before.y), abs(box.side - before.side))
    return far > MAX_MOTION * before.side


def _is_same(one: Box, other: Box) -> bool:
    return max(abs(one.x - other.x), abs(one.y - other.y)) < SAME_FACE * max(one.side, other.side)


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)
