"""The plot of docs/MODELS.md, time against RMSE: python -m bench.pareto bench/results/peers.json docs/pareto.png"""

import sys
from pathlib import Path
from typing import Any

from bench.doc_tables import scored
from edgefkp.files import read_json, write_bytes
from edgefkp.report.figures import BLUE, GRAY, lighten, panels, png


def pareto(content: dict[str, Any]) -> Any:
    """Time against RMSE of every scored file. The area shows the size; the fastest file of each model has a label."""
    figure, grid = panels(6.4, 4.2)
    axes = grid[0, 0]
    labeled: set[str] = set()
    for row in sorted(scored(content), key=lambda row: row["ratio"]):
        own = "masked" in row["name"]
        area = 30 * (row["bytes"] / 1e5) ** 0.5
        axes.scatter(row["ratio"], row["rmse"], s=area, color=BLUE if own else GRAY, alpha=0.8)
        model = row["name"].split(".")[0] if own else row["name"].split(" (")[0]
        if model not in labeled:
            labeled.add(model)
            text = f"{row['name'].replace('-masked-online', '') if own else model}\n{row['bytes'] / 1e6:.3g} MB"
            axes.annotate(
                text, (row["ratio"], row["rmse"]), (0, 9), textcoords="offset points", fontsize=8, ha="center"
            )
    axes.set_xscale("log")
    axes.set_xlabel("time of one inference, MobileNetV2 float32 = 1")
    axes.set_ylabel("RMSE, px of 96")
    axes.margins(x=0.15, y=0.15)
    lighten(axes)
    return figure


if __name__ == "__main__":
    stored, out = map(Path, sys.argv[1:])
    write_bytes(out, png(pareto(read_json(stored))))
