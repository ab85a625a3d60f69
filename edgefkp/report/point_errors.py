"""The RMSE of each point as bars in the colors of the points' sides."""

from collections.abc import Mapping
from typing import Any

from edgefkp.layout import side_of
from edgefkp.report.faces import MANY, NAMES, side_color
from edgefkp.report.figures import DARK, lighten, panels

WIDTH = 4.6  # inches
ROW, SMALL_ROW = 0.21, 0.12  # inches


def point_errors(errors: Mapping[str, float | None], title: str) -> Any:
    """A bar for each point, the largest error first. errors: px, by point; None: no face has that label."""
    known = sorted(((value, name) for name, value in errors.items() if value is not None), reverse=True)
    many = len(known) >= MANY
    figure, axes = panels(WIDTH, 1.1 + (SMALL_ROW if many else ROW) * len(known))
    panel = axes[0, 0]
    names = [name.replace("_", " ") for _, name in known]
    edge = {"edgecolor": DARK, "linewidth": 0.6, "height": 0.72}
    panel.barh(range(len(known)), [value for value, _ in known], color=[side_color(name) for _, name in known], **edge)
    panel.set_yticks(range(len(known)), names, fontsize=5.5 if many else 8.5)
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(len(known) - 0.4, -0.6)
    for place, (value, _) in enumerate(known):
        panel.text(value, place, f" {value:.2f}", va="center", fontsize=5.5 if many else 8)
    panel.margins(x=0.14)
    panel.set_title(title, fontsize=10)
    panel.set_xlabel("RMSE, px")
    sides = dict.fromkeys(side_of(name) for _, name in known)
    for side in sides:
        color = next(side_color(name) for _, name in known if side_of(name) == side)
        panel.barh([0], [0], color=color, edgecolor=DARK, linewidth=0.6, label=NAMES[side])
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=len(sides))
    lighten(panel)
    panel.grid(axis="y", visible=False)
    return figure
