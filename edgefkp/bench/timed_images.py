"""The pictures that a network is timed on: faces with labels where data are given, drawn ones otherwise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.data.synthetic import SHIPPED
from edgefkp.errors import EdgefkpError
from edgefkp.files import replacing, sha256_arrays

COUNT = 100  # different images: the paper's table 4 is in seconds per 100


@dataclass(frozen=True, eq=False)
class Pictures:
    """images: (N, 96, 96) uint8. keypoints: (N, 15, 2) float32, all NaN where RMSE has no meaning."""

    name: str
    licence: str
    images: np.ndarray
    keypoints: np.ndarray

    @property
    def labelled(self) -> bool:
        return not bool(np.isnan(self.keypoints).all())

    @property
    def hash(self) -> str:
        return sha256_arrays(self.images, self.keypoints)


def drawn_pictures() -> Pictures:
    """The 100 packaged drawn faces, without labels: no RMSE comes of them."""
    with np.load(SHIPPED) as stored:
        images = stored["images"]
    return Pictures("drawn faces", "part of edgefkp", images, np.full((len(images), 15, 2), np.nan, np.float32))


def pictures_for(data: str | Path | None, count: int = COUNT) -> Pictures:
    """What the commands measure on: pictures_of(data), read and cropped in a process of its own, so that neither
    OpenCV nor its threads are in the one that measures; drawn_pictures() where data is None.
    """
    if data is None:
        return drawn_pictures()
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        return child.submit(pictures_of, data, count).result()


def pictures_of(data: str | Path, count: int = COUNT) -> Pictures:
    """`count` faces evenly spaced through the test part of a data source, with its labels.

    Raises EdgefkpError where the source has fewer test faces.
    """
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split

    source = open_dataset(data)
    test = split(source).test
    if len(test) < count:
        raise EdgefkpError(f"{source.name} has {len(test)} test faces, and {count} were asked for", "use --images N")
    rows = np.linspace(0, len(test) - 1, count).round().astype(int)
    return Pictures(source.name, source.license, test.images[rows], test.keypoints[rows])


def save(pictures: Pictures, path: Path) -> None:
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(
            stream,
            images=pictures.images,
            keypoints=pictures.keypoints,
            name=np.array(pictures.name),
            licence=np.array(pictures.licence),
        )


def read(path: Path) -> Pictures:
    with np.load(path) as stored:
        return Pictures(str(stored["name"]), str(stored["licence"]), stored["images"], stored["keypoints"])
