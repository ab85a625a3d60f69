"""What looks like a face to a network that has seen few backgrounds: dots in pairs, mirror images, parts of faces."""

import numpy as np

from bench.finder.alter import Random
from bench.finder.photos import Photos


def pattern(shape: tuple[int, ...], photos: Photos, random: Random) -> np.ndarray:
    """(H, W) uint8 without a face."""
    kind = random.random()
    if kind < 0.3:
        return _dots(shape, random)
    return _mirrored(shape, photos, random) if kind < 0.65 else _shuffled(shape, photos, random)


def _dots(shape: tuple[int, ...], random: Random) -> np.ndarray:
    """Polka dots or rings in rows on a ground with soft clouds."""
    import cv2

    cells = int(random.choice([3, 6, 12]))
    clouds = random.normal(0, random.uniform(0, 30), (cells, cells)).astype(np.float32)
    light, dark = random.permutation(random.uniform(0, 255, 2)).tolist()
    image = light + cv2.resize(clouds, shape[::-1], interpolation=cv2.INTER_CUBIC)
    step, size = float(np.exp(random.uniform(np.log(6), np.log(90)))), random.uniform(0.1, 0.45)
    shifted, filled = 0.5 * (random.random() < 0.6), random.random() < 0.8
    x0, y0 = random.uniform(0, step, 2)
    for row in range(-1, int(shape[0] / step) + 2):
        for column in range(-1, int(shape[1] / step) + 2):
            center = (round(float(x0 + (column + shifted * (row % 2)) * step)), round(float(y0 + row * step)))
            cv2.circle(image, center, max(1, round(size * step)), (dark,), -1 if filled else 2, cv2.LINE_AA)
    return np.asarray(cv2.blur(image, (3, 3)).clip(0, 255).astype(np.uint8))


def _mirrored(shape: tuple[int, ...], photos: Photos, random: Random) -> np.ndarray:
    """Parts of a background beside their mirror images, as in totems, cars and fronts of houses."""
    import cv2

    source = photos.backgrounds[int(random.integers(len(photos.backgrounds)))]
    side = int(random.integers(40, len(source) // 2))
    left, top = random.integers(0, len(source) - side, 2).tolist()
    half = np.rot90(source[top : top + side, left : left + side // 2 + 1], int(random.choice([0, 2])))
    tile = cv2.resize(np.concatenate([half, half[:, ::-1]], 1), (int(random.integers(24, 200)),) * 2)
    count = [-(-size // len(tile)) for size in shape]
    return np.ascontiguousarray(np.tile(tile, count)[: shape[0], : shape[1]])


def _shuffled(shape: tuple[int, ...], photos: Photos, random: Random) -> np.ndarray:
    """Squares out of photos in any order and turn, each smaller than half of a face."""
    import cv2

    photo = int(random.integers(len(photos.images)))
    image, own = photos.images[photo], photos.points[photos.photo == photo]
    width = float(np.hypot(*(own[0, 0] - own[0, 1])))  # from eye to eye: about two fifths of a face
    part, side = max(8, int(random.uniform(0.5, 0.9) * width)), int(random.integers(8, 80))
    result = np.empty(shape, np.uint8)
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            x, y = (int(random.integers(0, size - part)) for size in image.shape[::-1])
            square = np.rot90(image[y : y + part, x : x + part], int(random.integers(4)))
            place = result[top : top + side, left : left + side]
            place[:] = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)[
                : place.shape[0], : place.shape[1]
            ]
    return result
