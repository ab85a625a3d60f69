"""The bootstrap over persons: how far a score may be off, as other persons would have been drawn.

Faces of one person are no independent evidence, so whole persons are drawn, with replacement, and never single faces.
"""

from functools import lru_cache

import numpy as np

ROUNDS = 2000
_QUANTILES = (2.5, 97.5)  # per cent: a 95 % interval

Interval = tuple[float, float]


@lru_cache(maxsize=2)
def _draws(persons: int, seed: int) -> np.ndarray:
    """(ROUNDS, persons) int: the persons of each draw."""
    return np.random.default_rng(seed).integers(0, persons, (ROUNDS, persons))


def drawn_means(sums: np.ndarray, counts: np.ndarray, seed: int = 0) -> np.ndarray:
    """(ROUNDS,) pooled mean of each draw; NaN where nothing in it counts. The same persons for the same seed.

    sums, counts: (P,) sum and number of what is averaged, of each person.
    """
    draws = _draws(len(counts), seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        values: np.ndarray = sums[draws].sum(1) / counts[draws].sum(1)
    return values


def drawn_rmse(squares: np.ndarray, counts: np.ndarray, seed: int = 0) -> np.ndarray:
    """(ROUNDS,) pooled RMSE of each draw: `drawn_means` of squared errors over coordinates, and its root."""
    values: np.ndarray = np.sqrt(drawn_means(squares, counts, seed))
    return values


def interval(values: np.ndarray) -> Interval:
    """The middle 95 % of what the draws gave; NaN does not count."""
    low, high = np.nanpercentile(values, _QUANTILES)
    return float(low), float(high)


def by_person(groups: np.ndarray, squares: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both (N,) columns of the faces summed up by person: (P,), persons in the order of their names."""
    _, person = np.unique(groups, return_inverse=True)
    return np.bincount(person, squares), np.bincount(person, counts)


def rmse_interval(squares: np.ndarray, counts: np.ndarray, groups: np.ndarray) -> Interval:
    """95 % interval of the pooled RMSE.

    squares, counts, groups: (N,) sum of squared errors, number of coordinates and person of each face.
    """
    return interval(drawn_rmse(*by_person(groups, squares, counts)))


def mean_interval(values: np.ndarray, groups: np.ndarray) -> Interval:
    """95 % interval of the mean over faces of (N,) values; groups: (N,) the person of each."""
    return interval(drawn_means(*by_person(groups, values, np.ones(len(values)))))


def paired_interval(before: np.ndarray, after: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> Interval:
    """95 % interval of rmse(after) - rmse(before) when persons are drawn again, the same ones for both.

    before, after, truth: (N, K, 2) pixels; NaN in `truth` does not count. groups: (N,) the person of each face.
    """
    labeled = ~np.isnan(truth)
    counts = labeled.sum((1, 2))

    def drawn(points: np.ndarray) -> np.ndarray:
        squares = np.where(labeled, points.astype(np.float64) - truth, 0) ** 2
        return drawn_rmse(*by_person(groups, squares.sum((1, 2)), counts))

    return interval(drawn(after) - drawn(before))
