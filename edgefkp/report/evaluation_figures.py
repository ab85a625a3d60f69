"""The figures of evaluations: the cumulative error curve, and the faces that a model is worst at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import SHOWN, Faces
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import Evaluated
from edgefkp.evaluation.normalized import CURVE_END, LIMITS, TITLES, Normalized, curve_errors
from edgefkp.files import write_bytes
from edgefkp.layout import PointLayout
from edgefkp.report.faces import face_legend, show_face
from edgefkp.report.figures import COLORS, GRAY, Figures, lighten, panels, png, svg

WIDTH, NARROW = 7.0, 4.6  # inches
SHEET_COLUMNS = 4
FORMATS = (".png", ".svg")

FIGURES = Figures("figure of an evaluation")


@FIGURES.figure(
    "error-curve",
    "Cumulative error",
    "Share of the faces whose error is at most x; higher and further to the left is better. Dotted: the limits beyond "
    "which a face counts as failed.",
)
def error_curve(models: Sequence[Evaluated]) -> Any:
    """One line for each model; None where no face has the length that errors are normalized by."""
    scores = [(one.evaluation.file, one.evaluation.score) for one in models]
    return curves([(file, score.own) for file, score in scores], scores[0][1].nme_by)


@FIGURES.figure(
    "reliability",
    "Deviations against errors",
    "Points sorted by the deviation that the model gives them, in ten groups of the same size. On the diagonal, "
    "deviations are as large as the errors.",
)
def reliability_curve(models: Sequence[Evaluated]) -> Any:
    """One line for each model that has deviations; None without any."""
    known = [(one.evaluation.file, one.evaluation.deviation) for one in models]
    scores = [(file, score) for file, score in known if score is not None]
    if not scores:
        return None
    figure, axes = panels(NARROW, 4.2)
    panel = axes[0, 0]
    most = max(max(one.deviation, one.rmse) for _, score in scores for one in score.reliability)
    panel.plot([0, most], [0, most], color=GRAY, linestyle=":", linewidth=1)
    for number, (name, score) in enumerate(scores):
        shares = ", ".join(f"{100 * share:.1f} %" for share in score.within)
        xs, ys = zip(*((one.deviation, one.rmse) for one in score.reliability), strict=True)
        label = f"{name}  within one and two: {shares}"
        panel.plot(xs, ys, "o-", color=COLORS[number % len(COLORS)], linewidth=1.5, markersize=4, label=label)
    panel.set_xlim(0, most * 1.05)
    panel.set_ylim(0, most * 1.05)
    panel.set_xlabel("deviation that the model gives, px")
    panel.set_ylabel("RMSE, px")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=1)
    lighten(panel)
    return figure


@FIGURES.figure("worst-faces", "Worst faces", photographs=True)
def worst_faces(models: Sequence[Evaluated]) -> Any:
    """A sheet for each model by its caption."""
    return {
        f"{one.evaluation.file}: {WORST_CAPTION}": worst_sheet(worst_of(one.faces, one.predicted)) for one in models
    }


def curves(models: Sequence[tuple[str, Normalized | None]], length: str) -> Any:
    """The cumulative error curves of models by name, NME being normalized by `length` (of TITLES)."""
    known = [(name, own) for name, own in models if own is not None]
    if not known:
        return None
    figure, axes = panels(NARROW, 3.6)
    panel = axes[0, 0]
    for number, (name, own) in enumerate(known):
        style = {"color": COLORS[number % len(COLORS)], "linestyle": "-" if number < len(COLORS) else "--"}
        label = f"{name}  NME {own.nme:.2f} %, AUC at {LIMITS[0]} % {own.auc[str(LIMITS[0])]:.3f}"
        panel.step(curve_errors(), np.multiply(own.curve, 100), where="post", linewidth=1.5, label=label, **style)
    for limit in LIMITS:
        panel.axvline(limit, color=GRAY, linestyle=":", linewidth=1)
    panel.set_xlim(0, CURVE_END * 1.02)
    panel.set_ylim(0, 102)
    panel.set_xlabel(f"NME, per cent of the distance of the {TITLES[length]}")
    panel.set_ylabel("faces, per cent")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=1)
    lighten(panel)
    return figure


WORST_CAPTION = "the faces with the largest errors. Labeled points are rings, predicted ones crosses."


@dataclass(frozen=True, eq=False)
class WorstFaces:
    """The faces with the largest errors, the worst first."""

    images: np.ndarray  # (N, *image_shape) uint8
    truth: np.ndarray  # (N, K, 2) px, NaN = missing
    predicted: np.ndarray  # (N, K, 2) px
    ids: list[str]
    errors: list[float]  # px: the mean distance of the face's points
    layout: PointLayout


def worst_of(faces: Faces, predicted: np.ndarray, count: int = SHOWN) -> WorstFaces:
    """The `count` labeled faces with the largest mean distance between (N, K, 2) predicted and true points."""
    distances = np.linalg.norm(predicted - faces.keypoints, axis=-1)
    labeled = np.flatnonzero(faces.labeled)
    errors = np.array([np.nanmean(distances[row]) for row in labeled])
    order = np.argsort(-errors, kind="stable")[:count]
    rows = labeled[order]
    return WorstFaces(
        faces.images[rows],
        faces.keypoints[rows],
        predicted[rows],
        [str(one) for one in faces.ids[rows]],
        errors[order].tolist(),
        faces.layout,
    )


def worst_sheet(worst: WorstFaces) -> Any:
    """The faces with their points, and the error and the name of each above it."""
    columns = min(SHEET_COLUMNS, len(worst.images))
    rows = -(-len(worst.images) // columns)
    side = WIDTH / SHEET_COLUMNS
    figure, grid = panels(side * columns, (side + 0.3) * rows + 0.35, rows, columns)
    for panel in grid.flat:
        panel.set_axis_off()
    faces = zip(grid.flat, worst.images, worst.truth, worst.predicted, worst.ids, worst.errors, strict=False)
    for panel, image, true, predicted, name, error in faces:
        show_face(panel, image, worst.layout, true, predicted, size=24)
        panel.set_title(f"{error:.1f} px\n{_short(name)}", fontsize=8)
    face_legend(figure, grid[0, 0], worst.layout)
    return figure


def _short(name: str) -> str:
    name = "".join(letter if letter.isprintable() else "?" for letter in name).replace("$", r"\$")
    return name if len(name) <= 24 else "…" + name[-23:]


def write_figure(path: Path, name: str, models: Sequence[Evaluated]) -> Path:
    """Draw one of FIGURES into `path`, a .png or .svg. Raises UsageError for another suffix, EdgefkpError where there
    is nothing to draw or `path` cannot be written."""
    require_suffix(path)
    made = FIGURES[name].draw(models)
    if made is None:
        raise EdgefkpError(f"nothing to draw in {path}: no face has the length that errors are normalized by")
    figure = next(iter(made.values())) if isinstance(made, dict) else made
    return write_bytes(path, svg(figure).encode() if path.suffix.lower() == ".svg" else png(figure))


def require_suffix(path: Path) -> None:
    """Raise UsageError for a figure that is neither .png nor .svg."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} is neither a .png nor a .svg", "give the figure's file one of these suffixes")
