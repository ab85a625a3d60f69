"""Faces with the 68 points of COCO files, one of training and one of test persons, as one dataset.

The programs of this folder that train and measure 68-point models open their faces here.
"""

from pathlib import Path

import numpy as np

from bench.fit_mean_shape import points_of
from edgefkp.data.cutting import cut_face
from edgefkp.data.faces import AUTOMATIC, Dataset, Faces, faces_of
from edgefkp.data.images import read_image
from edgefkp.files import read_json
from edgefkp.layout import LAYOUTS, InputSpec

LAYOUT = LAYOUTS["ibug68"]
LICENSE = "YouTube Faces: published for research, without a licence; points placed automatically"


def open_faces68(folder: Path, spec: InputSpec) -> Dataset:
    """`folder`/coco-train.json, coco-test.json and images/, each face cut for a network with this input."""
    train, test = (_faces(folder, f"coco-{part}.json", spec) for part in ("train", "test"))
    return Dataset(folder.resolve().name, train, test, LICENSE)


def _faces(folder: Path, table: str, spec: InputSpec) -> Faces:
    listed = {one["id"]: one for one in read_json(folder / table)["images"]}
    images = [listed[one["image_id"]] for one in read_json(folder / table)["annotations"]]
    points = points_of(folder / table, LAYOUT.count)
    crops = []
    for about, keypoints in zip(images, points, strict=True):
        image = read_image(folder / "images" / about["file_name"], spec.colors)
        assert image is not None, about["file_name"]
        crops.append(cut_face(image, keypoints, about["file_name"], LAYOUT, spec))
    pixels, keypoints = (np.stack(part) for part in zip(*crops, strict=True))
    names, persons = (np.array([about[key] for about in images]) for key in ("file_name", "person"))
    return faces_of(pixels, keypoints, names, persons, np.full(keypoints.shape[:2], AUTOMATIC), LAYOUT)
