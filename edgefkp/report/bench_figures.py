"""The figures of a benchmark's page: time against RMSE, the distributions of the times, the device while it ran."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefkp.bench.result import Process, Result
from edgefkp.bench.table import Line, lines_of, setting
from edgefkp.report.axes import round_log
from edgefkp.report.figures import BLUE, ORANGE, Figures, color_at, lighten, panels
from edgefkp.report.time_error import CAPTION, TimedFile, time_against_error

WIDTH, PLOT = 9.0, 6.8  # inches
LINE = 0.17  # inches, height of one process's bar
MANY = 12  # rows, from which on the times are written above the bars as well
QUANTILES = (5, 25, 50, 75, 95)  # per cent, of a bar's ends, its box's edges and its mark
TRACED = {"clock_mhz": "clock, MHz", "temperature_c": "temperature, °C", "throttled": "throttle bits"}

FIGURES = Figures("figure of a benchmark")


@FIGURES.figure("time-against-error", "Time against error", CAPTION)
def errors(results: Sequence[Result]) -> Any:
    """Milliseconds an image against RMSE; None without labels."""
    lines = lines_of(results)
    settings = list(dict.fromkeys(setting(line.row) for line in lines))
    files = [
        TimedFile(name, line.row.ms.p50, line.row.rmse, line.verdict, color_at(settings.index(setting(line.row))))
        for line, name in zip(lines, names_of(lines), strict=True)
        if line.row.rmse is not None
    ]
    return time_against_error(files, "ms an image, median", PLOT, 4.4)


def names_of(lines: Sequence[Line]) -> list[str]:
    """Of each line a name that no other one has: the file, and as much of the rest as differs between them."""
    parts = [
        [line.row.file.removesuffix(".tflite") for line in lines],
        [setting(line.row) for line in lines],
        [line.device.short for line in lines],
        [line.result for line in lines],
        [line.row.sha256[:8] for line in lines],
    ]
    names, more = parts[0], parts[1:]
    for part in more:
        if len(set(part)) > 1 and (part is parts[1] or part is parts[2] or len(set(names)) < len(lines)):
            names = [f"{name} {one}" for name, one in zip(names, part, strict=True)]
    return names


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
        label = f"{row.file.removesuffix('.tflite')}\n{setting(row)} {row.mode}"
        names[place + (len(row.processes) - 1) / 2] = label
        for process in row.processes:
            low, first, middle, third, high = _milliseconds(process)
            panel.plot((low, high), (place, place), color=color, linewidth=0.8)
            panel.barh(place, third - first, left=first, height=0.7, color=color, alpha=0.5)
            panel.plot((middle, middle), (place - 0.45, place + 0.45), color="#000000", linewidth=1.4)
            place += 1
        place += 1
    panel.set_yticks(list(names), list(names.values()), fontsize=7)
    panel.set_ylim(place - 0.5, -1)
    round_log(panel.xaxis)
    panel.use_sticky_edges = False
    panel.set_xlabel("ms an image")
    panel.tick_params(top=len(rows) > MANY, labeltop=len(rows) > MANY)
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
