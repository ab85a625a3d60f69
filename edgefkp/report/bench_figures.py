"""The figures of a benchmark's page: time against RMSE, the distributions of the times, the device while it ran."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefkp.bench.result import Process, Result
from edgefkp.bench.table import Line, lines_of, setting
from edgefkp.bench.verdict import INVALID, VALID
from edgefkp.report.figures import BLUE, COLORS, GRAY, ORANGE, Figures, lighten, panels, plain_log

WIDTH = 9.0  # inches
LINE = 0.17  # inches, height of one process's bar
DOUBTED = {INVALID: "#cbd5e0"}  # color of a time with this verdict; the other doubts are yellow
QUANTILES = (5, 25, 50, 75, 95)  # per cent, of a bar's ends, its box's edges and its mark
TRACED = {"clock_mhz": "clock, MHz", "temperature_c": "temperature, °C", "throttled": "throttle bits"}

FIGURES = Figures("figure of a benchmark")


@FIGURES.figure("time-against-error", "Time against error", "The dashed line joins the files that no other one beats.")
def time_against_error(results: Sequence[Result]) -> Any:
    """Seconds per 100 images against RMSE; None without labels."""
    points = [
        (line.row.seconds_per_100, line.row.rmse, line) for line in lines_of(results) if line.row.rmse is not None
    ]
    if not points:
        return None
    figure, axes = panels(WIDTH, 4.6)
    panel = axes[0, 0]
    best, front = float("inf"), []
    for time, error, _ in sorted(points, key=lambda point: point[:2]):
        if error < best:
            best = error
            front.append((time, error))
    panel.plot(*zip(*front, strict=True), color=GRAY, linestyle="--", linewidth=1, zorder=1)
    for time, error, line in points:
        panel.scatter(time, error, s=32, color=_color(line), zorder=2)
        label = f"{line.row.file.removesuffix('.tflite')} {line.row.runtime}"
        panel.annotate(label, (time, error), (6, 4), textcoords="offset points", fontsize=7)
    panel.set_xscale("log")
    plain_log(panel.xaxis)
    panel.ticklabel_format(axis="y", useOffset=False)
    panel.margins(x=0.2, y=0.1)
    panel.set_xlabel("seconds per 100 images")
    panel.set_ylabel("RMSE, px")
    lighten(panel)
    return figure


def _color(line: Line) -> str:
    if line.verdict != VALID:
        return DOUBTED.get(line.verdict, "#ecc94b")
    return COLORS[sum(setting(line.row).encode()) % len(COLORS)]


@FIGURES.figure(
    "distributions",
    "Distributions",
    "A bar for each process: from the 5th to the 95th percentile, the box holds the middle half. Blue: the interpreter "
    "alone; orange: end to end.",
)
def distributions(results: Sequence[Result]) -> Any:
    rows = [row for line in lines_of(results) for row in (line.invoke, line.end_to_end) if row]
    if not rows:
        return None
    figure, axes = panels(WIDTH, 0.8 + LINE * sum(1 + len(row.processes) for row in rows))
    panel = axes[0, 0]
    place, names = 0.0, {}
    for row in rows:
        color = BLUE if row.mode == "invoke" else ORANGE
        label = f"{row.file.removesuffix('.tflite')} {setting(row)} {row.mode}"
        names[place + (len(row.processes) - 1) / 2] = label
        for process in row.processes:
            low, first, middle, third, high = _milliseconds(process)
            panel.plot((low, high), (place, place), color=color, linewidth=0.8)
            panel.barh(place, third - first, left=first, height=0.7, color=color, alpha=0.5)
            panel.plot((middle, middle), (place - 0.45, place + 0.45), color="#1a202c", linewidth=1)
            place += 1
        place += 1
    panel.set_yticks(list(names), list(names.values()), fontsize=7)
    panel.set_ylim(place - 0.5, -1)
    panel.set_xscale("log")
    plain_log(panel.xaxis)
    panel.use_sticky_edges = False
    panel.set_xlabel("ms an image")
    lighten(panel)
    return figure


def _milliseconds(process: Process) -> list[float]:
    return [float(value) / 1e6 for value in np.percentile(process.values.nanoseconds(), QUANTILES)]


@FIGURES.figure("traces", "The device while it was measured")
def traces(results: Sequence[Result]) -> Any:
    """Clock, temperature and throttling over time, as far as each device reports them."""
    drawn = {}
    for result in results:
        found = {title: _readings(result, name) for name, title in TRACED.items()}
        known = {title: pairs for title, pairs in found.items() if len(pairs) > 1}
        if not known:
            continue
        figure, axes = panels(WIDTH, 1.5 * len(known), len(known))
        for panel, (title, pairs) in zip(axes.flat, known.items(), strict=True):
            panel.plot(*zip(*pairs, strict=True), color=BLUE, linewidth=1)
            panel.set_ylabel(title, fontsize=7)
            lighten(panel)
        axes[-1, 0].set_xlabel("seconds")
        drawn[str(result.device)] = figure
    return drawn or None


def _readings(result: Result, name: str) -> list[tuple[float, float]]:
    """(seconds, value) of what the device reported."""
    pairs = zip(result.trace.get("seconds") or [], result.trace.get(name) or [], strict=False)
    return [(float(at), float(value)) for at, value in pairs if value is not None]
