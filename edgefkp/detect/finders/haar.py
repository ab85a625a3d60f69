"""OpenCV's Haar cascade of frontal faces; it comes with OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgefkp.detect.finders.base import FINDERS, FaceBox, Finder, correction_of
from edgefkp.errors import EnvironmentProblem
from edgefkp.geometry import Box, invert, move_points


class HaarFinder:
    name = "haar"
    CASCADE = "haarcascade_frontalface_alt2.xml"
    STEP = 1.1  # between the sizes that are searched
    NEIGHBORS = 3  # hits that must agree; fewer give more false alarms
    SHORT_SIDE = 160  # pixels; larger images are searched at this size: at 240 the search takes twice as long
    SMALLEST = 20  # pixels at that size, the cascade's own least: faces down to an eighth of the image's height
    # Pixels. Stills are searched again at this size, for faces that are too small for the first search. Measured on a
    # photo of 18 faces, with borders added: at 240 it finds all of them down to a ninth of the image's height, at 480
    # down to a fourteenth. The second search takes as long as the first, and adds no face to 409 portraits and 20
    # images without one.
    STILL_SIDE = 480
    # The cascade misses faces without a border around them: 8 % of the ORL images.
    BORDER = 1 / 6

    # Degrees. The cascade finds faces with up to 12 of roll; a still is turned if no upright one is found in it. Frames
    # of a video are not: while nothing is tracked each of them is searched.
    TURNS = (0, -20, 20)

    def __init__(self) -> None:
        import cv2

        if not hasattr(cv2, "CascadeClassifier"):
            raise EnvironmentProblem(
                f"OpenCV {cv2.__version__} has no Haar cascades",
                "choose another --finder, or pip install 'opencv-python<5'",
            )
        folder: str = cv2.data.haarcascades  # type: ignore[attr-defined]
        path = Path(folder) / self.CASCADE
        self._cascade = cv2.CascadeClassifier(str(path)) if path.exists() else cv2.CascadeClassifier()
        if self._cascade.empty():
            raise EnvironmentProblem(
                f"OpenCV {cv2.__version__} comes without {self.CASCADE}", "pip install 'opencv-python<5'"
            )
        self.correction = correction_of(self.name)

    def find(self, image: np.ndarray) -> list[FaceBox]:
        return self._find(image, self.TURNS[:1])

    def _find(self, image: np.ndarray, turns: tuple[int, ...]) -> list[FaceBox]:
        import cv2

        if min(image.shape[:2]) < self.SMALLEST:
            return []
        scale = _scale(image, self.SHORT_SIDE)
        gray = _gray(image, scale)
        border = round(min(gray.shape) * self.BORDER)
        gray = cv2.copyMakeBorder(gray, border, border, border, border, cv2.BORDER_REPLICATE)
        for degrees in turns:
            if squares := self._search(gray, degrees):
                break
        return self._faces(squares, border, scale)

    def find_in_still(self, image: np.ndarray) -> list[FaceBox]:
        """What `find` finds, or faces that are turned; then the smaller faces."""
        found, coarse = self._find(image, self.TURNS), _scale(image, self.SHORT_SIDE)
        scale = _scale(image, self.STILL_SIDE)
        if scale <= coarse or min(image.shape[:2]) < self.SMALLEST:
            return found
        largest = round(self.SMALLEST * scale / coarse * self.STEP**2)
        small = self._faces(self._search(_gray(image, scale), 0, largest), 0, scale)
        return found + [face for face in small if not any(_is_same(face.box, known.box) for known in found)]

    def _faces(self, squares: list[tuple[Box, float]], border: int, scale: float) -> list[FaceBox]:
        found = [FaceBox(self.correction.apply(_unscaled(box, border, scale)), score) for box, score in squares]
        return sorted(found, key=lambda face: -face.score)

    def _search(self, gray: np.ndarray, degrees: float, largest: int = 0) -> list[tuple[Box, float]]:
        """Squares of up to `largest` pixels (0: any size) and their scores. The image is turned before."""
        import cv2

        height, width = gray.shape
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        if degrees:
            gray = cv2.warpAffine(gray, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        squares, _, scores = self._cascade.detectMultiScale3(
            gray,
            self.STEP,
            self.NEIGHBORS,
            minSize=(self.SMALLEST, self.SMALLEST),
            maxSize=(largest, largest),
            outputRejectLevels=True,
        )
        found = []
        for (left, top, side, _), score in zip(squares, np.ravel(scores), strict=True):
            middle = np.array([left + (side - 1) / 2, top + (side - 1) / 2])
            x, y = move_points(invert(turn), middle)
            found.append((Box(float(x), float(y), float(side)), float(score)))
        return found


def _scale(image: np.ndarray, short_side: int) -> float:
    """What brings the image to that size; 1 for a smaller image."""
    return min(1.0, short_side / min(image.shape[:2]))


def _gray(image: np.ndarray, scale: float) -> np.ndarray:
    import cv2

    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    return cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else gray


def _is_same(one: Box, other: Box) -> bool:
    """The middle of the smaller box lies in the larger one."""
    return max(abs(one.x - other.x), abs(one.y - other.y)) < max(one.side, other.side) / 2


def _unscaled(box: Box, border: int, scale: float) -> Box:
    """From the searched image to the original; pixel edges, not centers, keep their place when it shrinks."""
    return Box((box.x + 0.5 - border) / scale - 0.5, (box.y + 0.5 - border) / scale - 0.5, box.side / scale)


FINDERS.add(
    Finder(
        HaarFinder.name,
        "the frontal cascade of OpenCV 4; stills without an upright face are searched again, turned by 20 degrees",
        lambda argument: HaarFinder(),
    )
)
