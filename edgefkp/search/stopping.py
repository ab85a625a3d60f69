"""When a training is stopped early: the learning curve shows that the candidate cannot reach the front.

Optuna prunes only where one number is minimized. Here a candidate has a place on the front as long as no rival, one
that is no slower and no larger, will have a lower error. At the end of an epoch its final error is forecast from the
gains of the candidates that were trained to their end: all were trained by the same schedule, so that the same number
of images is the same point of it. The forecast takes the largest of these gains, and a candidate that is beaten even
then is stopped.
"""

from collections.abc import Sequence

from edgefkp.search.front import Trial

EARLIEST = 0.25  # share of the images before which no candidate is stopped
FEWEST = 4  # finished candidates by which a gain is known


def verdict(
    curve: Sequence[tuple[int, float]],
    costs: tuple[float, ...],
    finished: Sequence[Trial],
    images: int,
    objectives: Sequence[str],
) -> str:
    """Why the candidate with this curve is stopped after its last epoch; "" if it goes on.

    costs: its Trial.costs. finished: the candidates that were trained to their end. images: of the whole training.
    """
    shown, lowest = curve[-1]
    gains = [
        trial.validation_rmse / then for trial in finished if trial.validation_rmse and (then := _at(trial, shown))
    ]
    if shown < EARLIEST * images or shown >= images or len(gains) < FEWEST:
        return ""
    rivals = [
        trial
        for trial in finished
        if trial.validation_rmse is not None
        and all(theirs <= own for theirs, own in zip(trial.costs(objectives), costs, strict=False))
    ]
    if not rivals:
        return ""
    best = min(rivals, key=lambda trial: trial.validation_rmse or 0.0)
    forecast = lowest * min(gains)
    if best.validation_rmse is None or forecast <= best.validation_rmse:
        return ""
    more = " no slower and no larger" if costs else ""
    return (
        f"{lowest:.3f} px after {shown:,} of {images:,} images would become {forecast:.3f} px at best; "
        f"candidate {best.trial},{more and f'{more},'} has {best.validation_rmse:.3f} px"
    )


def _at(trial: Trial, images: int) -> float | None:
    """Its lowest error until then; None if no epoch ended there."""
    return next((lowest for shown, lowest in trial.curve if shown == images), None)
