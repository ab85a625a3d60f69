import numpy as np
import pytest

from edgefkp.demo.frames import open_frames
from edgefkp.demo.jitter import jitter_of, lag_of, measure_jitter
from edgefkp.demo.session import Pipeline
from edgefkp.errors import EdgefkpError

SECONDS = np.arange(120) / 30


def motion(delay: float = 0.0) -> np.ndarray:
    x = 40 * np.sin(2 * (SECONDS - delay))
    return np.repeat(np.stack([x, 0.5 * x], -1)[:, None], 15, axis=1)


def test_jitter_is_the_noise_and_not_the_motion():
    noise = np.random.default_rng(0).normal(0, 0.4, (120, 15, 2))
    assert jitter_of(noise) == pytest.approx(0.4, rel=0.1)
    assert jitter_of(motion() + noise) == pytest.approx(0.4, rel=0.1)
    assert jitter_of(np.cumsum(np.ones((120, 15, 2)), axis=0)) == 0


@pytest.mark.parametrize("delay", [0.0, 0.033, 0.12])
def test_a_known_lag_is_measured(delay):
    assert lag_of(SECONDS, motion(), motion(delay)) == pytest.approx(delay, abs=0.004)


def test_a_face_at_rest_has_no_lag():
    noise = np.random.default_rng(0).normal(0, 0.4, (120, 15, 2))
    assert lag_of(SECONDS, noise, noise) is None


def test_the_astronauts_jitter(model, video):
    jitter = measure_jitter(open_frames(str(video)), Pipeline(model))
    assert jitter.frames == 60
    assert 0 < jitter.filtered_px < jitter.raw_px < 1
    assert jitter.lag_ms is not None
    assert 0 <= jitter.lag_ms < 60


def test_a_video_without_a_face(model, tmp_path):
    import cv2

    for number in range(20):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.full((100, 100), number, np.uint8))
    with pytest.raises(EdgefkpError, match="no face could be followed"):
        measure_jitter(open_frames(str(tmp_path)), Pipeline(model))
