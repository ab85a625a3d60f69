import base64
import gzip
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.bench import result
from edgefkp.bench.result import BenchRow, Raw
from edgefkp.errors import EdgefkpError
from edgefkp.files import plain
from edgefkp.records import NewerField, built
from tests.bench_parts import ROOT

STORED = ROOT / "bench/results/zoo.json"  # of a version whose rows had no `crop`


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    content = json.loads(STORED.read_text())
    content["rows"] = content["rows"][:2]
    return content  # type: ignore[no-any-return]


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
        ('{"schema": "edgefkp.bench/1", "rows": []}', "not a whole result: name is missing"),
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


def test_a_committed_result_of_before_is_read_and_written_as_it_was(stored: dict[str, Any]) -> None:
    read = result.parse(stored, "zoo")
    assert [(row.crop, row.mode) for row in read.rows] == [("numpy", "invoke")] * 2
    written = plain(read)
    assert [row.pop("crop") for row in written["rows"]] == ["numpy"] * 2
    for row in written["rows"]:
        assert [row.pop(name) for name in ("accelerator", "acceleration", "operators")] == ["", None, None]
        assert {process.pop("core_wait") for process in row["processes"]} == {None}
    assert written == stored
    assert list(written) == list(stored)


def test_a_field_with_a_default_leaves_stored_rows_readable(stored: dict[str, Any]) -> None:
    @dataclass(frozen=True)
    class Wider(BenchRow):
        nme: float | None = None  # a figure that a later version measures

    wider = built(Wider, stored["rows"][0])
    assert wider.nme is None
    assert all(
        getattr(wider, one.name) == getattr(built(BenchRow, stored["rows"][0]), one.name) for one in fields(BenchRow)
    )


def test_a_field_of_a_newer_version_is_a_warning_that_names_it(stored: dict[str, Any]) -> None:
    newer = {**stored, "rows": [{**stored["rows"][0], "nme": 3.2}]}
    with pytest.warns(NewerField, match=r"rows\.0\.nme is of a newer edgefkp"):
        assert result.parse(newer, "zoo").rows[0].file == stored["rows"][0]["file"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("count", "many", r"steady\.count is str, expected integer"), ("data", None, r"steady\.data is NoneType")],
)
def test_a_value_of_another_type_is_named(stored: dict[str, Any], field: str, value: object, message: str) -> None:
    broken = json.loads(json.dumps(stored))
    broken["rows"][0]["processes"][0]["steady"][field] = value
    with pytest.raises(EdgefkpError, match=rf"zoo is not a whole result: rows\.0\.processes\.0\.{message}"):
        result.parse(broken, "zoo")


def packed(values: bytes) -> str:
    return base64.b64encode(gzip.compress(values)).decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": packed(bytes(256 << 20))}, "has more than the"),
        ({"data": packed(bytes(4))}, "has fewer than the"),
        ({"data": "!"}, "damaged|fewer"),
        ({"data": base64.b64encode(b"no gzip").decode()}, "damaged"),
        ({"kept": 67_000_000, "count": 67_000_000}, "67000000 of 67000000 times"),
        ({"kept": 10**6}, "of 1[0-9]* times|1000000 of"),
        ({"kept": 0}, "0 of"),
        ({"kept": -1}, "-1 of"),
        ({"unit_ns": 10**12}, "in units of"),
    ],
)
def test_counts_are_compared_with_what_is_there(
    stored: dict[str, Any], change: dict[str, object], message: str
) -> None:
    broken = json.loads(json.dumps(stored))
    broken["rows"][0]["processes"][0]["steady"].update(change)
    with pytest.raises(EdgefkpError, match=rf"zoo is not a whole result: .*({message})"):
        result.parse(broken, "zoo")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("rows", 0, "verdict"), "GREAT"),
        (("rows", 0, "mode"), "x"),
        (("rows", 0, "processes"), []),
        (("rows", 0, "ms", "p50"), -1.0),
        (("rows", 0, "ms", "mean"), float("nan")),
        (("rows",), []),
        (("data",), {}),
        (("data", "hash"), 5),
        (("plan", "seconds"), "2"),
    ],
)
def test_values_that_no_measurement_gives_are_refused(stored: dict[str, Any], place: tuple[Any, ...], value: object):
    broken = json.loads(json.dumps(stored))
    part = broken
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises(EdgefkpError, match="zoo is"):
        result.parse(broken, "zoo")
