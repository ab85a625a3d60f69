"""The figures of a search's page: its front, and its learning curves."""

from typing import Any

from edgefkp.bench.verdict import VALID
from edgefkp.report.figures import BLUE, GRAY, ORANGE, Figures, lighten, panels
from edgefkp.report.time_error import CAPTION, TimedFile, time_against_error
from edgefkp.search.front import STOPPED, Trial, Tuned

WIDTH, HEIGHT = 6.8, 4.2  # inches

FIGURES = Figures("figure of a search")


@FIGURES.figure("front", "Front", f"Blue: on the front of all objectives; gray: beaten. {CAPTION}")
def front(tuned: Tuned) -> Any:
    """Time, or size where time was not measured, against error."""
    timed = any(trial.ms is not None for trial in tuned.trials)
    points = []
    for trial in tuned.trials:
        cost = trial.ms if timed else trial.bytes and trial.bytes / 1000
        if cost and trial.validation_rmse is not None:
            verdict = trial.timing.verdict if timed and trial.timing else VALID
            points.append(TimedFile(trial.trial, cost, trial.validation_rmse, verdict, _color(trial)))
    unit = "ms an image, median" if timed else "KB of the .tflite"
    return time_against_error(points, unit, WIDTH, HEIGHT)


@FIGURES.figure(
    "learning-curves",
    "Learning curves",
    "Lowest validation RMSE so far against the images shown. Blue: on the front; gray: beaten; orange: stopped early.",
)
def curves(tuned: Tuned) -> Any:
    """None for a search of before curves were kept."""
    if not any(trial.curve for trial in tuned.trials):
        return None
    figure, axes = panels(WIDTH, HEIGHT)
    panel = axes[0, 0]
    for trial in tuned.trials:
        if trial.curve:
            marker = "x" if trial.done == STOPPED else "o"
            color = ORANGE if trial.done == STOPPED else _color(trial)
            panel.plot(*zip(*trial.curve, strict=True), color=color, linewidth=1)
            panel.scatter(*trial.curve[-1], color=color, marker=marker, s=18)
    panel.set_xlabel("training images")
    panel.set_ylabel("RMSE, px")
    lighten(panel)
    return figure


def _color(trial: Trial) -> str:
    return BLUE if trial.pareto else GRAY
