"""What happens to faces in front of a camera: light, masks, hands, glasses, blur and noise, painted on."""

import numpy as np

Random = np.random.Generator


def relit(image: np.ndarray, random: Random) -> np.ndarray:
    """Another brightness, contrast and gamma, at times a shadow over one side or light from behind: uint8 to uint8."""
    table = np.arange(256, dtype=np.float32) / 255
    if random.random() < 0.7:
        table = table ** np.exp(random.normal(0, 0.35))
    low, high = random.uniform(0, 0.2), random.uniform(0.65, 1.1)
    if random.random() < 0.12:  # dark
        high *= random.uniform(0.12, 0.5)
    table = low * high + (high - low * high) * table
    if random.random() > 0.15:
        return (table * 255).clip(0, 255).astype(np.uint8)[image]
    light = table[image] * ramp(*image.shape, random, random.uniform(2, 12), random.uniform(0.15, 0.7))
    return np.asarray((light * 255).clip(0, 255).astype(np.uint8))


def ramp(height: int, width: int, random: Random, sharp: float, low: float) -> np.ndarray:
    """(H, W) factors: 1 on one side, down to `low` on the other, with a soft or a sharp edge between."""
    y, x = np.ogrid[:height, :width]
    angle = random.uniform(0, 2 * np.pi)
    far = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle) + random.normal(0, 0.1)
    return np.asarray(low + (1 - low) / (1 + np.exp(-sharp * far)), np.float32)


def covered(image: np.ndarray, points: np.ndarray, random: Random) -> None:
    """Paint a mask, a hand or dark glasses over the face with these (5, 2) points, in place."""
    kind = random.random()
    if kind < 0.5:
        mask(image, points, random)
    elif kind < 0.75:
        _hand(image, points, random)
    else:
        _glasses(image, points, random)


def _axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The eyes' middle, the step from eye to eye, and the one from the eyes to the mouth."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    return eyes, points[1] - points[0], mouth - eyes


def mask(image: np.ndarray, points: np.ndarray, random: Random) -> None:
    import cv2

    eyes, across, down = _axes(points)
    top, wide = random.uniform(0.3, 0.65), random.uniform(0.75, 1.0)
    corners = [
        (-wide, top + 0.05),
        (0, top - 0.15),
        (wide, top + 0.05),
        (0.85 * wide, 1.3),
        (0.45, 1.75),
        (-0.45, 1.75),
    ]
    corners.append((-0.85 * wide, 1.3))
    outline = np.array([eyes + a * across + b * down for a, b in corners])
    gray = int(random.choice([random.uniform(150, 250), random.uniform(10, 255)]))
    cv2.fillPoly(image, [np.rint(outline * 16).astype(np.int32)], (gray,), cv2.LINE_AA, 4)
    if random.random() < 0.6:  # folds
        for b in (0.85, 1.1):
            ends = [
                np.rint((eyes + a * across + b * down) * 16).astype(int).tolist() for a in (-0.6 * wide, 0.6 * wide)
            ]
            cv2.line(image, ends[0], ends[1], (int(gray * 0.85),), 1, cv2.LINE_AA, 4)
    for sign in (-1, 1):  # straps
        ends = [
            np.rint((eyes + sign * a * across + b * down) * 16).astype(int).tolist()
            for a, b in ((wide, top + 0.1), (1.25, 0.2))
        ]
        cv2.line(image, ends[0], ends[1], (gray,), 1, cv2.LINE_AA, 4)


def _hand(image: np.ndarray, points: np.ndarray, random: Random) -> None:
    import cv2

    eyes, across, down = _axes(points)
    size = float(np.linalg.norm(across))
    x, y = eyes + 0.5 * across + 0.8 * down
    here = image[int(np.clip(y, 0, image.shape[0] - 1)), int(np.clip(x, 0, image.shape[1] - 1))]
    gray = float(np.clip(here * random.uniform(0.7, 1.2), 0, 255))
    start = eyes + random.uniform(-1.3, 1.3) * across + random.uniform(0.8, 2.0) * down
    toward = eyes + random.uniform(-0.4, 0.4) * across + random.uniform(0.6, 1.2) * down - start
    aside = np.array([-toward[1], toward[0]]) / max(float(np.linalg.norm(toward)), 1e-3)
    for finger in range(-1, 3):
        one = start + aside * finger * 0.3 * size
        ends = [np.rint(place * 16).astype(int).tolist() for place in (one, one + toward * random.uniform(0.8, 1.1))]
        shade = int(np.clip(gray * random.uniform(0.85, 1.1), 0, 255))
        cv2.line(image, ends[0], ends[1], (shade,), max(1, round(0.28 * size)), cv2.LINE_AA, 4)


