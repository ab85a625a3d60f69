"""Stored results as one self-contained HTML page: table, time against RMSE, distributions, the board's trace."""

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from edgefkp.bench import machine
from edgefkp.bench.result import Process, Result
from edgefkp.bench.table import Line, footnotes, lines_of, setting, table_of
from edgefkp.bench.verdict import INVALID, VALID

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 860, 280, 20, 16, 40  # pixels of a plot and of its margins
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#4a5568")
TRACED = (("clock_mhz", "clock, MHz"), ("temperature_c", "temperature, °C"), ("throttled", "throttle bits"))
QUANTILES = (5, 25, 50, 75, 95)  # per cent, of the distribution bars

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #1a202c }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { padding: .2em .7em; text-align: right }
th { border-bottom: 2px solid #cbd5e0 } td.l, th.l { text-align: left } pre { white-space: pre-wrap }
tr.invalid { color: #a0aec0; text-decoration: line-through } tr.suspect { color: #b7791f }
svg { width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: #4a5568 }
"""


def page(results: Sequence[Result]) -> str:
    lines = lines_of(results)
    parts = [_table(results), _section("Time against error", _pareto(lines)), _section("Distributions", _strips(lines))]
    parts += [_section(f"The board while it was measured: {result.device}", _trace(result)) for result in results]
    parts.append(f"<h2>Notes</h2><pre>{html.escape(chr(10).join(footnotes(results)))}</pre>")
    names = ", ".join(dict.fromkeys(machine.title(result.machine) for result in results))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>edgefkp bench</title><style>{STYLE}</style>"
        f"<h1>edgefkp bench</h1><p>{html.escape(names)}</p>{''.join(parts)}</html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{content}" if content else ""


def _table(results: Sequence[Result]) -> str:
    legend = (
        "s/100: seconds per 100 different images, the interpreter alone; e2e: from a camera-like frame to keypoints."
    )
    return f"{replace(table_of(results), notes=()).html()}<p>{legend}</p>"


def _pareto(lines: Sequence[Line]) -> str:
    """Time against RMSE, and the front that no other file beats in both."""
    points = [(line.row.seconds_per_100, line.row.rmse, line) for line in lines if line.row.rmse is not None]
    if not points:
        return ""
    height = 420
    times, errors = [time for time, _, _ in points], [float(error or 0) for _, error, _ in points]
    x = _scale(times, LEFT, WIDTH - RIGHT - 150, log=True)
    y = _scale(errors, height - BOTTOM, TOP, log=False)
    front, best = [], float("inf")
    for time, error in sorted(zip(times, errors, strict=True)):
        if error < best:
            best = error
            front.append(f"{x(time):.1f},{y(error):.1f}")
    marks = [f'<polyline points="{" ".join(front)}" fill="none" stroke="#a0aec0" stroke-dasharray="4 3"/>']
    for number, (time, error) in enumerate(zip(times, errors, strict=True)):
        line = points[number][2]
        marks.append(
            f'<circle cx="{x(time):.1f}" cy="{y(error):.1f}" r="5" fill="{_colour(line)}"/>'
            + _text(x(time) + 9, y(error) + 4, f"{line.row.file.removesuffix('.tflite')} {line.row.runtime}")
        )
    axes = _axis(times, x, height, "seconds per 100 images (log)", log=True) + _side(errors, y, "RMSE, px")
    return _svg(height, [*axes, *marks])


def _strips(lines: Sequence[Line]) -> str:
    """For each row a bar from the 5th to the 95th percentile, a box for the quartiles; one thin bar a process."""
    rows = [row for line in lines for row in (line.invoke, line.end_to_end) if row]
    if not rows:
        return ""
    quantiles = [[_quantiles(process) for process in row.processes] for row in rows]
    every = [value for row in quantiles for one in row for value in one]
    height = TOP + BOTTOM + sum(14 + 7 * len(row.processes) for row in rows)
    x = _scale(every, LEFT, WIDTH - RIGHT, log=True)
    marks, top = [], float(TOP)
    for row, processes in zip(rows, quantiles, strict=True):
        label = f"{row.file.removesuffix('.tflite')} {setting(row)} {row.mode}"
        marks.append(_text(LEFT - 8, top + 3.5 * len(processes) + 4, label, anchor="end"))
        colour = COLOURS[0] if row.mode == "invoke" else COLOURS[1]
        for low, first, middle, third, high in processes:
            marks += [
                f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{top + 3}" y2="{top + 3}" stroke="{colour}"/>',
                f'<rect x="{x(first):.1f}" y="{top}" width="{max(0.8, x(third) - x(first)):.1f}" height="6" '
                f'fill="{colour}" opacity=".5"/>',
                f'<line x1="{x(middle):.1f}" x2="{x(middle):.1f}" y1="{top - 1}" y2="{top + 7}" stroke="#1a202c"/>',
            ]
            top += 7
        top += 14
    return _svg(height, [*_axis(every, x, height, "ms an image (log); one bar a process", log=True), *marks])


def _quantiles(process: Process) -> list[float]:
    """Milliseconds."""
    return [float(value) / 1e6 for value in np.percentile(process.values.nanoseconds(), QUANTILES)]


def _trace(result: Result) -> str:
    """Clock, temperature and throttling over time, as far as the board tells them."""
    seconds = result.trace.get("seconds") or []
    plots = []
    for name, label in (
        ("clock_mhz", "clock, MHz"),
        ("temperature_c", "temperature, °C"),
        ("throttled", "throttle bits"),
    ):
        values = result.trace.get(name)
        pairs = [(at, float(v)) for at, v in zip(seconds, values or [], strict=False) if v is not None]
        if len(pairs) < 2:
            continue
        height = 150
        x = _scale([at for at, _ in pairs], LEFT, WIDTH - RIGHT)
        y = _scale([value for _, value in pairs], height - BOTTOM, TOP)
        line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in pairs)
        marks = [f'<polyline points="{line}" fill="none" stroke="{COLOURS[0]}"/>']
        axis = _axis([at for at, _ in pairs], x, height, "seconds") + _side([value for _, value in pairs], y, label)
        plots.append(_svg(height, [*axis, *marks]))
    return "".join(plots)


def _colour(line: Line) -> str:
    if line.verdict != VALID:
        return "#cbd5e0" if line.verdict == INVALID else "#ecc94b"
    return COLOURS[sum(setting(line.row).encode()) % len(COLOURS)]


Scale = Callable[[float], float]


def _scale(values: Sequence[float], start: float, end: float, log: bool = False) -> Scale:
    """From values to pixels, with 5 % of room at both ends."""
    low, high = min(values), max(values)
    if log:
        low, high = np.log(max(low, 1e-12)), np.log(max(high, 1e-12))
    room = (high - low) * 0.05 or 0.5 * abs(high) or 1.0
    low, high = low - room, high + room

    def to_pixels(value: float) -> float:
        place = np.log(max(value, 1e-12)) if log else value
        return float(start + (place - low) / (high - low) * (end - start))

    return to_pixels


def _ticks(values: Sequence[float], log: bool) -> list[float]:
    low, high = min(values), max(values)
    if log:
        steps = [base * 10.0**power for power in range(-7, 6) for base in (1, 2, 5)]
        inside = [step for step in steps if low <= step <= high]
        return inside[:: max(1, len(inside) // 8)] or [low, high]
    return sorted({float(f"{value:.4g}") for value in np.linspace(low, high, 4)})


def _axis(values: Sequence[float], x: Scale, height: float, label: str, log: bool = False) -> list[str]:
    bottom = height - BOTTOM
    marks = [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#cbd5e0"/>']
    marks += [_text(x(tick), bottom + 15, f"{tick:g}", anchor="middle") for tick in _ticks(values, log)]
    return [*marks, _text((LEFT + WIDTH) / 2, height - 6, label, anchor="middle")]


def _side(values: Sequence[float], y: Scale, label: str) -> list[str]:
    marks = [_text(LEFT - 8, y(tick) + 4, f"{tick:g}", anchor="end") for tick in _ticks(values, log=False)]
    return [*marks, _text(8, TOP + 10, label)]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _svg(height: float, marks: Iterable[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" xmlns="http://www.w3.org/2000/svg">{"".join(marks)}</svg>'
