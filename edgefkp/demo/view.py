"""One frame with its faces and numbers, as an image, as lines of text, as JSON: what displays and pages show."""

from dataclasses import dataclass, replace

import numpy as np

from edgefkp.detect.media import Frame
from edgefkp.detect.overlay import annotated, draw_text
from edgefkp.detect.tracker import TrackedFace


@dataclass(frozen=True)
class ViewOptions:
    """What keys and buttons change."""

    names: bool = False  # of the points
    mirror: bool = False  # left and right of the image are swapped, as in a mirror; names stay the subject's
    smoothing: bool = True
    compare: bool = False  # with another model, side by side
    recording: bool = False
    dropped: int = 0  # frames that the recording lacks: they came faster than they are written


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

    @property
    def total(self) -> float:
        """Milliseconds of all stages."""
        return self.find + self.network + self.smooth

    def to_json(self) -> dict[str, object]:
        """For pages and programs; keypoints in image pixels."""
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
                {
                    "number": face.number,
                    "score": face.score,
                    "box": list(face.box),
                    "keypoints": face.keypoints,
                    "pose": None if face.pose is None else face.pose._asdict(),
                }
                for face in self.faces
            ],
            "compared": self.compared,
            "difference": None if self.difference is None else {"mean": self.difference[0], "max": self.difference[1]},
            "names": self.options.names,
            "mirror": self.options.mirror,
            "smoothing": self.options.smoothing,
            "recording": self.options.recording,
            "dropped": self.options.dropped,
        }


def render(view: View, with_status: bool = True) -> np.ndarray:
    """The view as a (H, W, 3) BGR image; two models that are compared stand side by side.

    with_status: write the status lines into it.
    """
    options = view.options
    left = annotated(view.frame.image, view.faces, options.names, options.mirror)
    if with_status:
        draw_text(left, status_lines(view))
    if view.compared is None:
        return left
    others = [replace(face, keypoints=points) for face, points in zip(view.faces, view.other, strict=False)]
    right = annotated(view.frame.image, others, options.names, options.mirror)
    difference = f"{view.difference[0]:.2f} px apart, at most {view.difference[1]:.2f}" if view.difference else "-"
    draw_text(right, [view.compared, difference])
    return np.hstack([left, right])


def status_lines(view: View) -> list[str]:
    faces = f"{len(view.faces)} face{'' if len(view.faces) == 1 else 's'}" if view.faces else "no face"
    lines = [
        f"{view.model}  {view.runtime}",
        f"{view.fps:.0f} fps  {faces}{'' if view.options.smoothing else '  unsmoothed'}",
        f"find {view.find:.1f}  network {view.network:.1f}  smooth {view.smooth:.1f} ms",
    ]
    return [*lines, f"the recording lacks {view.options.dropped} frames"] if view.options.dropped else lines
