"""The paper's figures that show numbers: null counts, RMSE, size, training curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.report.figures import BLUE, COLOURS, GRAY, ORANGE, lighten, panels
from edgefkp.study.cell import CellResult, StudyCell
from edgefkp.study.comparison import converged, interval_of, mean_shape_of, rmse_of
from edgefkp.study.curves import curve_of
from edgefkp.study.evidence import Evidence, Results
from edgefkp.study.grid import column_names, grid

BROAD = 9.0  # inches
MARGIN = 1.15  # of the highest bar or curve that has to be seen
LOWEST = 0.025  # MB, where figure 8 begins: room for the names
APART = 1.075  # of neighbouring names on its axis of parameters


def null_counts(info: dict[str, Any]) -> Any:
    """Figure 1: how many training faces lack each point."""
    train = info["train"]
    figure, axes = panels(BROAD, 3.8)
    panel = axes[0, 0]
    names = list(train["missing"])
    counts = [train["missing"][name] for name in names]
    panel.barh([name.replace("_", " ") for name in names], counts, color=BLUE, height=0.7)
    for place, count in enumerate(counts):
        panel.text(count, place, f" {count:,}", va="center", fontsize=7)
    panel.invert_yaxis()
    panel.tick_params(axis="y", labelsize=7.5, length=0)
    panel.set_xlim(0, max([*counts, 1]) * MARGIN)
    panel.set_xlabel(f"faces without the point, of {train['faces']:,}")
    lighten(panel)
    return figure


def error_bars(results: Results, rows: Sequence[str]) -> Any:
    """Figures 6 and 7: RMSE of each of `rows` under each treatment, with its 95 % interval over persons."""
    figure, axes = panels(BROAD, 3.4)
    panel = axes[0, 0]
    columns = column_names()
    width = 0.85 / len(columns)
    cells = {(cell.row, cell.column): results.get(cell.name) for cell in grid()}
    found = [cell for row in rows for column in columns if (cell := cells[row, column])]
    mean = mean_shape_of(found[0]) if found else None
    for number, column in enumerate(columns):
        for place, row in enumerate(rows):
            x = place + (number - (len(columns) - 1) / 2) * width
            _bar(panel, x, width, cells[row, column], COLOURS[number])
        panel.bar(0, 0, color=COLOURS[number], label=column)
    if mean:
        panel.axhline(mean, color=GRAY, linestyle="--", linewidth=1)
        panel.text(len(rows) - 0.5, mean, "mean shape ", ha="right", va="bottom", fontsize=7.5, color=GRAY)
        panel.set_ylim(0, mean * MARGIN)
    panel.set_xticks(range(len(rows)), rows)
    panel.set_xlim(-0.5, len(rows) - 0.5)
    panel.set_ylabel("RMSE, px")
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=len(columns))
    lighten(panel)
    panel.grid(axis="x", visible=False)
    return figure


def _bar(panel: Any, x: float, width: float, cell: CellResult | None, colour: str) -> None:
    small = {"ha": "center", "va": "bottom", "fontsize": 6.5}
    if cell is None:
        panel.text(x, 0.02, "-", transform=panel.get_xaxis_transform(), color=GRAY, **small)
        return
    value, (low, high) = rmse_of(cell), interval_of(cell)
    error = [[value - low], [high - value]]
    hatch = {} if converged(cell) else {"hatch": "///", "alpha": 0.35}
    panel.bar(x, value, width * 0.92, color=colour, yerr=error, error_kw={"linewidth": 1, "capsize": 2}, **hatch)
    panel.text(x, high, f"{value:.2f}", **small)


def size_against_parameters(evidence: Evidence) -> Any:
    """Figure 8: parameters against file size: the paper's .h5, ours, and the .tflite beside it."""
    figure, axes = panels(BROAD, 4.4)
    panel = axes[0, 0]
    kinds = {
        "h5": (".h5", "s", BLUE),
        "float32": (".tflite float32", "o", COLOURS[2]),
        "int8": (".tflite int8", "^", ORANGE),
    }
    sized = [name for name in NETWORKS if NETWORKS[name].paper_megabytes or any(evidence.size(name, k) for k in kinds)]
    costs = {name: cost for name in sized if not name.endswith("_frozen") and (cost := cost_of(name))}
    names = list(costs)
    printed = [(NETWORKS[name].paper_parameters, NETWORKS[name].paper_megabytes) for name in names]
    there = [pair for pair in printed if pair[0] and pair[1]]
    panel.scatter(*zip(*there, strict=True), marker="s", s=70, facecolors="none", edgecolors=GRAY, label=".h5, paper")
    for kind, (label, marker, colour) in kinds.items():
        points = [(costs[name].parameters, size / 1e6) for name in names if (size := evidence.size(name, kind))]
        if points:
            panel.scatter(*zip(*points, strict=True), marker=marker, s=26, color=colour, label=label, zorder=3)
    for name, place in _apart({name: costs[name].parameters for name in names}).items():
        panel.text(place, LOWEST * 1.15, name, fontsize=6.5, rotation=90, ha="center", va="bottom", color=GRAY)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylim(LOWEST, 200)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axis.set_minor_formatter(lambda value, _: "")
    panel.set_xlabel("parameters")
    panel.set_ylabel("file size, MB")
    panel.legend(frameon=False, fontsize=8, loc="upper left")
    lighten(panel)
    return figure