def _glasses(image: np.ndarray, points: np.ndarray, random: Random) -> None:
    import cv2

    across = points[1] - points[0]
    size, angle = float(np.linalg.norm(across)), float(np.degrees(np.arctan2(across[1], across[0])))
    axes = (max(1, round(random.uniform(0.3, 0.45) * size)), max(1, round(random.uniform(0.2, 0.35) * size)))
    for eye in points[:2]:
        center = np.rint(eye).astype(int).tolist()
        cv2.ellipse(image, center, axes, angle, 0, 360, (int(random.uniform(0, 50)),), -1, cv2.LINE_AA)
    ends = [np.rint(point * 16).astype(int).tolist() for point in points[:2]]
    cv2.line(image, ends[0], ends[1], (int(random.uniform(0, 60)),), 1, cv2.LINE_AA, 4)


def side_light(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    """One side of the face with these (5, 2) points lies in shadow."""
    height, width = image.shape
    y, x = np.ogrid[:height, :width]
    middle, size = points.mean(0), 2.5 * float(np.hypot(*(points[1] - points[0])))
    angle, sharp = random.uniform(0, 2 * np.pi), random.uniform(4, 40)
    far = ((x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)) / size + random.normal(0, 0.1)
    low = random.uniform(0.08, 0.5)
    light = low + (1 - low) / (1 + np.exp(-np.clip(sharp * far, -50, 50)))
    return np.asarray((image * light).clip(0, 255).astype(np.uint8))


def back_light(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    """The face is dark and flat before something bright."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    middle, size = points.mean(0), 0.9 * float(np.hypot(*(points[:2].mean(0) - points[3:].mean(0))))
    far = np.hypot((x - middle[0]) / (0.9 * size), (y - middle[1]) / (1.2 * size))
    around = 1 / (1 + np.exp(-np.clip(6 * (far - random.uniform(1.1, 1.6)), -50, 50)))
    face = image * random.uniform(0.15, 0.5) + random.uniform(0, 40)
    return np.asarray((face + around * (random.uniform(180, 255) - face)).clip(0, 255).astype(np.uint8))


def film(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    """Little contrast, under a gray veil."""
    contrast, veil = random.uniform(0.1, 0.5), random.uniform(20, 220)
    noise = random.normal(0, random.uniform(0, 4), image.shape)
    return np.asarray((veil + contrast * (image - 128.0) + noise).clip(0, 255).astype(np.uint8))


def gamma(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    power = np.exp(random.uniform(np.log(0.35), np.log(2.8)))
    return np.asarray((255 * (image / 255) ** power).astype(np.uint8))


def dark(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    """An eighth of the light, with the noise that a camera then has."""
    return np.asarray((image / 8 + random.normal(0, 1.5, image.shape)).clip(0, 255).astype(np.uint8))


def open_mouth(image: np.ndarray, points: np.ndarray, random: Random) -> np.ndarray:
    import cv2

    mouth, eyes = points[3:].mean(0), points[:2].mean(0)
    down, wide = mouth - eyes, float(np.hypot(*(points[4] - points[3])))
    center = np.rint(mouth + down * random.uniform(0.05, 0.25)).astype(int).tolist()
    angle = float(np.degrees(np.arctan2(down[1], down[0])) - 90)
    wide, high = wide * random.uniform(0.25, 0.45), float(np.hypot(*down)) * random.uniform(0.15, 0.4)
    mask = np.zeros(image.shape, np.float32)
    cv2.ellipse(mask, center, (max(1, round(wide)), max(1, round(high))), angle, 0, 360, (1.0,), -1, cv2.LINE_AA)
    mask = np.asarray(cv2.blur(mask, (3, 3)))
    return np.asarray((image + mask * (random.uniform(5, 60) - image)).clip(0, 255).astype(np.uint8))


def through_camera(image: np.ndarray, random: Random) -> np.ndarray:
    """Blur, noise and compression of the whole image: uint8 to uint8."""
    import cv2

    if random.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.2))
    if random.random() < 0.3:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(random.integers(1 << 31)))
        cv2.randn(noise, (0.0,), (float(random.choice([3, 6, 6, 16])),))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if random.random() < 0.15:
        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 80))])
        image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    return image
