"""The figures of a run's page."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgefkp.layout import KAGGLE15, PointLayout
from edgefkp.report.axes import round_log
from edgefkp.report.evaluation_figures import WORST_CAPTION, WorstFaces, curves, worst_sheet
from edgefkp.report.faces import face_legend, show_face
from edgefkp.report.figures import BLUE, GRAY, ORANGE, Figures, color_at, lighten, panels
from edgefkp.report.point_errors import point_errors
from edgefkp.report.result import ModelResult, RunResult
from edgefkp.report.time_error import CAPTION, TimedFile, time_against_error

MARKERS = {"keras": "s", "float32": "o", "int8": "^"}
WIDTH, NARROW = 7.0, 4.6  # inches of a figure on the page; NARROW stays readable on a phone
SHEET_COLUMNS = 4

FIGURES = Figures("figure of a run")


@dataclass(frozen=True, eq=False)
class ShownFaces:
    """A few held-out faces with their points, evenly spaced, not picked; and the worst of each model."""

    images: np.ndarray  # (N, *image_shape) uint8
    truth: np.ndarray  # (N, K, 2) px, NaN = missing
    predicted: dict[str, np.ndarray]  # model -> (N, K, 2) px
    worst: dict[str, WorstFaces] = field(default_factory=dict)  # by model
    layout: PointLayout = KAGGLE15


@dataclass(frozen=True)
class RunEvidence:
    """What the figures are drawn from."""

    result: RunResult
    shown: ShownFaces | None


@FIGURES.figure("time-against-error", "Time against error", f"{CAPTION} Faces: the held-out ones.")
def errors_by_time(evidence: RunEvidence) -> Any:
    """Every .tflite file: one color a network."""
    files = [
        TimedFile(file.file.removesuffix(".tflite"), file.seconds_per_100, file.rmse, file.verdict, color_at(number))
        for number, model in enumerate(evidence.result.models)
        for file in model.files
    ]
    return time_against_error(files, "seconds per 100 images", 5.6, 3.8)


@FIGURES.figure(
    "errors-by-point",
    "Errors by point",
    "RMSE of each point over the held-out faces, before conversion, in the color of the point's side.",
)
def errors_by_point(evidence: RunEvidence) -> Any:
    """A drawing for each network; None for runs of before this was kept."""
    models = {model.model: model.rmse_per_point for model in evidence.result.models if model.rmse_per_point}
    return {name: point_errors(errors, name) for name, errors in models.items()} or None


@FIGURES.figure(
    "learning-curves",
    "Learning curves",
    "RMSE in px against the images shown in training. Training faces are scored as they are, without the changes that "
    "they are trained with; the weights of the best validation epoch are kept.",
)
def learning_curves(evidence: RunEvidence) -> Any:
    result = evidence.result
    return {model.model: learning_curve(model, result.mean_shape_rmse) for model in result.models}


def learning_curve(model: ModelResult, mean_shape: float) -> Any:
    """RMSE against training images: training faces, validation faces, and what the mean shape scores."""
    figure, axes = panels(NARROW, 3.0)
    panel = axes[0, 0]
    images = [row["images"] / 1000 for row in model.history]
    style = {"marker": "o", "markersize": 3 if len(images) > 1 else 7, "linewidth": 1.5}
    panel.plot(images, [row["train_rmse"] for row in model.history], color=ORANGE, label="training faces", **style)
    panel.plot(images, [row["validation_rmse"] for row in model.history], color=BLUE, label="validation faces", **style)
    panel.axhline(mean_shape, color=GRAY, linestyle="--", linewidth=1, label="mean shape, held-out faces")
    panel.set_title(model.model, fontsize=10)
    panel.set_xlabel("training images, thousands")
    panel.set_ylabel("RMSE, px")
    panel.set_xlim(left=0)
    highest = max(row["validation_rmse"] for row in model.history)
    # The first epochs are far off and would press all that matters into a line.
    panel.set_ylim(0, min(max(highest, mean_shape), 2.2 * mean_shape) * 1.1)
    panel.legend(frameon=False, fontsize=9)
    lighten(panel)
    return figure


@FIGURES.figure(
    "size-against-rmse",
    "Size against RMSE",
    "Further down and to the left is better. Lines join the formats of one network. The axis of the error does not "
    "begin at 0.",
)
def size_against_rmse(evidence: RunEvidence) -> Any:
    """Bytes of every file against its RMSE on the held-out faces: one color a network, one marker a format."""
    result = evidence.result
    figure, axes = panels(NARROW, 4.0)
    panel = axes[0, 0]
    for number, model in enumerate(result.models):
        color = color_at(number)
        points = [(model.bytes, model.rmse, "keras")] + [(file.bytes, file.rmse, file.scheme) for file in model.files]
        panel.plot([x / 1000 for x, _, _ in points], [y for _, y, _ in points], color=color, linewidth=0.8, alpha=0.5)
        for size, error, scheme in points:
            panel.plot(size / 1000, error, MARKERS.get(scheme, "D"), color=color, markersize=8, alpha=0.85)
        panel.plot([], [], color=color, linewidth=4, label=model.model)
    for scheme, marker in MARKERS.items():
        name = ".keras" if scheme == "keras" else f"{scheme} .tflite"
        panel.plot([], [], marker, color=GRAY, markersize=7, label=name)
    panel.axhline(result.mean_shape_rmse, color=GRAY, linestyle="--", linewidth=1, label="mean shape")
    round_log(panel.xaxis)
    panel.set_xlabel("file size, KB")
    panel.set_ylabel("RMSE, px")
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=2)
    lighten(panel)
    return figure


@FIGURES.figure(
    "error-curve",
    "Cumulative error",
    "Share of the held-out faces whose error is at most x, before conversion; higher and to the left is better. "
    "Dotted: the limits beyond which a face counts as failed.",
)
def error_curve(evidence: RunEvidence) -> Any:
    models = evidence.result.models
    return curves([(model.model, model.normalized) for model in models], models[0].nme_by)


@FIGURES.figure("predictions", "Predictions on held-out faces", photographs=True)
def predictions(evidence: RunEvidence) -> Any:
    """A sheet of faces for each network, the best first; None if the run kept no faces."""
    shown = evidence.shown
    if shown is None:
        return None
    return {
        f"{model.model}: labeled points as rings, predicted ones as crosses. Faces evenly spaced through the "
        f"held-out ones, not picked. Images: {evidence.result.data['licence']}.": prediction_sheet(shown, model.model)
        for model in sorted(evidence.result.models, key=lambda model: model.rmse)
        if model.model in shown.predicted
    }


@FIGURES.figure("worst-faces", "Worst held-out faces", photographs=True)
def worst_faces(evidence: RunEvidence) -> Any:
    """A sheet for each network, the best first; None if the run kept no faces."""
    shown = evidence.shown
    if shown is None:
        return None
    return {
        f"{model.model}: {WORST_CAPTION} Images: {evidence.result.data['licence']}.": worst_sheet(
            shown.worst[model.model]
        )
        for model in sorted(evidence.result.models, key=lambda model: model.rmse)
        if model.model in shown.worst
    }


def prediction_sheet(shown: ShownFaces, model: str) -> Any:
    """The faces with the labeled points (rings) and those that `model` predicted (crosses)."""
    faces = len(shown.images)
    columns = min(SHEET_COLUMNS, faces)
    rows = -(-faces // columns)
    figure, grid = panels(WIDTH, WIDTH / columns * rows + 0.35, rows, columns)
    for panel in grid.flat:
        panel.set_axis_off()
    faces_of_model = zip(grid.flat, shown.images, shown.truth, shown.predicted[model], strict=False)
    for panel, image, true, predicted in faces_of_model:
        show_face(panel, image, shown.layout, true, predicted, size=24)
    face_legend(figure, grid[0, 0], shown.layout)
    return figure
