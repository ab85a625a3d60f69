"""The own finder: a network of some ten thousand weights (networks/finder.py) in edgefkp's own interpreter.

A frame of a video is searched in one look. A still is searched in several: at half the size for faces that fill it, and
finer, in windows that overlap, for small ones. Every look has the size of the file's input. `min_face` decides how fine
the finest windows are, in frames as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgefkp.detect.finders.base import FINDERS, FaceBox, Finder, correction_of, least_side, require_model
from edgefkp.errors import EdgefkpError
from edgefkp.geometry import Box, roll_of
from edgefkp.networks.finder import FIVE, WIDTHS, grid

# Scores, 0 to 1, from which on there is a face: in a look at the whole image, and in one of many windows of a still.
THRESHOLD, IN_WINDOWS = 0.5, 0.6
OVERLAP = 0.35  # of two boxes whose intersection over union is larger, the one with the lower score goes
# So does one of which more lies in a box with a better score, unless its side is smaller than this share of that one's:
WITHIN, PART = 0.7, 0.4  # a part of a face at a window's edge
SMALLEST_IN_STILLS = 1 / 20  # share of the short side
SEEN = 32  # pixels of a window, side of a face that is seen well
SHARED = 0.25  # share of a window that the next one repeats, at least; larger faces are found at a coarser size


class Look(NamedTuple):
    """One window: where its pixels lie in the image."""

    pixels: np.ndarray  # (H, W) uint8 gray, as large as the network's input
    scale: float  # pixels of the window over pixels of the image
    left: float  # of the image in the window, in the window's pixels; negative where the window begins inside
    top: float


class Found(NamedTuple):
    """Faces of an image, the best first, in pixels of it."""

    boxes: np.ndarray  # (n, 3) float32: middle and side
    scores: np.ndarray  # (n,) float32
    points: np.ndarray  # (n, 5, 2) float32


def _nothing() -> Found:
    return Found(np.empty((0, 3), np.float32), np.empty(0, np.float32), np.empty((0, FIVE.count, 2), np.float32))


class EdgeFinder:
    name = "edge"
    # It finds what the float32 file does, in two thirds of the time. The card beside it has the name alone: edge.json.
    model = Path(__file__).with_name("edge.int8.tflite")

    def __init__(self, path: str | Path | None = None, runtime: str | None = None) -> None:
        from edgefkp.runtime import interpreters, safety

        self.threshold, self.threshold_in_windows = THRESHOLD, IN_WINDOWS
        self.correction = correction_of(self.name)
        self.min_face: float | None = None
        file = require_model(path or self.model, self.name, f"install edgefkp again, or give {self.name}:FILE.tflite")
        safety.check(file, runtime)
        self._model = interpreters.load(file, runtime)
        takes = [tuple(map(int, detail["shape"])) for detail in self._model.inputs]
        gives = [tuple(map(int, detail["shape"])) for detail in self._model.outputs]
        height, width = takes[0][1:3] if len(takes) == 1 and len(takes[0]) == 4 else (0, 0)
        self._cells = grid(height, width)
        expected = [(1, len(self._cells), numbers) for numbers in WIDTHS]
        if takes != [(1, height, width, 1)] or not len(self._cells) or sorted(gives) != sorted(expected):
            raise EdgefkpError(
                f"{file} takes {takes} and gives {gives}, which are not those of this finder",
                "give a file that bench.finder.export made",
            )
        self._order = [gives.index(shape) for shape in expected]
        self._height, self._width = height, width

    def find(self, image: np.ndarray) -> list[FaceBox]:
        if self.min_face is not None:
            return self._faces(self._merged(self._seen(_gray(image), (1.0,), self.min_face)))
        gray = _gray(image, 1.0 if image.ndim == 2 else self._fit(image))
        return self._faces(self._merged([self._see(self._whole(gray, image.shape))]))

    def find_in_still(self, image: np.ndarray) -> list[FaceBox]:
        """Also faces that fill the image, and those down to a twentieth of its short side."""
        smallest = SMALLEST_IN_STILLS if self.min_face is None else self.min_face
        return self._faces(self._merged(self._seen(_gray(image), (1.0, 0.5), smallest)))

    def _seen(self, gray: np.ndarray, parts: tuple[float, ...], min_face: float) -> list[Found]:
        """What is found in the whole image at these shares of the size of one look, and in windows."""
        whole = [self._see(self._whole(gray, gray.shape, part)) for part in parts]
        windows = self._windows(gray, min(1.0, SEEN / least_side(min_face, gray)))
        return whole + [self._see(look, self.threshold_in_windows) for look in windows]

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of one look, pixels."""
        return self._height, self._width

    def see(self, pixels: np.ndarray) -> Found:
        """What is found in one look: (height, width) uint8 gray. Boxes are squares as the network gives them."""
        return self._merged([self._see(Look(pixels, 1.0, 0.0, 0.0))])

    def _fit(self, image: np.ndarray) -> float:
        return min(1.0, self._height / image.shape[0], self._width / image.shape[1])

    def _whole(self, gray: np.ndarray, shape: tuple[int, ...], part: float = 1.0) -> Look:
        """The whole image, in the middle of the window. `gray` may be shrunk already; `shape` is the image's own."""
        scale = min(1.0, self._height / shape[0], self._width / shape[1]) * part
        return self._framed(_resized(gray, scale * shape[0] / gray.shape[0]), scale)

    def _framed(self, small: np.ndarray, scale: float) -> Look:
        import cv2

        small = small[: self._height, : self._width]
        rows, columns = self._height - small.shape[0], self._width - small.shape[1]
        top, left = rows // 2, columns // 2
        if rows or columns:
            small = cv2.copyMakeBorder(small, top, rows - top, left, columns - left, cv2.BORDER_REPLICATE)
        return Look(small, scale, left, top)

    def _windows(self, gray: np.ndarray, finest: float) -> Iterator[Look]:
        """The image at twice the size of one look, and so on, up to `finest` of its own size."""
        whole = self._fit(gray)
        while whole < 0.8 * finest:
            whole = min(2 * whole, finest)
            fine = _resized(gray, whole)
            for top in _starts(fine.shape[0], self._height):
                for left in _starts(fine.shape[1], self._width):
                    look = self._framed(fine[top : top + self._height, left : left + self._width], whole)
                    yield look._replace(left=look.left - left, top=look.top - top)

    def _see(self, look: Look, threshold: float | None = None) -> Found:
        """What the network finds in one window, in pixels of the image. threshold: of the scores, None = the usual.

        Most frames that are searched have no face: they cost no more than the network.
        """
        from edgefkp.runtime.tflite_model import require_finite

        np.multiply(look.pixels, np.float32(1 / 255), out=self._model.view()[0, ..., 0])
        self._model.invoke()
        outputs = [self._model.get(which)[0] for which in self._order]
        for output in outputs:
            require_finite(self._model.path, output)
        scores = outputs[0][:, 0]
        rows = (scores > (self.threshold if threshold is None else threshold)).nonzero()[0]
        if not len(rows):
            return _nothing()
        boxes, points = decoded(self._cells[rows], outputs[1][rows], outputs[2][rows])
        start = np.array([look.left, look.top], np.float32)
        boxes[:, :2] = (boxes[:, :2] + 0.5 - start) / look.scale - 0.5
        boxes[:, 2] /= look.scale
        points = (points + 0.5 - start) / look.scale - 0.5
        return Found(boxes, scores[rows], points)

    def _merged(self, parts: list[Found]) -> Found:
        seen = [part for part in parts if len(part.boxes)]
        if not seen:
            return _nothing()
        boxes, scores, points = (np.concatenate(arrays) for arrays in zip(*seen, strict=True))
        kept = suppressed(boxes, scores)
        return Found(boxes[kept], scores[kept], points[kept])

    def _faces(self, found: Found) -> list[FaceBox]:
        rolls = [roll_of(points, FIVE) for points in found.points]
        squares = [Box(x, y, side, roll) for (x, y, side), roll in zip(found.boxes.tolist(), rolls, strict=True)]
        boxes = [self.correction.apply(square) for square in squares]
        scores = map(float, found.scores)
        return [FaceBox(*face) for face in zip(boxes, scores, found.points, strict=True)]


