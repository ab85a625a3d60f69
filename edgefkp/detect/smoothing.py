"""The One-Euro filter (Casiez, Roussel, Vogel 2012): steady when the face rests, quick when it moves."""

import math

import numpy as np


class OneEuro:
    """Smooths points that arrive at real, uneven times.

    The cut-off frequency rises with the speed, which is counted in face sides per second: so a face close to the
    camera is smoothed as one far away, and a slow board as a fast one.
    """

    MIN_CUTOFF = 1.0  # Hz, for a face at rest
    BETA = 25.0  # Hz more for each face side per second
    SPEED_CUTOFF = 2.0  # Hz, of the speed's own smoothing
    USUAL = 0.012  # deviation in face sides up to which a point is taken as it is

    def __init__(self, min_cutoff: float = MIN_CUTOFF, beta: float = BETA, speed_cutoff: float = SPEED_CUTOFF) -> None:
        self._min_cutoff, self._beta, self._speed_cutoff = min_cutoff, beta, speed_cutoff
        self._points: np.ndarray | None = None
        self._speed: np.ndarray | None = None
        self._seconds = 0.0

    def __call__(
        self, points: np.ndarray, side: float, seconds: float, deviations: np.ndarray | None = None
    ) -> np.ndarray:
        """(..., 2) points in pixels, the face's side in the same pixels, the frame's time: the smoothed points.

        deviations: (...,) of the points in pixels. What is added to the old value is weighed by them as a Kalman filter
        would: a point that is twice as uncertain as usual counts for about a quarter.
        A frame whose time does not advance counts as the one before and changes nothing.
        """
        if self._points is None:
            self._points, self._seconds = points.astype(np.float64), seconds
            return points.copy()
        passed = seconds - self._seconds
        if passed <= 0:
            return self._points.astype(points.dtype)
        doubt: np.ndarray | float = 1.0
        if deviations is not None:
            doubt = np.maximum(1.0, deviations[..., None] / (self.USUAL * side)) ** 2
        velocity = (points - self._points) / (side * passed)
        if self._speed is None:  # the first one counts whole: a face that comes moving would lag, and then catch up
            self._speed = velocity
        self._speed = self._speed + _doubted(_share(self._speed_cutoff, passed), doubt) * (velocity - self._speed)
        cutoff = self._min_cutoff + self._beta * np.linalg.norm(self._speed, axis=-1, keepdims=True)
        self._points = self._points + _doubted(_share(cutoff, passed), doubt) * (points - self._points)
        self._seconds = seconds
        return self._points.astype(points.dtype)


def _share(cutoff: np.ndarray | float, passed: float) -> np.ndarray | float:
    """How much of the new value a low-pass of `cutoff` Hz takes after `passed` seconds."""
    turn = 2 * math.pi * cutoff * passed
    return turn / (turn + 1)


def _doubted(share: np.ndarray | float, doubt: np.ndarray | float) -> np.ndarray | float:
    """The share for a new value whose variance is `doubt` times the usual one."""
    return share if isinstance(doubt, float) else share / (share + (1 - share) * doubt)
