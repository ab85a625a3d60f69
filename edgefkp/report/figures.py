"""Figures of a run, as matplotlib figures: rendered from what was stored, never measured."""

import io
from typing import Any

import numpy as np

from edgefkp.errors import EnvironmentProblem
from edgefkp.report.result import ModelResult, RunResult
from edgefkp.report.sheet import Sheet

# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#777777"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = {"keras": "s", "float32": "o", "int8": "^"}
WIDTH, NARROW = 7.0, 4.6  # inches of a figure on the page; NARROW stays readable on a phone
SHEET_COLUMNS = 4


def panels(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, np.ndarray]:
    """A figure and its (rows, columns) axes, without pyplot's global state and without a screen."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise EnvironmentProblem("figures need matplotlib", "pip install 'edgefkp[train]'") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def learning_curve(model: ModelResult, mean_shape: float) -> Any:
    """RMSE against training images: training faces, validation faces, and what the mean shape scores."""
    figure, axes = panels(NARROW, 3.0)
    panel = axes[0, 0]
    images = [row["images"] / 1000 for row in model.history]
    style = {"marker": "o", "markersize": 3, "linewidth": 1.5}
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
    panel.legend(frameon=False, fontsize=8)
    lighten(panel)
    return figure


def size_against_rmse(result: RunResult) -> Any:
    """Bytes of every file against its RMSE on the held-out faces: one colour a network, one marker a format."""
    figure, axes = panels(NARROW, 4.0)
    panel = axes[0, 0]
    for number, model in enumerate(result.models):
        colour = COLOURS[number % len(COLOURS)]
        points = [(model.bytes, model.rmse, "keras")] + [(file.bytes, file.rmse, file.scheme) for file in model.files]
        panel.plot([x / 1000 for x, _, _ in points], [y for _, y, _ in points], color=colour, linewidth=0.8, alpha=0.5)
        for size, error, scheme in points:
            panel.plot(size / 1000, error, MARKERS.get(scheme, "D"), color=colour, markersize=8, alpha=0.85)
        panel.plot([], [], color=colour, linewidth=4, label=model.model)
    for scheme, marker in MARKERS.items():
        name = ".keras" if scheme == "keras" else f"{scheme} .tflite"
        panel.plot([], [], marker, color=GRAY, markersize=7, label=name)
    panel.axhline(result.mean_shape_rmse, color=GRAY, linestyle="--", linewidth=1, label="mean shape")
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
    panel.xaxis.set_minor_formatter(lambda size, _: f"{size:,.0f}" if _leading_digit(size) in (2, 5) else "")
    panel.set_ylim(0, max([result.mean_shape_rmse, *(model.rmse for model in result.models)]) * 1.12)
    panel.set_xlabel("file size, KB")
    panel.set_ylabel("RMSE, px")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    lighten(panel)
    return figure


def _leading_digit(value: float) -> int:
    return int(f"{value:e}"[0])


def prediction_sheet(sheet: Sheet, model: str) -> Any:
    """The sheet's faces with the true points (green rings) and those that `model` predicted (orange crosses)."""
    faces = len(sheet.images)
    columns = min(SHEET_COLUMNS, faces)
    rows = -(-faces // columns)
    figure, grid = panels(WIDTH, WIDTH / columns * rows, rows, columns)
    for panel in grid.flat:
        panel.set_axis_off()
    for panel, image, true, predicted in zip(
        grid.flat, sheet.images, sheet.truth, sheet.predicted[model], strict=False
    ):
        panel.imshow(image, cmap="gray", vmin=0, vmax=255)
        panel.scatter(*true.T, s=26, facecolors="none", edgecolors="#00E5A0", linewidths=1.2)
        panel.scatter(*predicted.T, s=18, c="#FF7A00", marker="x", linewidths=1.2)
        # A wild prediction must not shrink the face.
        panel.set_xlim(-0.5, image.shape[1] - 0.5)
        panel.set_ylim(image.shape[0] - 0.5, -0.5)
    return figure


def lighten(panel: Any) -> None:
    panel.grid(color="#e5e5e5", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def svg(figure: Any) -> str:
    """The figure as an <svg> element to stand inside HTML; the same figure gives the same text."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "edgefkp", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Any, dpi: int = 130) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()
