"""The few faces that the study's figures show, and what its networks predicted of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgefkp.data.faces import Faces, faces_of, shown_rows
from edgefkp.data.formats import open_dataset
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.study.evidence import Results

SHOWN = 8  # faces of figure 2; of figure 12 a row for each network
# The rows of figure 12 in the paper: its four networks after augmentation.
PREDICTED = ("manual-augment", "tuned_augment-augment", "mobilenetv2-augment", "nasnetmobile-augment")


@dataclass(frozen=True, eq=False)
class Shown:
    """Faces, and their points as predicted."""

    name: str  # of the data
    license: str
    faces: Faces
    predicted: Mapping[str, np.ndarray]  # cell or file -> (N, K, 2) px

    @property
    def credit(self) -> str:
        return f"Faces: {self.name} ({self.license})."


def drawn_faces() -> Shown:
    """What may be shown anywhere: the drawn faces that come with edgefkp."""
    images, keypoints = draw_all(SHOWN)
    return Shown("drawn faces", "part of edgefkp", faces_of(images, keypoints), {})


def shown_of(data: str, results: Results) -> Shown:
    """A few test faces of a data source, with the predictions that the cells kept of them.

    Raises EdgefkpError if the source cannot be opened or has no labeled face.
    """
    source = open_dataset(data)
    test = part_of(source, "test")
    if not test.labeled.any():
        raise EdgefkpError(f"{source.name} has no labeled test face", "give the study's data, or leave --data away")
    rows = shown_rows(len(test))
    predicted = {
        name: np.array(result.scores.sheet.predicted)
        for name, result in results.items()
        if result.scores.test.data["hash"] == test.hash and result.scores.sheet.rows == rows.tolist()
    }
    return Shown(source.name, source.license, test.take(rows), predicted)


def with_files(shown: Shown, folder: Path) -> Shown:
    """The predictions of `folder`'s float32 .tflite files in place of those that the cells did not keep."""
    from edgefkp.runtime.predictor import open_predictor

    known = {f"{name}.float32.tflite": name for name in (*PREDICTED, "manual-masked-online", "small-masked-online")}
    files = [folder / file for file, name in known.items() if (folder / file).exists() and name not in shown.predicted]
    predicted = {known[file.name]: open_predictor(file).predict(shown.faces.images) for file in files}
    return replace(shown, predicted={**shown.predicted, **predicted})
