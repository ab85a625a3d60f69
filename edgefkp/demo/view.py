"""One frame with its faces and numbers: what displays and pages show."""

from dataclasses import dataclass

import numpy as np

from edgefkp.detect.media import Frame
from edgefkp.detect.tracker import TrackedFace


@dataclass(frozen=True)
class ViewOptions:
    """What keys and buttons change."""

    names: bool = False  # of the points
    mirror: bool = False  # left and right of the image are swapped, as in a mirror; names stay the subject's
    smoothing: bool = True
    compare: bool = False  # with another model, on the same crops
    recording: bool = False
    dropped: int = 0  # frames that the recording lacks: they came faster than they are written
    confidence: float = 0.0  # faces with a lower score are not shown


@dataclass(frozen=True, eq=False)
class View:
    frame: Frame
    faces: list[TrackedFace]
    model: str
    runtime: str
    find: float  # milliseconds of the face finder; 0 on frames where every face was tracked
    network: float  # milliseconds
    smooth: float  # milliseconds
    fps: float  # over the last frames
    frames: int  # so far, with this one
    searches: int  # how many of them needed the face finder
    options: ViewOptions
    compared: str | None = None  # name of the other model
    other: tuple[np.ndarray, ...] = ()  # (K, 2) keypoints of the other model for each face, image pixels
    # Mean and largest distance between both models' points, in pixels of a 96x96 crop.
    difference: tuple[float, float] | None = None
    max_faces: int = 1  # that are tracked
    recent: tuple[float, float, float] = (0.0, 0.0, 0.0)  # find, network, smooth: their means over the last frames

    def to_json(self) -> dict[str, object]:
        """For pages and programs; keypoints in image pixels."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "fps": round(self.fps, 1),
            "ms": _stages(self.find, self.network, self.smooth),
            "ms_mean": _stages(*self.recent),
            "frames": self.frames,
            "searches": self.searches,
            "size": [self.frame.image.shape[1], self.frame.image.shape[0]],
            "seconds": self.frame.seconds,
            "faces": [
                {
                    "number": face.number,
                    "score": face.score,
                    "box": list(face.box[:3]),
                    "keypoints": face.keypoints,
                    **({} if face.sigma is None else {"sigma": face.sigma}),
                    "pose": None if face.pose is None else face.pose._asdict(),
                }
                for face in self.faces
            ],
            "comparing": self.options.compare,
            "compared": self.compared,
            "difference": None if self.difference is None else {"mean": self.difference[0], "max": self.difference[1]},
            "names": self.options.names,
            "mirror": self.options.mirror,
            "smoothing": self.options.smoothing,
            "recording": self.options.recording,
            "dropped": self.options.dropped,
            "confidence": self.options.confidence,
            "max_faces": self.max_faces,
        }


def _stages(find: float, network: float, smooth: float) -> dict[str, float]:
    return {"find": find, "network": network, "smooth": smooth, "total": find + network + smooth}
