"""Names beside the points of a plot, none over another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from edgefkp.report.figures import GRAY

FONT = 8  # points of type
_REACH = (5, 9, 14, 20, 28, 38, 50, 64, 80, 100, 125)  # points of type from a mark to its name, the nearest first
_LEADER = 14  # from here on a line joins both
_TURNS = 16
_MARK = 4.5  # points of type, half of a mark
_GAP = 1.0  # between two names
_STEP = 3  # pixels, at which a line is looked at
Place = tuple[float, float]  # pixels


@dataclass(frozen=True)
class _Box:
    """Pixels of the figure."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: "_Box") -> bool:
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1

    def inside(self, other: "_Box") -> bool:
        return other.x0 <= self.x0 and self.x1 <= other.x1 and other.y0 <= self.y0 and self.y1 <= other.y1

    def around(self, more: float) -> "_Box":
        return _Box(self.x0 - more, self.y0 - more, self.x1 + more, self.y1 + more)

    def meets_line(self, start: Place, end: Place) -> bool:
        steps = np.linspace(start, end, 2 + int(np.hypot(end[0] - start[0], end[1] - start[1]) / _STEP))
        within = (steps[:, 0] > self.x0) & (steps[:, 0] < self.x1) & (steps[:, 1] > self.y0) & (steps[:, 1] < self.y1)
        return bool(within.any())


def place_names(
    figure: Any,
    panel: Any,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    path: Sequence[tuple[float, float]] = (),
) -> list[str]:
    """Write each name beside its point, joined to it by a line where it is not next to it, and off `path` if it can.

    To be called last: what changes the axes afterwards moves names over each other. Returns the names that found no
    room.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    unit = figure.dpi / 72
    frame = _Box(*panel.bbox.extents)
    marks = _pixels(panel, points)
    drawn = _pixels(panel, path) if path else []
    avoided = list(pairwise(drawn))
    taken = [_Box(x, y, x, y).around(_MARK * unit) for x, y in marks]
    lines: list[tuple[Place, Place]] = []
    left_out = []
    # Those in a crowd have the fewest places, so they choose first.
    near = [sum(abs(x - a) < 60 * unit and abs(y - b) < 30 * unit for a, b in marks) for x, y in marks]
    for number in sorted(range(len(marks)), key=lambda number: -near[number]):
        text = panel.annotate(names[number], points[number], (0, 0), textcoords="offset points", fontsize=FONT)
        size = text.get_window_extent(canvas.get_renderer())
        text.remove()
        asked = marks[number], (size.width, size.height), frame, taken
        found = _room(*asked, [*lines, *avoided], unit) or _room(*asked, lines, unit)
        if found is None:
            left_out.append(names[number])
            continue
        box, reach = found
        taken.append(box.around(_GAP * unit))
        start, arrow = _edge(box, marks[number]), None
        if reach >= _LEADER:
            part = (start[0] - box.x0) / size.width, (start[1] - box.y0) / size.height
            arrow = {"arrowstyle": "-", "color": GRAY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4, "relpos": part}
            lines.append((start, marks[number]))
        x, y = marks[number]
        written = panel.annotate(
            names[number],
            points[number],
            ((box.x0 - x) / unit, (box.y0 - y) / unit),
            textcoords="offset points",
            fontsize=FONT,
            va="bottom",
            arrowprops=arrow,
        )
        written.set_in_layout(False)
    return left_out


def _pixels(panel: Any, points: Sequence[tuple[float, float]]) -> list[Place]:
    return [(float(x), float(y)) for x, y in panel.transData.transform(np.asarray(points, float))]


def _room(
    mark: Place, size: Place, frame: _Box, taken: Sequence[_Box], lines: Sequence[tuple[Place, Place]], unit: float
) -> tuple[_Box, float] | None:
    """The nearest free place for a name of that size, and how far from the mark it is, in points of type."""
    for box, reach in _places(mark, size, unit):
        if not box.inside(frame) or any(box.meets(other) for other in taken):
            continue
        if any(box.meets_line(*line) for line in lines):
            continue
        if reach >= _LEADER and any(
            other.meets_line(_edge(box, mark), mark) for other in taken if not _holds(other, mark)
        ):
            continue
        return box, reach
    return None


def _places(mark: Place, size: Place, unit: float) -> Iterator[tuple[_Box, float]]:
    """Around a mark, nearest first, and at each distance to the right first."""
    for reach in _REACH:
        for turn in sorted(range(_TURNS), key=lambda turn: min(turn, _TURNS - turn)):
            angle = 2 * np.pi * turn / _TURNS
            x = mark[0] + np.cos(angle) * (reach * unit + size[0] / 2)
            y = mark[1] + np.sin(angle) * (reach * unit + size[1] / 2)
            yield _Box(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2), reach


def _edge(box: _Box, mark: Place) -> Place:
    """The point of a box that is nearest to a mark."""
    return min(max(mark[0], box.x0), box.x1), min(max(mark[1], box.y0), box.y1)


def _holds(box: _Box, place: Place) -> bool:
    return box.x0 <= place[0] <= box.x1 and box.y0 <= place[1] <= box.y1
