"""The frames of a constant rate that show images at the times at which they were taken."""

import itertools
import statistics

from edgefkp.detect.media import UNKNOWN_FPS

KNOWN = 12  # images whose times tell the rate
COMMON = (5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0)  # frames a second
SLOWEST, FASTEST = 1.0, 60.0  # frames a second that are written
LONGEST = 10.0  # seconds; a longer break, as of a camera that was unplugged, is left out
_SAME = 0.05  # share by which the times may differ from the rate that a file states
_NEAR = 1.1  # frames by which an image may be early or late before one is left out or repeated


def rate_of(times: list[float], stated: float) -> float:
    """Frames a second of images taken at `times`; `stated`, if they confirm it. 0: not stated."""
    steps = [later - earlier for earlier, later in itertools.pairwise(times) if later > earlier]
    if not steps:
        return stated or UNKNOWN_FPS
    usual = 2 * statistics.median(steps)  # without hiccups
    found = 1 / statistics.mean(step for step in steps if step <= usual)
    if stated and (abs(found - stated) <= _SAME * stated or found < stated <= FASTEST):
        return stated
    nearest = min(COMMON, key=lambda rate: abs(rate - found))
    found = nearest if abs(found - nearest) <= _SAME * nearest else found
    return round(min(max(found, SLOWEST), FASTEST), 3)


class ConstantRate:
    """How often each image is shown, so that the video takes as long as what it shows did."""

    def __init__(self, fps: float, start: float) -> None:
        self._fps, self._start = fps, start
        self._last = start
        self._step = 0.0  # seconds between the last two images
        self._written = 0

    def repeats(self, seconds: float) -> tuple[int, int]:
        """(how often the image before is shown again, how often the one of that time)."""
        self._step = seconds - self._last
        self._last = seconds
        if self._step > LONGEST:
            self._start += self._step - 1 / self._fps
            self._step = 0.0
        ahead = (seconds - self._start) * self._fps - self._written
        if ahead < -_NEAR:
            return 0, 0
        missing = max(0, round(ahead)) if ahead > _NEAR else 0
        self._written += missing + 1
        return missing, 1

    def rest(self) -> int:
        """How often the last image is shown again, as long as the one before it."""
        return max(0, round(min(self._step, 1.0) * self._fps) - 1)
