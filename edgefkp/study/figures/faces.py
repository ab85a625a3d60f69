"""The paper's figures that show faces: faces with their points, the augmentations, predictions."""

from typing import Any

import numpy as np

from edgefkp.data.augment import AugmentConfig, online_batch, paper_set
from edgefkp.data.faces import Faces
from edgefkp.data.imputation import TrainingSet
from edgefkp.report.faces import face_legend, show_face
from edgefkp.report.figures import panels
from edgefkp.study.figures import FIGURES, Material
from edgefkp.study.shown import PREDICTED, SHOWN, Shown

WIDTH = 9.0  # inches
_PAPER = ("as it is", "+12°", "-12°", "brightness 1.2", "brightness 0.6")
_SHIFTS = ("shift -12, -12", "shift -12, +12", "shift +12, -12", "shift +12, +12")
PAPER_LABELS = (*_PAPER, *_SHIFTS, "noise 0.008")
SMALL = 4.0  # size of a ring on a face as small as in figure 12
ONLINE = 10  # images of this project's augmentation beside the paper's ten


@FIGURES.figure("figure-02-faces", "Figure 2. Faces with their points", photographs=True)
def faces_with_points(material: Material) -> Any:
    shown = material.shown
    faces = shown.faces.take(_some(len(shown.faces)))
    columns = min(4, len(faces))
    rows = -(-len(faces) // columns)
    figure, axes = panels(WIDTH * 0.7, WIDTH * 0.7 / columns * rows + 0.35, rows, columns)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, image, points in zip(axes.flat, faces.images, faces.keypoints, strict=False):
        show_face(panel, image, faces.layout, points)
    face_legend(figure, axes[0, 0], faces.layout, predicted=False)
    return {shown.credit: figure}


@FIGURES.figure("figure-03-augmentations", "Figure 3. Augmentations", photographs=True)
def augmentations(material: Material) -> Any:
    caption = "Above the paper's, made once before training; below ours, made anew for every batch."
    return {f"{caption} {material.shown.credit}": augmented(material.shown)}


def augmented(shown: Shown) -> Any:
    """One face as the paper alters it, and below as `online` does while training."""
    image, points = _whole_face(shown.faces)
    altered = paper_set(TrainingSet(image[None], points[None], layout=shown.faces.layout))
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
        show_face(panel, one, shown.faces.layout, where)
        panel.set_title(label, fontsize=8)
    axes[2, 0].set_title("online, ten times", fontsize=8)
    for panel, one, where in zip(axes[2:].flat, *online, strict=False):
        show_face(panel, one, shown.faces.layout, where)
    return figure


def _whole_face(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """The complete face whose points stay inside after the largest number of shifts."""
    rows = np.flatnonzero(faces.complete) if faces.complete.any() else np.arange(len(faces))
    counts = [
        len(paper_set(TrainingSet(faces.images[[row]], faces.keypoints[[row]], layout=faces.layout))) for row in rows
    ]
    row = rows[int(np.argmax(counts))]
    return faces.images[row], faces.keypoints[row]


@FIGURES.figure("figure-12-predictions", "Figure 12. Predictions", photographs=True)
def predictions(material: Material) -> Any:
    if not material.shown.predicted:
        return None
    caption = "Labeled points as rings, predicted ones as crosses; faces evenly spaced, not picked."
    return {f"{caption} {material.shown.credit}": predicted(material.shown)}


def predicted(shown: Shown) -> Any:
    """Labeled points as rings, predicted ones as crosses, a row of faces for each network."""
    order = [name for name in PREDICTED if name in shown.predicted] or list(shown.predicted)[: len(PREDICTED)]
    rows = _some(len(shown.faces))
    faces = shown.faces.take(rows)
    figure, axes = panels(WIDTH, WIDTH / len(faces) * len(order) * 1.12 + 0.35, len(order), len(faces))
    for line, name in zip(axes, order, strict=True):
        for panel, image, true, found in zip(
            line, faces.images, faces.keypoints, shown.predicted[name][rows], strict=True
        ):
            show_face(panel, image, faces.layout, true, found, size=SMALL)
        line[0].set_title(name, fontsize=8, loc="left")
    face_legend(figure, axes[0, 0], faces.layout)
    return figure


def _some(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int)
