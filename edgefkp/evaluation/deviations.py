"""How good a network's own deviations are: do they hold what they promise, and do they find the large errors?"""

from dataclasses import dataclass

import numpy as np

from edgefkp.layout import LIKELIHOODS, REFERENCE_SIDE

FAR = 4.0  # pixels of REFERENCE_SIDE: a point that is further away is one that its deviation should have shown
BINS = 10  # of the reliability curve


@dataclass(frozen=True)
class Bin:
    """Points with about the same deviation."""

    deviation: float  # pixels, root mean square
    rmse: float  # pixels, of their coordinates
    points: int


@dataclass(frozen=True)
class DeviationScore:
    """Deviations against errors. Lengths are pixels of the model's input."""

    likelihood: str  # one of LIKELIHOODS: what `nominal` is of
    within: tuple[float, float]  # shares of coordinates that are off by at most one and two deviations
    nominal: tuple[float, float]  # what these should be
    deviation: float  # root mean square: with right deviations it is the RMSE
    far: float  # pixels, distance of a point from its truth
    far_points: int  # that are further away
    # Of two points, one of them further away than `far`, how often that one has the larger deviation; None without any.
    far_auroc: float | None
    reliability: tuple[Bin, ...]  # points sorted by their deviation, as many in each
    points: int  # that count

    @property
    def off(self) -> float:
        """The larger difference of a share from its nominal one."""
        return max(abs(found - wanted) for found, wanted in zip(self.within, self.nominal, strict=True))


def score_deviations(
    predicted: np.ndarray, truth: np.ndarray, deviations: np.ndarray, likelihood: str, side: int = REFERENCE_SIDE
) -> DeviationScore | None:
    """Of (N, K, 2) predicted and true points and (N, K) deviations, pixels of images of `side`; NaN in the truth does
    not count. None where nothing counts."""
    known = ~np.isnan(truth).any(-1)
    if not known.any():
        return None
    errors = np.abs(predicted[known].astype(np.float64) - truth[known])
    sizes = deviations[known].astype(np.float64)
    distances, far = np.linalg.norm(errors, axis=-1), FAR * side / REFERENCE_SIDE
    return DeviationScore(
        likelihood,
        shares_within(errors, sizes),
        LIKELIHOODS[likelihood],
        float(np.sqrt(np.mean(sizes**2))),
        far,
        int((distances > far).sum()),
        auroc(sizes, distances > far),
        reliability(errors, sizes),
        len(sizes),
    )


def shares_within(errors: np.ndarray, deviations: np.ndarray) -> tuple[float, float]:
    """Shares of the coordinates of (M, 2) errors that are at most one and two of the (M,) deviations."""
    times = np.abs(errors) / deviations[:, None]
    return float((times <= 1).mean()), float((times <= 2).mean())


def auroc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """How often a positive has a higher score than a negative, a tie counting half: the area under the ROC curve.

    scores: (M,), positive: (M,) bool. None where one of both kinds is missing.
    """
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return None
    _, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[place]  # from 1, equal scores sharing their mean rank
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def reliability(errors: np.ndarray, deviations: np.ndarray) -> tuple[Bin, ...]:
    order = np.argsort(deviations, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    return tuple(
        Bin(float(np.sqrt(np.mean(deviations[part] ** 2))), float(np.sqrt(np.mean(errors[part] ** 2))), len(part))
        for part in parts
    )


def calibrating_factor(errors: np.ndarray, deviations: np.ndarray, likelihood: str) -> float:
    """What deviations have to be multiplied with: the shares within one and two of them then differ least from what
    the likelihood demands. errors: (M, 2), deviations: (M,)."""
    times = np.abs(errors) / deviations[:, None]
    nominal = LIKELIHOODS[likelihood]
    ends = [np.quantile(times, nominal[0]), np.quantile(times, nominal[1]) / 2]
    tried = np.geomspace(max(min(ends), 1e-6), max(*ends, 1e-6), 101)
    off = [
        max(abs((times <= many * factor).mean() - share) for many, share in enumerate(nominal, 1)) for factor in tried
    ]
    return float(tried[int(np.argmin(off))])


def log_likelihood(errors: np.ndarray, deviations: np.ndarray, likelihood: str) -> float:
    """The mean of a coordinate's, in nats; the errors and the deviations in the same unit."""
    sizes = deviations[:, None]
    if likelihood == "gaussian":
        each = -0.5 * (errors / sizes) ** 2 - np.log(sizes) - 0.5 * np.log(2 * np.pi)
    else:
        each = -np.sqrt(2) * np.abs(errors) / sizes - np.log(sizes) - 0.5 * np.log(2)
    return float(each.mean())
