"""Where are the faces? The seam for face box detectors, and the one that is always there: OpenCV's Haar cascade.

A finder's box is not yet a training crop: each detector draws its boxes larger or higher than another. So each has
a calibration (scale and shift, fitted on training persons by bench.fit_finders), and what leaves this module
are boxes that look like the training crops.
"""

import functools
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.files import read_json
from edgefkp.geometry import Box, invert, move_points

FINDERS = ("haar", "blazeface", "yunet", "whole-image")
CALIBRATION = Path(__file__).with_name("calibration.json")


class Found(NamedTuple):
    """box: as a training crop lies on the face, image pixels. score: the finder's own, larger is surer."""

    box: Box
    score: float


class FaceFinder(Protocol):
    """name: as in `open_finder`. find: (H, W) or (H, W, 3) BGR uint8 -> the faces, the surest first."""

    name: str

    def find(self, image: np.ndarray) -> list[Found]: ...


class Calibration(NamedTuple):
    """From a finder's square to the crop: shift in shares of the square's side, then scale."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def crop_of(self, square: Box) -> Box:
        return Box(square.x + self.x * square.side, square.y + self.y * square.side, square.side * self.scale)


def calibration_of(name: str) -> Calibration:
    """The fitted calibration of that finder; the identity where none was fitted."""
    return _calibrations().get(name, Calibration())


@functools.cache
def _calibrations() -> dict[str, Calibration]:
    if not CALIBRATION.exists():
        return {}
    finders = read_json(CALIBRATION)["finders"]
    return {name: Calibration(row["x"], row["y"], row["scale"]) for name, row in finders.items()}


def open_finder(spec: str) -> FaceFinder:
    """The finder of that name: "haar", "blazeface", "blazeface:FILE", "yunet:FILE" or "whole-image".

    Raises UsageError for an unknown name, EdgefkpError or EnvironmentProblem where its file is missing.
    """
    name, _, path = spec.partition(":")
    if name == "haar":
        return HaarFinder()
    if name == "whole-image":
        return WholeImage()
    if name == "blazeface":
        from edgefkp.detect.finders.blazeface import BlazeFace

        return BlazeFace(path or None)
    if name == "yunet":
        from edgefkp.detect.finders.yunet import YuNet

        return YuNet(path)
    raise UsageError(f"unknown face detector '{spec}'", f"choose one of: {', '.join(FINDERS)} (yunet:FILE.onnx)")


class WholeImage:
    """The picture is one face that was cut out before, as the training crops are."""

    name = "whole-image"

    def find(self, image: np.ndarray) -> list[Found]:
        height, width = image.shape[:2]
        # The largest square: a crop has no border to spare.
        return [Found(Box((width - 1) / 2, (height - 1) / 2, float(min(height, width))), 1.0)]


class HaarFinder:
    """OpenCV's cascade of frontal faces; it comes with OpenCV."""

    name = "haar"
    CASCADE = "haarcascade_frontalface_alt2.xml"
    STEP = 1.1  # between the sizes that are searched
    NEIGHBOURS = 3  # hits that must agree; fewer give more false alarms
    SHORT_SIDE = 160  # pixels; larger pictures are searched at this size: at 240 it takes twice as long
    SMALLEST = 20  # pixels at that size, the cascade's own least: faces down to an eighth of the picture's height
    # Faces that fill the picture leave the cascade no border to see; without it 8 % of the ORL pictures are missed.
    BORDER = 1 / 6

    # Degrees. The cascade knows about 12 of roll to each side; it looks further only where it sees no upright face.
    TURNS = (0, -20, 20)

    def __init__(self, calibration: Calibration | None = None) -> None:
        import cv2

        folder: str = cv2.data.haarcascades  # type: ignore[attr-defined]
        path = Path(folder) / self.CASCADE
        self._cascade = cv2.CascadeClassifier(str(path)) if path.exists() else cv2.CascadeClassifier()
        if self._cascade.empty():
            raise EnvironmentProblem(
                f"OpenCV {cv2.__version__} comes without {self.CASCADE}", "pip install 'opencv-python<5'"
            )
        self._calibration = calibration_of(self.name) if calibration is None else calibration

    def find(self, image: np.ndarray) -> list[Found]:
        import cv2

        if min(image.shape[:2]) < self.SMALLEST:
            return []
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
        scale = min(1.0, self.SHORT_SIDE / min(gray.shape))
        if scale < 1:
            gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        border = round(min(gray.shape) * self.BORDER)
        gray = cv2.copyMakeBorder(gray, border, border, border, border, cv2.BORDER_REPLICATE)
        for degrees in self.TURNS:
            if squares := self._search(gray, degrees):
                break
        found = [Found(self._calibration.crop_of(_unscaled(box, border, scale)), score) for box, score in squares]
        return sorted(found, key=lambda face: -face.score)

    def _search(self, gray: np.ndarray, degrees: float) -> list[tuple[Box, float]]:
        """Squares, and their scores, in a picture that is turned before it is searched."""
        import cv2

        height, width = gray.shape
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        if degrees:
            gray = cv2.warpAffine(gray, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        squares, _, scores = self._cascade.detectMultiScale3(
            gray, self.STEP, self.NEIGHBOURS, minSize=(self.SMALLEST, self.SMALLEST), outputRejectLevels=True
        )
        found = []
        for (left, top, side, _), score in zip(squares, np.ravel(scores), strict=True):
            middle = np.array([left + (side - 1) / 2, top + (side - 1) / 2])
            x, y = move_points(invert(turn), middle)
            found.append((Box(float(x), float(y), float(side)), float(score)))
        return found


def _unscaled(box: Box, border: int, scale: float) -> Box:
    """From the searched picture to the image; pixel edges, not centres, keep their place when it shrinks."""
    return Box((box.x + 0.5 - border) / scale - 0.5, (box.y + 0.5 - border) / scale - 0.5, box.side / scale)


def require_model(path: str | Path | None, name: str, hint: str) -> Path:
    """`path` as an existing file. Raises EdgefkpError where there is none."""
    if not path or not Path(path).is_file():
        found = f"no file at {path}" if path else "no model file was given"
        raise EdgefkpError(f"the face detector {name} needs its model: {found}", hint)
    return Path(path)
