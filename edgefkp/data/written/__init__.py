"""The forms that labeled faces are written in, one file each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from edgefkp.data.faces import Dataset, Faces, joined
from edgefkp.data.images import image_bytes
from edgefkp.data.photos import PARTS, LabeledFace, Photos, photos_of
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible, write_bytes
from edgefkp.records import Registry

IMAGES = "images"  # folder beside the labels


@dataclass(frozen=True)
class Writer:
    """One form."""

    name: str  # as in --to
    description: str  # in a few words
    labels: tuple[str, ...]  # patterns, as of Path.glob, of the files that it may write into its folder
    # (photos, names, folder) -> the files of labels. names: of each face's photo, below IMAGES. None: a form of crops.
    photos: Callable[[Photos, list[str], Path], list[Path]] | None = None
    # (dataset, folder) -> the files. None for a form of whole photos.
    faces: Callable[[Dataset, Path], list[Path]] | None = None
    loses: str = ""  # what it cannot hold


WRITERS: Registry[Writer] = Registry("form to write", __name__)


def write(writer: Writer, source: Photos | Dataset, out: Path, replace_files: bool = False) -> list[Path]:
    """Write `source` into the folder `out`, photos first, so that labels are there only when all of it is.

    A dataset of crops is written as PNG images where the form is one of photos. Returns the files of labels.
    Raises EdgefkpError for a folder that is not empty, unless its files are to be replaced.
    """
    if not replace_files and out.is_dir() and any(out.iterdir()):
        raise EdgefkpError(f"{out} is not empty", "choose another folder, or replace what is there: --replace")
    earlier = {path for pattern in writer.labels for path in visible(out, pattern)} if out.is_dir() else set()
    if writer.photos is None:
        assert writer.faces is not None
        assert isinstance(source, Dataset)
        files = writer.faces(source, out)
    else:
        photos = source if isinstance(source, Photos) else _as_photos(source, out / IMAGES)
        names = _names(photos)
        if isinstance(source, Photos):
            _copy(photos, names, out / IMAGES)
        files = writer.photos(photos, names, out)
    for path in earlier - set(files):
        path.unlink()
    return files


def parts_of(photos: Photos, names: list[str]) -> dict[str, tuple[Photos, list[str]]]:
    """Each part that has faces, with the names of its photos."""
    rows = {part: np.flatnonzero(photos.parts == part) for part in PARTS}
    return {part: (photos.take(at), [names[row] for row in at.tolist()]) for part, at in rows.items() if len(at)}


def _names(photos: Photos) -> list[str]:
    """A path below IMAGES for each face's photo: as the labels name it, where that is possible."""
    given: dict[Path, str] = {}
    taken: Counter[str] = Counter()
    for path, face in zip(photos.paths, photos.ids, strict=True):
        if path not in given:
            name = str(face).replace("\\", "/")
            pure = PurePosixPath(name.removeprefix(f"{IMAGES}/"))
            if pure.is_absolute() or ".." in pure.parts or not pure.suffix or ":" in name:
                pure = PurePosixPath(path.name)
            if taken[str(pure).lower()]:
                pure = pure.with_name(f"{pure.stem}-{taken[str(pure).lower()] + 1}{pure.suffix}")
            taken[str(pure).lower()] += 1
            given[path] = str(pure)
    return [given[path] for path in photos.paths]


def _copy(photos: Photos, names: list[str], folder: Path) -> None:
    copies = dict(zip(photos.paths, names, strict=True))
    with progress_bar("copying photos", len(copies)) as bar:
        for path, name in copies.items():
            write_bytes(folder / name, image_bytes(path))
            bar.update(1)


def _as_photos(source: Dataset, folder: Path) -> Photos:
    """Crops as photos of their own, written into `folder`."""
    import cv2

    parts = {part: faces for part in PARTS if (faces := getattr(source, part)) is not None}
    every: Faces = joined(list(parts.values()))
    found = []
    of_part = [part for part, faces in parts.items() for _ in range(len(faces))]
    for row, part in enumerate(of_part):
        name = f"{part}-{row + 1:05}.png"
        image = every.images[row]
        content = cv2.imencode(".png", image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1]))[1]
        write_bytes(folder / name, content.tobytes())
        person = str(every.groups[row]) if source.persons_known else None
        found.append(LabeledFace(name, folder / name, every.keypoints[row], name, part, person))
    photos = photos_of(source.name, folder, source.layout, found)
    return replace(photos, label_src=every.label_src, license=source.license)
