"""Drawn scenes: photos of faces at any size and roll, side by side, on backgrounds, or alone, and no face at all."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.finder.alter import covered, relit, through_camera
from bench.finder.patterns import pattern
from bench.finder.photos import Photos
from edgefkp.geometry import move_points
from edgefkp.networks.finder import FIVE

SMALLEST = 11.0  # pixels, side of a face that counts; smaller ones are neither found nor missed
HALVES = 4  # how often a photo is halved in advance, so that small faces do not alias
SHAPE = FIVE.mean_points(1).astype(np.float64) @ (1, 1j)  # of a face with a side of 1, its middle at 0
TURN = (SHAPE - SHAPE.mean()).conj() / (np.abs(SHAPE - SHAPE.mean()) ** 2).sum()  # least squares: points to a rotation
UPRIGHT = 0.75  # share of the faces with up to TILT degrees of roll; the others have any
TILT = 50.0
SURROUNDINGS = 0.6  # share of the backgrounds that are parts of photos without their faces
TIGHT = 0.25  # share of the photos with a scene of their own that are cut around the face, with a replicated border
NARROWEST = 24  # pixels of such a part


@dataclass(frozen=True, eq=False)
class Scene:
    image: np.ndarray  # (H, W) uint8 gray
    points: np.ndarray  # (n, 5, 2) float32 pixels
    sure: np.ndarray  # (n,) bool: False for what is neither to be found nor not to be found


def squares_of(points: np.ndarray) -> np.ndarray:
    """(n, 5, 2) points -> (n, 3) float32: middle and side of the faces' squares, whatever their roll."""
    places = np.asarray(points, np.float64).reshape(-1, FIVE.count, 2) @ (1, 1j)
    turn = places @ TURN
    middle = places.mean(1) - turn * SHAPE.mean()
    return np.stack([middle.real, middle.imag, np.abs(turn)], 1).astype(np.float32)


