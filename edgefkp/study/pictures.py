"""The paper's figures that show faces: faces with their points, the augmentations, predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch, paper_set
from edgefkp.data.faces import Faces, faces_of, shown_rows
from edgefkp.data.formats import open_dataset
from edgefkp.data.imputation import TrainingSet
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.report.figures import panels
from edgefkp.study.evidence import Results

SHOWN = 8  # faces of figure 2; of figure 12 a row for each network
TRUE, FOUND = "#00E5A0", "#FF7A00"
# The rows of figure 12 in the paper: its four networks after augmentation.
PREDICTED = ("manual-augment", "tuned_augment-augment", "mobilenetv2-augment", "nasnetmobile-augment")
WIDTH = 9.0  # inches
_PAPER = ("as it is", "+12°", "-12°", "brightness 1.2", "brightness 0.6")
_SHIFTS = ("shift -12, -12", "shift -12, +12", "shift +12, -12", "shift +12, +12")
PAPER_LABELS = (*_PAPER, *_SHIFTS, "noise 0.008")
ONLINE = 10  # pictures of our own augmentation beside the paper's ten


@dataclass(frozen=True, eq=False)
class Shown:
    """name, licence: of the faces. predicted: cell or file -> (N, 15, 2) px of these very faces."""

    name: str
    licence: str
    faces: Faces
    predicted: Mapping[str, np.ndarray]


def drawn_faces() -> Shown:
    """What may be shown anywhere: the drawn faces that come with edgefkp."""
    images, keypoints = draw_all(SHOWN)
    return Shown("drawn faces", "part of edgefkp", faces_of(images, keypoints), {})


def shown_of(data: str, results: Results) -> Shown:
    """A few test faces of a data source, with the predictions that the cells kept of them.

    Raises EdgefkpError where the source cannot be opened or has no labelled face.
    """
    source = open_dataset(data)
    test = part_of(source, "test")
    if not test.labeled.any():
        raise EdgefkpError(f"{source.name} has no labelled test face", "give the study's data, or leave --data away")
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
    return Shown(shown.name, shown.licence, shown.faces, {**shown.predicted, **predicted})


def faces_with_points(shown: Shown) -> Any:
    """Figure 2."""
    faces = shown.faces.take(_some(len(shown.faces)))
    columns = min(4, len(faces))
    rows = -(-len(faces) // columns)
    figure, axes = panels(WIDTH * 0.7, WIDTH * 0.7 / columns * rows, rows, columns)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, image, points in zip(axes.flat, faces.images, faces.keypoints, strict=False):
        _show(panel, image, points)
    return figure


def augmentations(shown: Shown) -> Any:
    """Figure 3: one face as the paper alters it, and below as `online` does while training."""
    image, points = _whole_face(shown.faces)
    altered = paper_set(TrainingSet(image[None], points[None]))
    online = online_batch(
        np.repeat(image[None], ONLINE, 0),
        np.repeat(points[None], ONLINE, 0),
        np.random.default_rng(3),
        AugmentConfig(),
        shown.faces.layout,
    )
    labels = PAPER_LABELS if len(altered) == len(PAPER_LABELS) else ("",) * len(altered)
    columns = 5
    figure, axes = panels(WIDTH * 0.8, WIDTH * 0.8 / columns * 4.3, 4, columns)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, one, where, label in zip(axes[:2].flat, altered.images, altered.targets, labels, strict=False):
        _show(panel, one, where)
        panel.set_title(label, fontsize=8)
    for panel, one, where in zip(axes[2:].flat, *online, strict=False):
        _show(panel, one, where)
        panel.set_title("online", fontsize=8)
    return figure


def _whole_face(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """The complete face whose points stay inside after the largest number of shifts."""
    rows = np.flatnonzero(faces.complete) if faces.complete.any() else np.arange(len(faces))
    counts = [len(paper_set(TrainingSet(faces.images[[row]], faces.keypoints[[row]]))) for row in rows]
    row = rows[int(np.argmax(counts))]
    return faces.images[row], faces.keypoints[row]


def predictions(shown: Shown) -> Any:
    """Figure 12: true points as rings, predicted ones as crosses, a row of faces for each network."""
    order = [name for name in PREDICTED if name in shown.predicted] or list(shown.predicted)[: len(PREDICTED)]
    rows = _some(len(shown.faces))
    faces = shown.faces.take(rows)
    figure, axes = panels(WIDTH, WIDTH / len(faces) * len(order) * 1.12, len(order), len(faces))
    for line, name in zip(axes, order, strict=True):
        for panel, image, true, found in zip(
            line, faces.images, faces.keypoints, shown.predicted[name][rows], strict=True
        ):
            panel.set_axis_off()
            _show(panel, image, true, found)
        line[0].set_title(name, fontsize=8, loc="left")
    return figure


def _some(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int)


def _show(panel: Any, image: np.ndarray, points: np.ndarray, found: np.ndarray | None = None) -> None:
    panel.imshow(image, cmap="gray", vmin=0, vmax=255)
    if found is None:
        panel.scatter(*points.T, s=9, c=TRUE, linewidths=0)
    else:
        panel.scatter(*points.T, s=12, facecolors="none", edgecolors=TRUE, linewidths=0.9)
        panel.scatter(*found.T, s=9, c=FOUND, marker="x", linewidths=0.9)
    panel.set_xlim(-0.5, image.shape[1] - 0.5)
    panel.set_ylim(image.shape[0] - 0.5, -0.5)
