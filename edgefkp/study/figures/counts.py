"""Figures 1 and 8: what is counted, not measured: missing points, parameters, bytes."""

from typing import Any

from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.report.axes import plain
from edgefkp.report.figures import BLUE, COLORS, GRAY, ORANGE, lighten, panels
from edgefkp.study.figures import BROAD, FIGURES, MARGIN, Material

LOWEST = 0.025  # MB, where figure 8 begins: room for the names
APART = 1.075  # of neighboring names on its axis of parameters


@FIGURES.figure("figure-01-nulls", "Figure 1. Null counts", "How many training faces lack each point.")
def null_counts(material: Material) -> Any:
    if material.evidence.info is None:
        return None
    train = material.evidence.info.train
    figure, axes = panels(BROAD, 3.8)
    panel = axes[0, 0]
    names = list(train.missing)
    counts = [train.missing[name] for name in names]
    panel.barh([name.replace("_", " ") for name in names], counts, color=BLUE, height=0.7)
    for place, count in enumerate(counts):
        panel.text(count, place, f" {count:,}", va="center", fontsize=7)
    panel.invert_yaxis()
    panel.tick_params(axis="y", labelsize=7.5, length=0)
    panel.set_xlim(0, max([*counts, 1]) * MARGIN)
    panel.xaxis.set_major_formatter(plain)
    panel.set_xlabel(f"faces without the point, of {train.faces:,}")
    lighten(panel)
    return figure


@FIGURES.figure("figure-08-size", "Figure 8. Parameters against file size", "Both axes logarithmic.")
def size_against_parameters(material: Material) -> Any:
    """Parameters against file size: the paper's .h5, ours, and the .tflite beside it."""
    evidence = material.evidence
    figure, axes = panels(BROAD, 4.4)
    panel = axes[0, 0]
    kinds = {
        "h5": (".h5", "s", BLUE),
        "float32": (".tflite float32", "o", COLORS[2]),
        "int8": (".tflite int8", "^", ORANGE),
    }
    sized = [name for name in NETWORKS if NETWORKS[name].paper_megabytes or any(evidence.size(name, k) for k in kinds)]
    costs = {name: cost for name in sized if not name.endswith("_frozen") and (cost := cost_of(name))}
    names = list(costs)
    printed = [(NETWORKS[name].paper_parameters, NETWORKS[name].paper_megabytes) for name in names]
    known = [pair for pair in printed if pair[0] and pair[1]]
    panel.scatter(*zip(*known, strict=True), marker="s", s=70, facecolors="none", edgecolors=GRAY, label=".h5, paper")
    for kind, (label, marker, color) in kinds.items():
        points = [(costs[name].parameters, size / 1e6) for name in names if (size := evidence.size(name, kind))]
        if points:
            panel.scatter(*zip(*points, strict=True), marker=marker, s=26, color=color, label=label, zorder=3)
    for name, place in _apart({name: costs[name].parameters for name in names}).items():
        panel.text(place, LOWEST * 1.15, name, fontsize=6.5, rotation=90, ha="center", va="bottom", color=GRAY)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylim(LOWEST, 200)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(plain)
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