class Artist:
    """Draws scenes from photos. Not for several threads.

    surroundings, patterns: shares of the backgrounds that are parts of photos, and that are drawn (patterns.py).
    """

    def __init__(self, photos: Photos, seed: int, surroundings: float = SURROUNDINGS, patterns: float = 0.0) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._surroundings, self._patterns = surroundings, patterns
        self.random = np.random.default_rng(seed)
        self._levels = [photos.images]
        for _ in range(HALVES - 1):
            below = self._levels[-1]
            even = below[:, : below.shape[1] // 2 * 2, : below.shape[2] // 2 * 2].astype(np.uint16)
            mean = even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]
            self._levels.append(((mean + 2) // 4).astype(np.uint8))
        self._photos = photos
        order = np.argsort(photos.photo, kind="stable")
        self._faces = np.split(order, np.searchsorted(photos.photo[order], np.arange(1, len(photos.images))))
        self._squares = squares_of(photos.points)
        # The largest sure face of each photo is the one that is placed; the others come with it.
        self._main = [max(own, key=lambda face: photos.sure[face] * self._squares[face, 2]) for own in self._faces]

    def scene(self, height: int, width: int) -> Scene:
        kinds: list[Callable[[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]]
        kinds = [self._alone, self._tiles, self._pasted, self._empty]
        kind = kinds[int(self.random.choice(4, p=[0.28, 0.26, 0.28, 0.18]))]
        canvas = np.empty((height, width), np.uint8)
        return self._scene(canvas, kind(canvas))

    def mosaic(self, height: int, width: int, count: int, low: float, high: float, tilt: float) -> Scene:
        """`count` heads on a background, none over another, their sides from `low` to `high` of the short side and
        their roll up to `tilt` degrees."""
        canvas = np.empty((height, width), np.uint8)
        self._background(canvas)
        sides = min(height, width) * np.exp(self.random.uniform(np.log(low), np.log(high), count))
        taken: list[tuple[float, float, float]] = []
        parts = []
        for side in np.sort(sides)[::-1].tolist():
            for _ in range(200):
                x, y = (self.random.uniform(0.75 * side, size - 0.75 * side) for size in (width, height))
                if all(np.hypot(x - a, y - b) > 0.95 * (side + c) for a, b, c in taken):
                    taken.append((x, y, side))
                    parts.append(self._paste(canvas, x, y, side, tilt))
                    break
        return self._scene(canvas, parts, camera=False)

    def portrait(self, height: int, width: int, tilt: float) -> Scene:
        """One photo, its face from a quarter to nine tenths of the short side, with its own surroundings."""
        canvas = np.empty((height, width), np.uint8)
        side = min(height, width) * self.random.uniform(0.25, 0.9)
        return self._scene(canvas, [self._place(canvas, [width / 2, height / 2], side, tilt=tilt)], camera=False)

    def empty(self, height: int, width: int, erased: bool) -> Scene:
        """A background without a face, or (erased) a photo whose faces are covered by something else."""
        canvas = np.empty((height, width), np.uint8)
        if erased:
            side = min(height, width) * self.random.uniform(0.1, 0.5)
            return self._scene(canvas, [self._place(canvas, [width / 2, height / 2], side, erase=True)], camera=False)
        self._background(canvas)
        return self._scene(canvas, [], camera=False)

    def _scene(self, canvas: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]], camera: bool = True) -> Scene:
        points = np.concatenate([np.empty((0, FIVE.count, 2), np.float32), *(part[0] for part in parts)])
        sure = np.concatenate([np.empty(0, bool), *(part[1] for part in parts)])
        return Scene(through_camera(canvas, self.random) if camera else canvas, points, sure)

    def _alone(self, canvas: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """One photo fills the scene, or lies in a replicated border; at times its faces are erased."""
        short = min(canvas.shape)
        side = short * np.exp(self.random.uniform(np.log(0.2), np.log(1.1)))
        middle = [self.random.uniform(0.35, 0.65) * size for size in canvas.shape[::-1]]
        way = self.random.random()
        return [self._place(canvas, middle, side, erase=way < 0.15, tight=way > 1 - TIGHT)]

    def _tiles(self, canvas: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """A grid of photos."""
        height, width = canvas.shape
        rows = int(self.random.integers(2, 6))
        columns = max(1, round(rows * width / height))
        edges = [np.linspace(0, size, count + 1).astype(int) for size, count in ((height, rows), (width, columns))]
        parts = []
        for top, bottom in zip(edges[0], edges[0][1:], strict=False):
            for left, right in zip(edges[1], edges[1][1:], strict=False):
                tile = canvas[top:bottom, left:right]
                size = min(tile.shape)
                middle = [
                    self.random.uniform(0.4, 0.6) * (right - left),
                    self.random.uniform(0.4, 0.6) * (bottom - top),
                ]
                points, sure = self._place(tile, middle, size * self.random.uniform(0.35, 0.95))
                parts.append((points + np.array([left, top], np.float32), sure))
        return parts

    def _pasted(self, canvas: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Heads on a background, the larger ones in front."""
        self._background(canvas)
        height, width = canvas.shape
        count = int(self.random.integers(1, 13))
        sides = np.sort(np.exp(self.random.uniform(np.log(SMALLEST), np.log(0.45 * min(canvas.shape)), count)))[::-1]
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        taken: list[tuple[float, float, float]] = []
        for side in sides.tolist():
            x, y = (
                self.random.uniform(0.5 * side, width - 0.5 * side),
                self.random.uniform(0.5 * side, height - 0.5 * side),
            )
            if any(np.hypot(x - a, y - b) < 0.85 * (side + c) for a, b, c in taken):
                continue
            taken.append((x, y, side))
            parts.append(self._paste(canvas, x, y, side))
        return parts

    def _paste(
        self, canvas: np.ndarray, x: float, y: float, side: float, tilt: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        import cv2

        half = int(side * 1.1) + 2
        left, top = max(0, int(x) - half), max(0, int(y) - half)
        part = canvas[top : int(y) + half, left : int(x) + half]
        tile = np.empty(part.shape, np.uint8)
        middle = [x - left, y - top]
        points, sure = self._place(tile, middle, side, tilt=tilt)
        mask = np.zeros(part.shape, np.float32)
        wide = self.random.uniform(0.6, 0.95)
        center = tuple(round(value) for value in middle)
        cv2.ellipse(mask, center, (int(wide * side) + 1, int(wide * side) + 1), 0, 0, 360, (1.0,), -1)
        soft = 2 * int(self.random.uniform(0.03, 0.2) * side) + 1
        mask = cv2.blur(mask, (soft, soft))
        part[:] = (part + mask * (tile.astype(np.float32) - part)).astype(np.uint8)
        inside = np.hypot(*(points.mean(1) - middle).T) < 0.3 * side  # others of the photo are cut off
        near = np.hypot(*(points.mean(1) - middle).T) < 1.2 * side
        return points[near] + np.array([left, top], np.float32), (sure & inside)[near]

    def _empty(self, canvas: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        self._background(canvas)
        return []

    def _background(self, canvas: np.ndarray) -> None:
        """Fill with a part of a background, turned and relit; at times with noise or a flat gray."""
        import cv2

        random, source = self.random, self._photos.backgrounds
        if random.random() < 0.08:
            cells = int(random.choice([2, 4, 8, 16, 32]))
            clouds = np.full((cells, cells), random.uniform(0, 255)) + random.normal(
                0, random.uniform(0, 60), (cells, cells)
            )
            canvas[:] = cv2.resize(clouds.astype(np.float32), canvas.shape[::-1], interpolation=cv2.INTER_CUBIC).clip(
                0, 255
            )
            return
        if self._patterns and random.random() < self._patterns:
            canvas[:] = relit(pattern(canvas.shape, self._photos, random), random)
            return
        image = self._face_free() if random.random() < self._surroundings or not len(source) else None
        if image is None:
            image = source[int(random.integers(len(source)))]
            scale = max(canvas.shape) / (len(image) * random.uniform(0.3, 1.0))
        else:
            scale = np.exp(random.uniform(np.log(0.5), np.log(3.0)))
        if random.random() < 0.5:
            image = image[:, ::-1]
        if random.random() < 0.3:
            image = np.rot90(image, int(random.integers(1, 4)))
        free = [max(0.0, scale * size - wide) for size, wide in zip(image.shape[::-1], canvas.shape[::-1], strict=True)]
        matrix = np.array([[scale, 0, -random.uniform(0, free[0] + 1)], [0, scale, -random.uniform(0, free[1] + 1)]])
        size = canvas.shape[::-1]
        image = np.ascontiguousarray(image)
        canvas[:] = relit(
            cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), random
        )

    def _face_free(self) -> np.ndarray | None:
        """The part of a photo above, below or beside all of its faces; None if that is too narrow."""
        number = int(self.random.integers(len(self._photos.images)))
        image, squares = self._photos.images[number], self._squares[self._faces[number]]
        half = 0.8 * squares[:, 2:]
        left, top = np.maximum((squares[:, :2] - half).min(0), 0).astype(int).tolist()
        right, bottom = (squares[:, :2] + half).max(0).astype(int).tolist()
        parts = [image[:top], image[bottom:], image[:, :left], image[:, right:]]
        wide = [part for part in parts if min(part.shape) >= NARROWEST]
        return wide[int(self.random.integers(len(wide)))] if wide else None

    def _place(
        self,
        canvas: np.ndarray,
        middle: list[float],
        side: float,
        erase: bool = False,
        tight: bool = False,
        tilt: float | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill the canvas with a photo, its main face there at that size; returns the faces that are seen."""
        import cv2

        random = self.random
        number = int(random.integers(len(self._photos.images)))
        x, y, own = self._squares[self._main[number]].tolist()
        if tilt is None:
            tilt = TILT if random.random() < UPRIGHT else 180.0
        degrees = random.uniform(-tilt, tilt)
        turn = np.exp(1j * np.deg2rad(degrees)) * side / own
        linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        mirrored = random.random() < 0.5
        stretch = np.exp(random.normal(0, 0.07)) if random.random() < 0.8 else random.uniform(0.65, 0.95)
        linear = linear @ np.array([[(-1 if mirrored else 1) * stretch, 0], [random.normal(0, 0.05), 1 / stretch**0.5]])
        matrix = np.column_stack([linear, np.array(middle) - linear @ (x, y)])
        rows = self._faces[number]
        points = move_points(matrix, self._photos.points[rows], FIVE.mirror_order if mirrored else None)
        level = int(np.clip(np.floor(-np.log2(max(side / own, 1e-3))), 0, HALVES - 1))
        shrunk = 2**level  # pixel i of that level has its center at shrunk * i + (shrunk - 1) / 2
        shift = matrix[:, 2] + matrix[:, :2] @ np.full(2, (shrunk - 1) / 2)
        fine = np.column_stack([matrix[:, :2] * shrunk, shift])
        border = cv2.BORDER_REPLICATE if random.random() < 0.7 else cv2.BORDER_CONSTANT
        main = int(np.flatnonzero(rows == self._main[number])[0])
        source = self._levels[level][number]
        if tight:
            half = own * random.uniform(0.5, 0.75)
            left, top = (max(0, int((value - half) / shrunk)) for value in (x, y))
            source = source[top : int((y + half) / shrunk) + 1, left : int((x + half) / shrunk) + 1]
            fine[:, 2] += fine[:, :2] @ (left, top)
            border, points, rows, main = cv2.BORDER_REPLICATE, points[main : main + 1], rows[main : main + 1], 0
        gray = (int(random.integers(256)),)
        size = canvas.shape[::-1]
        image = cv2.warpAffine(source, fine, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=gray)
        if erase:
            self._erase(image, squares_of(points))
            points = points[:0]
        elif random.random() < 0.18:
            covered(image, points[main], random)
        canvas[:] = relit(image, random)
        return self._seen(points, self._photos.sure[rows][: len(points)], canvas.shape)

    def _erase(self, image: np.ndarray, squares: np.ndarray) -> None:
        """Put a piece of a background, or a smooth blob, over each face."""
        import cv2

        for x, y, side in squares.tolist():
            patch = np.empty(image.shape, np.uint8)
            self._background(patch)
            mask = np.zeros(image.shape, np.float32)
            center = (round(x), round(y))
            cv2.ellipse(mask, center, (int(0.6 * side) + 1, int(0.75 * side) + 1), 0, 0, 360, (1.0,), -1)
            mask = cv2.blur(mask, (2 * int(0.08 * side) + 1,) * 2)
            image[:] = (image + mask * (patch.astype(np.float32) - image)).astype(np.uint8)

    def _seen(self, points: np.ndarray, sure: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The faces in an image of that shape: sure are those whose points all lie in it; small ones are doubtful."""
        height, width = shape
        squares = squares_of(points)
        size = np.array([width, height])
        inside = ((points > -0.5) & (points < size - 0.5)).all((1, 2))
        touches = (squares[:, :2] > -0.6 * squares[:, 2:]).all(1) & (squares[:, :2] < size + 0.6 * squares[:, 2:]).all(
            1
        )
        kept = touches & (squares[:, 2] > SMALLEST / 2)
        return points[kept].astype(np.float32), (sure & inside & (squares[:, 2] >= SMALLEST))[kept]