def decoded(cells: np.ndarray, boxes: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From (n, 3) and (n, 10) numbers of the (n, 3) cells (see networks.finder.grid) to (n, 3) middles and sides and
    (n, 5, 2) points, in pixels of the input."""
    unit = cells[:, 2:]
    middles = cells[:, :2] + boxes[:, :2] * unit
    sides = unit * np.exp(np.clip(boxes[:, 2:], -5, 5))
    places = cells[:, None, :2] + points.reshape(-1, FIVE.count, 2) * unit[:, None]
    return np.concatenate([middles, sides], 1), places


def suppressed(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(k,) int: the best of each group of overlapping (n, 3) boxes, by falling score."""
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        one, others = boxes[best], boxes[left]
        apart = np.abs(others[:, :2] - one[:2])
        shared = np.minimum((others[:, 2:] + one[2]) / 2 - apart, np.minimum(others[:, 2:], one[2])).clip(0).prod(1)
        areas = others[:, 2] ** 2
        same = shared > OVERLAP * (areas + one[2] ** 2 - shared)
        part = (shared > WITHIN * areas) & (others[:, 2] > PART * one[2])
        left = left[~(same | part)]
    return np.array(kept, int)


def _starts(length: int, window: int) -> list[int]:
    """Where windows begin that cover the length, SHARED of each repeated by the next."""
    if length <= window:
        return [0]
    count = 1 + int(np.ceil((length - window) / (window * (1 - SHARED))))
    return np.linspace(0, length - window, count).astype(int).tolist()


def _gray(image: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """(H, W) gray; `scale` halves a larger image before its colors go, which is faster."""
    import cv2

    if image.ndim == 2:
        return image
    if scale < 1:
        image = _resized(image, scale)
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    import cv2

    if scale > 0.999:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


FINDERS.add(
    Finder(
        EdgeFinder.name,
        "edgefkp's own network, for small, turned and covered faces as well; needs nothing",
        lambda argument: EdgeFinder(argument or None),
        "FILE.tflite",
    )
)
