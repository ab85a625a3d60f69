"""Small made-up faces, and Kaggle's files made from them."""

import csv
import zipfile
from pathlib import Path

import numpy as np

from edgefkp.layout import KAGGLE15, ModelSpec

USUAL = ModelSpec()


def made_faces(count: int, seed: int = 0, spec: ModelSpec = USUAL) -> tuple[np.ndarray, np.ndarray]:
    """(count, side, side[, 3]) uint8 random textures, all different, and (count, K, 2) points near the mean shape."""
    random = np.random.default_rng(seed)
    side, *channels = spec.input.image_shape[1:]
    coarse = random.integers(0, 256, (count, side // 4, side // 4, *channels), dtype=np.uint8)
    images = coarse.repeat(4, 1).repeat(4, 2)
    noise = random.normal(0, 1.5, (count, spec.layout.count, 2))
    return images, (spec.layout.mean_points(side) + noise).round(3).astype(np.float32)


def write_training(path: Path, images: np.ndarray, keypoints: np.ndarray) -> Path:
    rows = (
        [*("" if np.isnan(v) else f"{v:.6g}" for v in points.ravel().tolist()), " ".join(map(str, image.ravel()))]
        for image, points in zip(images, keypoints, strict=True)
    )
    return write_csv(path, [*KAGGLE15.columns, "Image"], rows)


def write_test(path: Path, images: np.ndarray) -> Path:
    rows = ([row, " ".join(map(str, image.ravel()))] for row, image in enumerate(images, 1))
    return write_csv(path, ["ImageId", "Image"], rows)


def write_csv(path: Path, header: list[str], rows) -> Path:
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def zipped(path: Path) -> Path:
    """Replace `x.csv` by `x.zip`."""
    target = path.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    path.unlink()
    return target
