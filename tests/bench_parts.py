"""What tests of measurements share: two tiny files, few faces, short processes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import harness, result, timed_images
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.bench.timed_images import TimedImages

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "fixtures"
FLOAT, INT8 = FIXTURES / "tiny.float32.tflite", FIXTURES / "tiny.int8.tflite"
BRIEF = TimingSettings(processes=2, seconds=0.02, warm_seconds=(0.01, 0.05), pause=0)
ONE = replace(BRIEF, processes=1)


def labeled(count: int = 20) -> TimedImages:
    drawn = timed_images.drawn_images(count).images
    points = np.random.default_rng(0).uniform(10, 80, (count, 15, 2)).astype(np.float32)
    points[0] = np.nan
    points[1, 3] = np.nan
    return TimedImages("twenty", "none", drawn, points)


@pytest.fixture(scope="package")
def measured() -> result.Result:
    """Two tiny files, both modes, two short processes each, on 20 faces of which 19 have labels."""
    return harness.measure(cases_of([FLOAT, INT8]), labeled(), BRIEF, "test")
