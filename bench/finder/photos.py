"""Photos with the five points of every face on them, and backgrounds without faces: what scenes are made of.

    python -m bench.finder.photos --lfw FOLDER --persons full_labels.npz --persons lfw_extra.npz --data lfw-kaggle \\
        --free-faces FOLDER --backgrounds FOLDER --teacher YUNET.onnx --out photos.npz
    python -m bench.finder.photos --free-faces FOLDER --drawn RENDERS --backgrounds FOLDER --out photos.npz

LFW's photos lie in folders that are called as their person. Only persons of --persons are taken (arrays `train_group`
or `group`), and those who validate keypoint models validate here as well. The teacher is YuNet, which finds the faces
of each photo and their five points; what it is not sure of is neither a face nor a background. Without LFW all
terms are clean, and there is no teacher: the one face of each photo has the points of its folder's points.csv. Drawn
faces (bench.renders) are for training alone.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import run
from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.data.images import read_image
from edgefkp.data.points_csv import read_points
from edgefkp.data.progress import progress_bar
from edgefkp.files import visible
from edgefkp.geometry import move_points
from edgefkp.layout import KAGGLE15
from edgefkp.networks.finder import FIVE

SIDE = 250  # pixels of a photo with faces, as LFW's are
BACKGROUND = 480  # pixels, side of a square cut out of a background
SURE, UNSURE = 0.7, 0.3  # scores of the teacher: a face from the first on; below the second nothing
BORDER = 35  # pixels around a photo before the teacher searches it
PARTS = ("train", "validation")
AGAIN = "make it anew: python -m bench.finder.photos"


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos with faces and backgrounds without, each for training or validation."""

    images: np.ndarray  # (N, SIDE, SIDE) uint8 gray
    validation: np.ndarray  # (N,) bool
    points: np.ndarray  # (M, 5, 2) float32 pixels of the photo: the layout's five points of each face
    photo: np.ndarray  # (M,) int: the photo of each face
    sure: np.ndarray  # (M,) bool: False for what may be a face
    backgrounds: np.ndarray  # (B, BACKGROUND, BACKGROUND) uint8 gray
    background_validation: np.ndarray  # (B,) bool

    def part(self, name: str) -> "Photos":
        """The photos and backgrounds of "train" or "validation" alone."""
        rows = np.flatnonzero(self.validation == (name == PARTS[1]))
        place = np.full(len(self.images), -1)
        place[rows] = np.arange(len(rows))
        faces = place[self.photo] >= 0
        behind = self.background_validation == (name == PARTS[1])
        return Photos(
            self.images[rows],
            self.validation[rows],
            self.points[faces],
            place[self.photo[faces]],
            self.sure[faces],
            self.backgrounds[behind],
            self.background_validation[behind],
        )


def read_photos(path: Path) -> Photos:
    """Raises EdgefkpError for a file that is missing or damaged."""
    arrays = read_arrays(path, AGAIN)
    return Photos(**{name: arrays[name] for name in Photos.__dataclass_fields__})


