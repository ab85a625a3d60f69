"""Figures 6 and 7: RMSE of the networks under each imputation."""

from collections.abc import Sequence
from typing import Any

from edgefkp.report.figures import COLORS, GRAY, halo, lighten, panels
from edgefkp.study.cell import CellResult
from edgefkp.study.comparison import converged, interval_of, mean_shape_of, rmse_of
from edgefkp.study.evidence import Results
from edgefkp.study.figures import BROAD, FIGURES, MARGIN, Material
from edgefkp.study.grid import CUSTOM, TRANSFER, column_names, grid
from edgefkp.study.tables import NOTE_UNLIKE, UNLIKE

CAPTION = "Lines: 95 % over test persons; pale and hatched: not converged; -: not trained yet."


@FIGURES.figure("figure-06-custom-rmse", "Figure 6. RMSE of the custom networks", CAPTION)
def custom(material: Material) -> Any:
    return error_bars(material.evidence.results, CUSTOM)


@FIGURES.figure(
    "figure-07-transfer-rmse",
    "Figure 7. RMSE of the transfer networks",
    f"{CAPTION} NASNetMobile {NOTE_UNLIKE.removeprefix(UNLIKE).strip()}",
)
def transfer(material: Material) -> Any:
    return error_bars(material.evidence.results, TRANSFER)


def error_bars(results: Results, rows: Sequence[str]) -> Any:
    """RMSE of each of `rows` under each imputation, with its 95 % interval over persons."""
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
            _bar(panel, x, width, cells[row, column], COLORS[number])
        panel.bar(0, 0, color=COLORS[number], label=column)
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


def _bar(panel: Any, x: float, width: float, cell: CellResult | None, color: str) -> None:
    small = {"ha": "center", "va": "bottom", "fontsize": 6.5}
    if cell is None:
        panel.text(x, 0.02, "-", transform=panel.get_xaxis_transform(), color=GRAY, **small)
        return
    value, (low, high) = rmse_of(cell), interval_of(cell)
    error = [[value - low], [high - value]]
    hatch = {} if converged(cell) else {"hatch": "///", "alpha": 0.35}
    panel.bar(x, value, width * 0.92, color=color, yerr=error, error_kw={"linewidth": 1, "capsize": 2}, **hatch)
    panel.text(x, high, f"{value:.2f}", path_effects=[halo()], **small)
