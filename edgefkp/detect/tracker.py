"""From frame to frame: the next box comes from this frame's keypoints; the finder runs only when a face is lost."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from edgefkp.detect.detector import CropPrediction, Face, KeypointDetector, as_image, is_same, next_box
from edgefkp.detect.presence import FACE_THRESHOLD, patch_of, upright
from edgefkp.detect.smoothing import OneEuro
from edgefkp.geometry import Box

# A face that was seen before is kept at a lower score than a new one needs: blur and a turned head pass.
TRACK_THRESHOLD = 0.2
REDISCOVER = 1.0  # seconds between searches for more faces, while fewer than `max_faces` are tracked
# Seconds. A face that was lost keeps its number for so long, and is searched for that often.
LOST, REGAIN = 1.1, 0.1
# Where it may be found again: sides of its box, at once and more with each second; and how much larger or smaller.
NEAR_LOST, PER_SECOND, SIMILAR = 0.6, 1.5, 1.6
# In shares of the side: after a face has moved or grown by more, its new box is predicted, too; networks are trained
# for less.
MAX_MOTION = 0.06
MAX_PREDICTIONS = 4  # of one face in one frame
APART = 1.2  # sides: faces that are this far from every other one show how they look
LOOK_AGAIN = 0.3  # seconds after which they do so again
UNLIKE = 0.3  # likeness up to which a face is somebody else: of different persons it is -0.3 to 0.5


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
    seen: float  # seconds, of the last frame with it
    look: np.ndarray  # the upright patch of it, as it was seen beside no other face
    looked: float  # seconds, when that was


@dataclass
class Tracker:
    """Follows faces through the frames of a video.

        tracker = Tracker(KeypointDetector())
        for face in tracker(frame, seconds):
            print(face.number, face.keypoints)

    Not for several threads at once.
    """

    detector: KeypointDetector
    smoothing: bool = True  # by a One-Euro filter for each face, which weighs points by their deviations
    max_faces: int = 1
    searches: int = 0  # how many frames needed the finder
    stages: Stages = field(default_factory=Stages)
    _tracks: list[_Track] = field(default_factory=list)
    _lost: list[_Track] = field(default_factory=list)
    _numbered: int = 0
    _searched: float = -np.inf

    def __call__(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        """The faces of the frame that was taken at `seconds` (any clock that goes forward)."""
        image = as_image(image)
        self.stages = Stages()
        faces = self._follow(image, seconds)
        self._lost = [track for track in self._lost if 0 <= seconds - track.seen <= LOST]
        wait = REGAIN if self._lost else REDISCOVER
        if not faces or (len(faces) < self.max_faces and seconds - self._searched >= wait):
            faces += self._search(image, seconds, faces)
        started = time.perf_counter()
        smoothed = [self._smoothed(face, seconds) for face in faces]
        self.stages.smooth = _since(started)
        return smoothed

    def reset(self) -> None:
        """Forget every face: the next frame is not a successor of the last one."""
        self._tracks, self._lost, self._searched = [], [], -np.inf

    def _follow(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        started = time.perf_counter()
        kept: list[tuple[_Track, CropPrediction]] = []
        for track in self._tracks:
            predicted = self._predict_near(image, track.box)
            if predicted.face.score < TRACK_THRESHOLD:
                continue
            same = [place for place, (_, other) in enumerate(kept) if is_same(predicted.face.box, other.face.box)]
            if not same:
                kept.append((track, predicted))
            elif _likeness(track, predicted) > _likeness(kept[same[0]][0], predicted):
                kept[same[0]] = track, predicted  # the other one's face is behind this one
        faces = [_tracked(predicted.face, track.number, predicted.crop) for track, predicted in kept]
        self._update_tracks(kept, seconds)
        self.stages.network = _since(started)
        return faces

    def _predict_near(self, image: np.ndarray, box: Box) -> CropPrediction:
        """The prediction for the face near `box`; repeated while the face lies far beside the crop."""
        predicted = self.detector.predict_box(image, box)
        for _ in range(MAX_PREDICTIONS - 1):
            moved = _next_box(predicted.face, predicted.face.box)
            if not _has_moved(moved, predicted.face.box):
                break
            predicted = self.detector.predict_box(image, moved)
        return predicted

    def _update_tracks(self, kept: list[tuple[_Track, CropPrediction]], seconds: float) -> None:
        numbers = {track.number for track, _ in kept}
        self._lost += [track for track in self._tracks if track.number not in numbers]
        self._tracks = []
        for track, predicted in kept:
            face = predicted.face
            track = replace(track, box=_next_box(face, track.box), seen=seconds)
            if seconds - track.looked >= LOOK_AGAIN and face.score >= FACE_THRESHOLD:
                others = [other.face.box for own, other in kept if own.number != track.number]
                if not any(is_same(face.box, other, APART) for other in others):
                    track = replace(track, look=_look(predicted), looked=seconds)
            self._tracks.append(track)

    def _search(self, image: np.ndarray, seconds: float, known: list[TrackedFace]) -> list[TrackedFace]:
        self._searched = seconds
        self.searches += 1
        started = time.perf_counter()
        found = self.detector.boxes(image, still=False)
        self.stages.find = _since(started)
        started = time.perf_counter()
        new: list[TrackedFace] = []
        for box in found:
            if len(known) + len(new) >= self.max_faces:
                break
            predicted = self.detector.refine(image, box)
            face = predicted.face
            is_taken = any(is_same(face.box, other.box) for other in [*known, *new])
            if face.score < max(FACE_THRESHOLD, self.detector.min_score) or is_taken:
                continue
            number = self._number(predicted, seconds)
            new.append(_tracked(face, number, predicted.crop))
            track = _Track(number, _next_box(face, face.box), OneEuro(), seconds, _look(predicted), seconds)
            self._tracks.append(track)
        self.stages.network += _since(started)
        return new

    def _number(self, predicted: CropPrediction, seconds: float) -> int:
        """That of a face which was lost near this one a moment ago, or a new one."""
        near = [
            track
            for track in self._lost
            if _may_be(track, predicted.face.box, seconds) and _likeness(track, predicted) > UNLIKE
        ]
        if not near:
            self._numbered += 1
            return self._numbered
        best = max(near, key=lambda track: _likeness(track, predicted))
        self._lost = [track for track in self._lost if track is not best]
        return best.number

    def _smoothed(self, face: TrackedFace, seconds: float) -> TrackedFace:
        if not self.smoothing:
            return face
        track = next(track for track in self._tracks if track.number == face.number)
        return replace(face, keypoints=track.filter(face.raw, face.box.side, seconds, face.sigma))


def _tracked(face: Face, number: int, crop: np.ndarray) -> TrackedFace:
    points = face.keypoints
    return TrackedFace(face.box, face.score, points, face.layout, number, crop, points, sigma=face.sigma)


def _next_box(face: Face, before: Box) -> Box:
    return next_box(face.keypoints, face.layout, before)


def _has_moved(box: Box, before: Box) -> bool:
    far = max(abs(box.x - before.x), abs(box.y - before.y), abs(box.side - before.side))
    return far > MAX_MOTION * before.side


def _may_be(track: _Track, box: Box, seconds: float) -> bool:
    """Whether the face that was lost can be in that box by now."""
    reach = NEAR_LOST + PER_SECOND * (seconds - track.seen)
    return is_same(track.box, box, reach) and 1 / SIMILAR < box.side / track.box.side < SIMILAR


def _look(predicted: CropPrediction) -> np.ndarray:
    matrix, _, _ = upright(predicted.raw, predicted.face.layout, len(predicted.crop))
    return patch_of(predicted.crop, matrix)


def _likeness(track: _Track, predicted: CropPrediction) -> float:
    """-1 to 1: how much the face looks as the track's did."""
    return float(np.vdot(track.look, _look(predicted)))


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)
