"""The plot of time against error, and the front of the files that no other one beats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edgefkp.bench.verdict import INVALID, SUSPECT, VALID
from edgefkp.report.axes import round_log
from edgefkp.report.figures import GRAY, lighten, panels
from edgefkp.report.labels import place_names

CAPTION = (
    "Further down and to the left is better. The dashed line joins the VALID files that no other VALID one beats; a "
    "ring is a SUSPECT time, a cross an INVALID one."
)
_TALLER = 1.5  # inches, if names find no room
_TRIES = 3


@dataclass(frozen=True)
class TimedFile:
    """One point of the plot."""

    name: str
    time: float
    rmse: float  # px
    verdict: str  # on the time
    color: str = "#0072B2"


def front(files: Iterable[TimedFile]) -> list[TimedFile]:
    """The VALID files that no other VALID one beats, the fastest first."""
    best, found = float("inf"), []
    for file in sorted(files, key=lambda file: (file.time, file.rmse)):
        if file.verdict == VALID and file.rmse < best:
            best = file.rmse
            found.append(file)
    return found


def time_against_error(files: Sequence[TimedFile], unit: str, width: float, height: float) -> Any:
    """unit: of the times, in words. None without a file."""
    if not files:
        return None
    for _ in range(_TRIES):
        figure, left_out = _drawn(files, unit, width, height)
        if not left_out:
            break
        height += _TALLER
    return figure


def _drawn(files: Sequence[TimedFile], unit: str, width: float, height: float) -> tuple[Any, list[str]]:
    figure, axes = panels(width, height)
    panel = axes[0, 0]
    path = steps_of(front(files))
    if path:
        panel.plot(*zip(*path, strict=True), color=GRAY, linestyle="--", linewidth=1, zorder=1, label="front")
    figure.hover = {}
    for number, file in enumerate(files):
        looks: dict[str, dict[str, Any]] = {
            VALID: {"c": file.color},
            SUSPECT: {"marker": "o", "facecolors": "none", "edgecolors": file.color, "linewidths": 1.4},
            INVALID: {"marker": "x", "c": GRAY, "linewidths": 1.2},
        }
        mark = panel.scatter(file.time, file.rmse, s=30, zorder=2, **looks[file.verdict])
        mark.set_gid(f"file-{number}")
        figure.hover[f"file-{number}"] = f"{file.name}: {file.time:.3g} {unit}, {file.rmse:.3f} px, {file.verdict}"
    round_log(panel.xaxis)
    panel.margins(x=0.12, y=0.12)
    panel.set_xlabel(unit)
    panel.set_ylabel("RMSE, px")
    lighten(panel)
    return figure, place_names(figure, panel, list(map(at, files)), [file.name for file in files], path)


def steps_of(best: Sequence[TimedFile]) -> list[tuple[float, float]]:
    """The front as a line of steps: up to the next file's time the error stays what it was."""
    corners = [((second.time, first.rmse), at(second)) for first, second in pairwise(best)]
    return [at(one) for one in best[:1]] + [corner for pair in corners for corner in pair]


def at(file: TimedFile) -> tuple[float, float]:
    return file.time, file.rmse