class Teacher:
    """YuNet, which names the five points of all faces of a gray image."""

    def __init__(self, path: Path) -> None:
        import cv2

        self._network = cv2.FaceDetectorYN.create(str(path), "", (320, 320), UNSURE)

    def __call__(self, path: Path, image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, 5, 2) float32 points in pixels of the (H, W) image, and their (n,) scores."""
        import cv2

        framed = cv2.copyMakeBorder(image, *(BORDER,) * 4, cv2.BORDER_REPLICATE)
        self._network.setInputSize(framed.shape[1::-1])
        _, rows = self._network.detect(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR))
        if rows is None:
            return np.empty((0, 5, 2), np.float32), np.empty(0)
        return rows[:, 4:14].reshape(-1, 5, 2) - BORDER, rows[:, 14]


class Labels:
    """The points of each folder's points.csv, of one face on each photo."""

    def __init__(self, *folders: Path) -> None:
        self._points: dict[Path, np.ndarray] = {}
        for folder in folders:
            files, points, *_ = read_points(folder / "points.csv", KAGGLE15)
            places = points[:, list(KAGGLE15.rows(*FIVE.points))]
            self._points |= {folder / file: place for file, place in zip(files, places, strict=True)}

    def __call__(self, path: Path, image: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(1, 5, 2) points in pixels of the image, to which the matrix moves those of the photo; and a score of 1."""
        return move_points(matrix, self._points[path])[None], np.ones(1)


def lfw_photos(folder: Path, persons: Sequence[Path], held_out: set[str]) -> Iterator[tuple[Path, bool]]:
    """The photos of the persons of those files, and whether each validates."""
    groups: set[str] = set()
    for path in persons:
        arrays = read_arrays(path, "give full_labels.npz or lfw_extra.npz")
        groups |= set((arrays["train_group"] if "train_group" in arrays else arrays["group"]).tolist())
    for person in sorted(groups):
        for photo in visible(folder / person.partition(":")[2], "*.jpg"):
            yield photo, person in held_out


def free_photos(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The photos of the training and validation persons of free-faces: every fifth person, from the first, is test;
    of the rest every fifth validates."""
    import csv

    with open(folder / "points.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = sorted({row["person"] for row in rows})
    rest = [name for number, name in enumerate(names) if number % 5]
    validating = set(rest[::5])
    for row in rows:
        if row["person"] in rest:
            yield folder / row["file"], row["person"] in validating


def squares(image: np.ndarray) -> list[np.ndarray]:
    """Squares of BACKGROUND pixels out of a (H, W) background: its whole short side, once or twice."""
    import cv2

    short = min(image.shape)
    starts = {0, max(image.shape) - short} if max(image.shape) > 1.4 * short else {(max(image.shape) - short) // 2}
    cut = [image[:, at : at + short] if image.shape[1] >= image.shape[0] else image[at : at + short] for at in starts]
    method = cv2.INTER_AREA if short > BACKGROUND else cv2.INTER_LINEAR
    return [cv2.resize(part, (BACKGROUND, BACKGROUND), interpolation=method) for part in cut]


def fitted(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) -> (SIDE, SIDE), the middle of the image, with a replicated border around a narrower one; and the (2, 3)
    matrix that moves the image's points."""
    import cv2

    scale = SIDE / max(image.shape)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:SIDE, :SIDE]
    rows, columns = SIDE - small.shape[0], SIDE - small.shape[1]
    above, left = rows // 2, columns // 2
    edge = 0.5 * scale - 0.5  # of the first pixel's middle
    matrix = np.array([[scale, 0, edge + left], [0, scale, edge + above]])
    return cv2.copyMakeBorder(small, above, rows - above, left, columns - left, cv2.BORDER_REPLICATE), matrix


def gather(found: list[tuple[Path, bool]], teacher: Any, backgrounds: list[np.ndarray], held: list[bool]) -> Photos:
    """Read the photos and let the teacher name their faces; a photo in which it sees none is left out."""
    images, validation, points, photo, scores = [], [], [], [], []
    with progress_bar("photos", len(found)) as bar:
        for path, validates in found:
            bar.update(1)
            image = read_image(path, "gray")
            if image is None:
                continue
            image, matrix = fitted(image)
            own, sure = teacher(path, image, matrix)
            if not len(own) or sure.max() < SURE:
                continue
            points.append(own)
            scores.append(sure)
            photo.append(np.full(len(own), len(images)))
            images.append(image)
            validation.append(validates)
    return Photos(
        np.stack(images),
        np.array(validation),
        np.concatenate(points).astype(np.float32),
        np.concatenate(photo),
        np.concatenate(scores) >= SURE,
        np.array(backgrounds, np.uint8).reshape(-1, BACKGROUND, BACKGROUND),
        np.array(held, bool),
    )


@click.command()
@click.option("--lfw", type=click.Path(path_type=Path, exists=True), help="With --persons, --data and --teacher.")
@click.option("--persons", type=click.Path(path_type=Path), multiple=True)
@click.option("--data", help="Data whose validation persons validate here, as for edgefkp train.")
@click.option("--free-faces", type=click.Path(path_type=Path, exists=True))
@click.option("--drawn", type=click.Path(path_type=Path, exists=True), help="With --free-faces: of bench.renders.")
@click.option("--backgrounds", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--teacher", type=click.Path(path_type=Path, exists=True), help="YuNet's .onnx.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(
    lfw: Path | None,
    persons: tuple[Path, ...],
    data: str | None,
    free_faces: Path | None,
    drawn: Path | None,
    backgrounds: Path,
    teacher: Path | None,
    out: Path,
) -> None:
    """Gather photos, their faces and backgrounds in one file."""
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split

    found = list(free_photos(free_faces)) if free_faces else []
    if lfw and persons and data and teacher and not drawn:
        held_out = set(split(open_dataset(data)).validation.groups.tolist())
        found = list(lfw_photos(lfw, persons, held_out)) + found
        points: Teacher | Labels = Teacher(teacher)
    elif free_faces and not (lfw or persons or data or teacher):
        found += [(path, False) for path in visible(drawn / "photos", "*.jpg")] if drawn else []
        points = Labels(free_faces, *([drawn] if drawn else []))
    else:
        raise click.UsageError(
            "--lfw, --persons, --data and --teacher belong together; --free-faces, with --drawn or not, stands alone"
        )
    cut, held = [], []
    for path in visible(backgrounds, "*.*"):
        image = read_image(path, "gray")
        if image is not None:
            parts = squares(image)
            cut += parts
            held += [zlib.crc32(path.stem.encode()) % 4 == 0] * len(parts)  # every fourth background validates
    photos = gather(found, points, cut, held)
    write_arrays(out, {name: getattr(photos, name) for name in Photos.__dataclass_fields__})
    click.echo(
        f"{len(photos.images)} photos ({photos.validation.sum()} validate) with {photos.sure.sum()} faces, "
        f"{(~photos.sure).sum()} doubtful, and {len(cut)} backgrounds ({sum(held)} validate): {out}"
    )


if __name__ == "__main__":
    run(main)
