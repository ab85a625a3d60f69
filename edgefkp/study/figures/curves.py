"""Figures 9 to 11: training curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefkp.report.figures import BLUE, GRAY, ORANGE, lighten, panels
from edgefkp.study.cell import CellResult, StudyCell
from edgefkp.study.curves import curve_of
from edgefkp.study.evidence import Results
from edgefkp.study.figures import BROAD, FIGURES, Material
from edgefkp.study.grid import CUSTOM, column_names, grid

CAPTION = "Orange: training faces as they are shown, imputed points included; blue: validation faces of other persons."


@FIGURES.figure("figure-09-mobilenetv2", "Figure 9. Training curves of MobileNetV2", CAPTION)
def mobilenetv2(material: Material) -> Any:
    return training_curves(material.evidence.results, ("mobilenetv2_frozen", "mobilenetv2"))


@FIGURES.figure("figure-10-nasnetmobile", "Figure 10. Training curves of NASNetMobile", CAPTION)
def nasnetmobile(material: Material) -> Any:
    return training_curves(material.evidence.results, ("nasnetmobile_frozen", "nasnetmobile"))


@FIGURES.figure("figure-11-custom", "Figure 11. Training curves of the custom networks", CAPTION)
def custom(material: Material) -> Any:
    return training_curves(material.evidence.results, CUSTOM)


def training_curves(results: Results, rows: Sequence[str]) -> Any:
    """RMSE of training and validation faces, a panel for each of `rows` and each imputation.

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
    for color, label in ((ORANGE, "training faces"), (BLUE, "validation faces")):
        axes[0, 0].plot([], [], color=color, label=label)
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
    panel.text(0.96, 0.95, text, transform=panel.transAxes, ha="right", va="top", fontsize=7)


def _top(results: list[CellResult]) -> float:
    """The first epochs are far off and would press all that matters into a line."""
    rows = [row for result in results for row in result.history[len(result.history) // 4 :]]
    values = [row[name] for row in rows for name in ("train_rmse", "validation_rmse")]
    return float(np.max([*values, 0.5])) * 1.4
