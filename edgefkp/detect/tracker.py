"""From frame to frame: the next box comes from this frame's keypoints; the finder runs only when a face is lost."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from edgefkp.detect.detector import Face, KeypointDetector, Look, as_picture, sane_box
from edgefkp.detect.presence import FACE_THRESHOLD
from edgefkp.detect.smoothing import OneEuro
from edgefkp.geometry import Box

# A face that was seen before may be less sure than a new one: blur and a turned head pass again.
KEEP = 0.2
REDISCOVER = 1.0  # seconds between searches for more faces, while fewer than `max_faces` are tracked
FAST = 0.06  # of the side: a face that moved or grew by more is looked at again, as networks are trained for less
LOOKS = 4
SAME_FACE = 0.5  # two tracks whose centres are closer than this share of the side follow one face


@dataclass(frozen=True, eq=False)
class TrackedFace(Face):
    """number: of the track, the same from frame to frame. crop: (96, 96) uint8, what the network saw.
    raw: (15, 2) float32 image pixels before smoothing.
    """

    number: int
    crop: np.ndarray
    raw: np.ndarray


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
    """Follows up to `max_faces` faces through frames. Not for several threads at once.

    searches: how many frames needed the finder.
    """

    detector: KeypointDetector
    smoothing: bool = True
    max_faces: int = 1
    searches: int = 0
    stages: Stages = field(default_factory=Stages)
    _tracks: list[_Track] = field(default_factory=list)
    _numbered: int = 0
    _searched: float = -np.inf

    def __call__(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        """The faces of the frame that was taken at `seconds` (any clock that goes forward)."""
        image = as_picture(image)
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
            look = self._look(image, track.box)
            if look.face.score >= KEEP and not any(_same(look.face.box, other.box) for other in kept):
                kept.append(_tracked(look.face, track.number, look.crop))
        self._keep(kept)
        self.stages.network = _since(started)
        return kept

    def _look(self, image: np.ndarray, box: Box) -> Look:
        """At the face near `box`; again where it has moved so far that the crop was cut beside it."""
        look = self.detector.look(image, box)
        for _ in range(LOOKS - 1):
            moved = sane_box(look.face.keypoints, look.face.box)
            if not _apart(moved, look.face.box):
                break
            look = self.detector.look(image, moved)
        return look

    def _keep(self, faces: list[TrackedFace]) -> None:
        numbers = {face.number: face for face in faces}
        self._tracks = [
            replace(track, box=sane_box(numbers[track.number].raw, track.box))
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
            look = self.detector.settle(image, candidate.box)
            taken = any(_same(look.face.box, other.box) for other in [*known, *new])
            if look.face.score < max(FACE_THRESHOLD, self.detector.min_score) or taken:
                continue
            self._numbered += 1
            new.append(_tracked(look.face, self._numbered, look.crop))
            self._tracks.append(_Track(self._numbered, sane_box(look.face.keypoints, look.face.box), OneEuro()))
        self.stages.network += _since(started)
        return new

    def _smoothed(self, face: TrackedFace, seconds: float) -> TrackedFace:
        if not self.smoothing:
            return face
        track = next(track for track in self._tracks if track.number == face.number)
        return replace(face, keypoints=track.filter(face.raw, face.box.side, seconds))


def _tracked(face: Face, number: int, crop: np.ndarray) -> TrackedFace:
    return TrackedFace(face.box, face.score, face.keypoints, number, crop, face.keypoints)


def _apart(one: Box, other: Box) -> bool:
    far = max(abs(one.x - other.x), abs(one.y - other.y), abs(one.side - other.side))
    return far > FAST * other.side


def _same(one: Box, other: Box) -> bool:
    return max(abs(one.x - other.x), abs(one.y - other.y)) < SAME_FACE * max(one.side, other.side)


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)
