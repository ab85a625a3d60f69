"""Calibration samples that would widen the ranges of 8-bit activations far beyond what all others need.

A range goes from the smallest to the largest value over all samples, and its width is the step of everything in it. One
blurred face on which a network runs away makes all other faces pay: a MobileNetV3Small had layers 60 times as wide for
one of 256 faces, and moved its points by 0.48 px instead of 0.17. Where few samples do that, the file is made with and
without them, and they are left out of the ranges (what they make is clipped) where that brings the outputs closer to
those of the float network.
"""

from collections.abc import Callable, Sequence

import numpy as np

from edgefkp.errors import counted
from edgefkp.export.islands import GAIN

FACTOR = 2.0  # how much wider than all others together: one of eight bits
SHARE = 0.02  # of the samples: if more are so, they are no outliers


def widening(extremes: dict[str, np.ndarray], always: int = 0) -> tuple[int, ...]:
    """The samples that widen a tensor FACTOR times, at most SHARE of them.

    extremes: tensor -> (2, N, ...) its smallest and largest value in each of N samples. always: so many at the start
    are never among them. None are, where a tensor would be zero without them: a range of nothing has no step.
    """
    widths = [(np.maximum(most, 0) - np.minimum(least, 0)).reshape(-1) for least, most in extremes.values()]
    if not widths:
        return ()
    most = int(SHARE * len(widths[0]))
    found: dict[int, float] = {}  # sample -> by how much it widens
    for width in widths:
        order = np.argsort(-width, kind="stable")[: most + 1]
        largest = np.maximum(width[order], 1e-9)
        steps = np.flatnonzero(largest[:-1] > FACTOR * largest[1:])
        for rank in range(steps[-1] + 1 if len(steps) else 0):
            sample = int(order[rank])
            found[sample] = max(found.get(sample, 0.0), float(largest[rank] / largest[-1]))
    for sample in range(always):
        found.pop(sample, None)
    rows = tuple(sorted(sorted(found, key=lambda sample: -found[sample])[:most]))
    needed = any(width.any() and not np.delete(width, rows).any() for width in widths)
    return () if needed else rows


def left_out(
    extremes: dict[str, np.ndarray],
    outputs_without: Callable[[Sequence[int]], np.ndarray],
    float_outputs: Callable[[], np.ndarray],
    always: int = 0,
) -> tuple[int, ...]:
    """The samples that are better left out of the ranges.

    outputs_without: (N, numbers) of all samples by a file with ranges without some. float_outputs: those of the float
    network. Neither is called where no sample widens a range. always: as of `widening`.
    """
    rows = widening(extremes, always)
    if not rows:
        return ()
    truth = float_outputs()
    wide, narrow = (_shift(outputs_without(some) - truth) for some in ((), rows))
    return rows if narrow <= (1 - GAIN) * wide else ()


def _shift(moved: np.ndarray) -> float:
    """95th percentile of the movements beyond what all samples have in common."""
    return float(np.percentile(np.abs(moved - np.median(moved, 0)), 95))


def without(samples: Sequence[np.ndarray], rows: Sequence[int]) -> list[np.ndarray]:
    return [np.delete(array, rows, 0) for array in samples] if rows else list(samples)


def note_of(rows: Sequence[int], count: int) -> str:
    """What people should know of samples that were left out."""
    listed = f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"  # from 0, as the card has them
    return (
        f"{len(rows)} of {counted(count, 'calibration sample')} ({listed}) would make 8-bit ranges more than "
        f"{FACTOR:.0f} times as wide as all others; left out of them"
    )