def _apart(places: dict[str, int]) -> dict[str, float]:
    """Where labels stand on a logarithmic axis: at their places, but no closer than they can be read."""
    shown: dict[str, float] = {}
    least = 0.0
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        shown[name] = max(place, least)
        least = shown[name] * APART
    return shown


def training_curves(results: Results, rows: Sequence[str]) -> Any:
    """Figures 9 to 11: RMSE of training and validation faces, a panel for each of `rows` and each treatment.

    The gap and the spread of curves.py stand in each panel.
    """
    columns = column_names()
    cells = {(cell.row, cell.column): cell for cell in grid()}
    figure, axes = panels(BROAD, 1.9 * len(rows) + 0.5, len(rows), len(columns))
    for line, row in enumerate(rows):
        known = [results.get(cells[row, column].name) for column in columns]
        top = _top([result for result in known if result])
        for number, column in enumerate(columns):
            panel = axes[line, number]
            _curve(panel, cells[row, column], known[number], top)
            if not line:
                panel.set_title(column, fontsize=9)
            if not number:
                panel.set_ylabel(f"{row}\nRMSE, px", fontsize=8)
            last = line == len(rows) - 1
            panel.tick_params(labelleft=not number, labelbottom=last)
            if last:
                panel.set_xlabel("thousand images", fontsize=8)
    for colour, label in ((ORANGE, "training faces"), (BLUE, "validation faces")):
        axes[0, 0].plot([], [], color=colour, label=label)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    return figure


def _curve(panel: Any, cell: StudyCell, result: CellResult | None, top: float) -> None:
    panel.tick_params(labelsize=7)
    panel.set_xlim(0, cell.images / 1000)
    panel.set_ylim(0, top)
    lighten(panel)
    curve = curve_of(result.history) if result else None
    if result is None or curve is None:
        panel.text(0.5, 0.5, "-", transform=panel.transAxes, ha="center", color=GRAY)
        return
    images = [row["images"] / 1000 for row in result.history]
    style = {"linewidth": 1.3, "marker": "o", "markersize": 1.5}
    panel.plot(images, [row["train_rmse"] for row in result.history], color=ORANGE, **style)
    panel.plot(images, [row["validation_rmse"] for row in result.history], color=BLUE, **style)
    spread = "-" if curve.spread is None else f"{curve.spread:.3f}"
    text = f"gap {curve.gap:+.2f}\nspread {spread}"
    panel.text(0.96, 0.95, text, transform=panel.transAxes, ha="right", va="top", fontsize=7, color="#333333")


def _top(results: list[CellResult]) -> float:
    """The first epochs are far off and would press all that matters into a line."""
    rows = [row for result in results for row in result.history[len(result.history) // 4 :]]
    values = [row[name] for row in rows for name in ("train_rmse", "validation_rmse")]
    return float(np.max([*values, 0.5])) * 1.4
