import json
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench import result
from edgefkp.bench.result import Raw
from edgefkp.errors import EdgefkpError


def test_raw_values_come_back_as_they_were() -> None:
    values = np.random.default_rng(0).integers(1000, 2**31, 5000)
    raw = Raw.of(values)
    np.testing.assert_array_equal(raw.nanoseconds(), values)
    assert (raw.count, raw.kept, raw.unit_ns) == (5000, 5000, 1)


def test_more_than_20000_are_thinned_evenly_and_the_count_says_so() -> None:
    raw = Raw.of(np.arange(100_000))
    assert (raw.count, raw.kept) == (100_000, 20_000)
    steps = np.diff(raw.nanoseconds())
    assert set(steps) == {5.0, 6.0} or set(steps) == {5.0}
    assert raw.nanoseconds()[-1] == 99_999


def test_seconds_long_values_are_kept_in_microseconds() -> None:
    raw = Raw.of(np.array([6_000_000_000, 7_123_456_789]))
    assert raw.unit_ns == 1000
    np.testing.assert_array_equal(raw.nanoseconds(), [6_000_000_000, 7_123_456_000])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "has schema None"),
        ('{"schema": "edgefkp.bench/99"}', "edgefkp.bench/99"),
        ('{"schema": "edgefkp.bench/1", "rows": []}', "not a whole benchmark result"),
        ("{", "not a readable JSON"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(EdgefkpError, match=message):
        result.read(path)


def test_json_of_raw_is_small() -> None:
    values = np.random.default_rng(0).normal(1e6, 1e4, 20_000)
    assert len(json.dumps(Raw.of(values.astype(np.int64)).data)) < 80_000
