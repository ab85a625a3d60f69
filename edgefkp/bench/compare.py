"""Two measurements against each other: ratio with interval; faster, slower or no clear difference."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgefkp.bench.result import Result, Row
from edgefkp.bench.stats import INVALID, bootstrap_medians
from edgefkp.errors import EdgefkpError

SCHEMA = "edgefkp.compare/1"
FASTER, SLOWER, UNCLEAR = "faster", "slower", "no clear difference"
# Two runs of the same on one calm machine differ by about this much; less is no difference whatever the interval.
RESOLUTION = 0.02


@dataclass(frozen=True)
class Ratio:
    """Time of the second over the first: p50 and its 95 % interval. verdict: of the second against the first."""

    file: str
    runtime: str
    threads: int
    mode: str
    first_ms: float
    second_ms: float
    ratio: float
    interval: tuple[float, float]
    verdict: str
    doubts: list[str]


@dataclass(frozen=True)
class Comparison:
    first: str
    second: str
    rows: list[Ratio]
    unlike: list[str]  # what differs although it should not; empty unless forced
    only_in_one: list[str]
    schema: str = SCHEMA


def compare(first: Result, second: Result, force: bool = False) -> Comparison:
    """Compare the cells that both hold, by file name, runtime, threads, delegate and mode.

    Where they hold none, the same file in one runtime each, or one file each, is what is compared.
    Raises EdgefkpError where machines, runtimes or files are unlike (unless `force`), or nothing is in both.
    """
    pairs = _pairs(first, second)
    if not pairs:
        raise EdgefkpError(
            f"{first.name} and {second.name} have no cell in common",
            "measure the same files with the same threads, delegate and mode in both",
        )
    unlike = _unlike(first, second, pairs)
    if unlike and not force:
        raise EdgefkpError(
            f"{first.name} and {second.name} cannot be compared: {'; '.join(unlike)}",
            "measure both alike, or add --force to compare all the same",
        )
    compared = [id(row) for pair in pairs for row in pair]
    rest = [row for result in (first, second) for row in result.rows if id(row) not in compared]
    only_in_one = [f"{row.file}, {row.runtime}, {row.mode}" for row in rest]
    return Comparison(first.name, second.name, [_ratio(*pair) for pair in pairs], unlike, only_in_one)


def _pairs(first: Result, second: Result) -> list[tuple[Row, Row]]:
    for alike in ("file runtime threads xnnpack delegate python mode", "file threads mode", "threads mode"):
        key = operator.attrgetter(*alike.split())
        ours, theirs = ([(key(row), row) for row in result.rows] for result in (first, second))
        unambiguous = all(len({k for k, _ in rows}) == len(rows) for rows in (ours, theirs))
        if unambiguous and (found := [(row, dict(theirs)[k]) for k, row in ours if k in dict(theirs)]):
            return found
    return []


def _unlike(first: Result, second: Result, pairs: Sequence[tuple[Row, Row]]) -> list[str]:
    found = []
    for key in ("model", "processor", "cores", "architecture", "governor"):
        ours, theirs = first.machine.get(key), second.machine.get(key)
        if ours != theirs:
            found.append(f"{key} {ours or 'unknown'} and {theirs or 'unknown'}")
    if first.data["hash"] != second.data["hash"]:
        found.append(f"pictures {first.data['name']} and {second.data['name']}")
    for ours, theirs in pairs:
        if _runtime(ours) != _runtime(theirs):
            found.append(f"{_runtime(ours)} and {_runtime(theirs)}")
        if ours.file != theirs.file:
            found.append(f"{ours.file} and {theirs.file}")
        elif ours.sha256 != theirs.sha256:
            found.append(f"{ours.file} is another file ({ours.sha256[:8]} and {theirs.sha256[:8]})")
    return list(dict.fromkeys(found))


def _runtime(row: Row) -> str:
    extras = [] if row.xnnpack else ["without XNNPACK"]
    return " ".join([row.runtime, row.version, *extras, row.delegate]).strip()


def _ratio(first: Row, second: Row) -> Ratio:
    ours, theirs = ([process.steady.nanoseconds() for process in row.processes] for row in (first, second))
    ratios = bootstrap_medians(theirs, seed=2) / bootstrap_medians(ours, seed=1)
    low, high = (float(edge) for edge in np.percentile(ratios, [2.5, 97.5]))
    ratio = second.ms.p50 / first.ms.p50
    verdict = UNCLEAR
    if high < 1 and ratio < 1 - RESOLUTION:
        verdict = FASTER
    elif low > 1 and ratio > 1 + RESOLUTION:
        verdict = SLOWER
    doubts = [f"{name} is {row.verdict}" for name, row in (("first", first), ("second", second)) if row.reasons]
    if INVALID in (first.verdict, second.verdict):
        verdict = UNCLEAR  # what a disturbed run says about a small difference is nothing
    return Ratio(
        file=first.file,
        runtime=f"{first.runtime} {first.version}",
        threads=first.threads,
        mode=first.mode,
        first_ms=first.ms.p50,
        second_ms=second.ms.p50,
        ratio=ratio,
        interval=(min(low, ratio), max(high, ratio)),
        verdict=verdict,
        doubts=doubts,
    )


def over(comparison: Comparison, gate: float) -> list[Ratio]:
    """The rows that are clearly slower than `gate` times the first: their whole interval is beyond it."""
    return [row for row in comparison.rows if row.interval[0] > gate]
