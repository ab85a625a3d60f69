"""Two measurements against each other: ratio with interval; faster, slower or no clear difference."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgefkp.bench.result import BenchRow, Result
from edgefkp.bench.stats import bootstrap_medians
from edgefkp.bench.verdict import INVALID, VALID
from edgefkp.errors import EdgefkpError, counted

SCHEMA = "edgefkp.compare/1"
FASTER, SLOWER, UNCLEAR = "faster", "slower", "no clear difference"
# Two runs of the same on one calm machine differ by about this much; less is no difference whatever the interval.
RESOLUTION = 0.02


@dataclass(frozen=True)
class Ratio:
    """The time of the second over that of the first, for one case."""

    file: str
    runtime: str
    threads: int
    mode: str
    first_ms: float  # p50
    second_ms: float
    ratio: float
    interval: tuple[float, float]  # of the ratio, 95 %
    verdict: str  # of the second against the first; INVALID where one of them is
    doubts: list[str]  # which of the two was not measured well


@dataclass(frozen=True)
class TimingComparison:
    first: str  # name of the result
    second: str
    rows: list[Ratio]
    unlike: list[str]  # what differs although it should not; empty unless forced
    only_in_one: list[str]  # cases
    schema: str = SCHEMA
    not_compared: list[str] = field(default_factory=list)  # cases in both that measure different things, and why


def compare(first: Result, second: Result, force: bool = False) -> TimingComparison:
    """Compare the cases that both hold, by file name, runtime, threads, delegate and mode.

    If they hold none, the same file in one runtime each, or one file each, is compared. Times of mode e2e with
    different crops are never compared.
    Raises EdgefkpError if machines, runtimes or files are unlike (unless `force`), or nothing is in both.
    """
    pairs = _pairs(first, second)
    other_crop = [(ours, theirs) for ours, theirs in pairs if ours.mode == "e2e" and ours.crop != theirs.crop]
    not_compared = [f"{_named(ours)}: cropped with {ours.crop}, then with {theirs.crop}" for ours, theirs in other_crop]
    pairs = [pair for pair in pairs if pair not in other_crop]
    if not pairs and not_compared:
        raise EdgefkpError(
            f"{first.name} and {second.name} cannot be compared: {not_compared[0]}",
            "measure again the one that is cropped with numpy: an earlier version measured it",
        )
    if not pairs:
        raise EdgefkpError(
            f"{first.name} and {second.name} have no case in common",
            "measure the same files with the same threads, delegate and mode in both",
        )
    unlike = _unlike(first, second, pairs)
    if unlike and not force:
        raise EdgefkpError(
            f"{first.name} and {second.name} cannot be compared: {'; '.join(unlike)}",
            "measure both alike, or add --force to compare all the same",
        )
    compared = [id(row) for pair in [*pairs, *other_crop] for row in pair]
    rest = [row for result in (first, second) for row in result.rows if id(row) not in compared]
    only_in_one = [_named(row) for row in rest]
    return TimingComparison(
        first.name, second.name, [_ratio(*pair) for pair in pairs], unlike, only_in_one, not_compared=not_compared
    )


def _named(row: BenchRow) -> str:
    return f"{row.file}, {row.runtime}, {row.mode}"


def _pairs(first: Result, second: Result) -> list[tuple[BenchRow, BenchRow]]:
    for alike in ("file runtime threads xnnpack delegate accelerator python mode", "file threads mode", "threads mode"):
        key = operator.attrgetter(*alike.split())
        ours, theirs = ([(key(row), row) for row in result.rows] for result in (first, second))
        unambiguous = all(len({k for k, _ in rows}) == len(rows) for rows in (ours, theirs))
        if unambiguous and (found := [(row, dict(theirs)[k]) for k, row in ours if k in dict(theirs)]):
            return found
    return []


def _unlike(first: Result, second: Result, pairs: Sequence[tuple[BenchRow, BenchRow]]) -> list[str]:
    found = []
    for key in ("model", "processor", "cores", "architecture", "governor"):
        ours, theirs = first.machine.get(key), second.machine.get(key)
        if ours != theirs:
            found.append(f"{key} {ours or 'unknown'} and {theirs or 'unknown'}")
    if first.data["hash"] != second.data["hash"]:
        found.append(f"images {first.data['name']} and {second.data['name']}")
    for ours, theirs in pairs:
        if _runtime(ours) != _runtime(theirs):
            found.append(f"{_runtime(ours)} and {_runtime(theirs)}")
        if ours.file != theirs.file:
            found.append(f"{ours.file} and {theirs.file}")
        elif ours.sha256 != theirs.sha256:
            found.append(f"{ours.file} is another file ({ours.sha256[:8]} and {theirs.sha256[:8]})")
    return list(dict.fromkeys(found))


def _runtime(row: BenchRow) -> str:
    extras = [] if row.xnnpack else ["without XNNPACK"]
    return " ".join([row.runtime, row.version, *extras, row.delegate]).strip()


def _ratio(first: BenchRow, second: BenchRow) -> Ratio:
    ours, theirs = ([process.values.nanoseconds() for process in row.processes] for row in (first, second))
    ratios = bootstrap_medians(theirs, seed=2) / bootstrap_medians(ours, seed=1)
    low, high = (float(edge) for edge in np.percentile(ratios, [2.5, 97.5]))
    ratio = second.ms.p50 / first.ms.p50
    verdict = UNCLEAR
    if INVALID in (first.verdict, second.verdict):
        verdict = INVALID  # a disturbed run proves nothing
    elif high < 1 and ratio < 1 - RESOLUTION:
        verdict = FASTER
    elif low > 1 and ratio > 1 + RESOLUTION:
        verdict = SLOWER
    doubts = [
        f"{name} is {row.verdict}" for name, row in (("first", first), ("second", second)) if row.verdict != VALID
    ]
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


def over(comparison: TimingComparison, gate: float) -> list[Ratio]:
    """The rows that are clearly slower than `gate` times the first: their whole interval is beyond it.

    Raises EdgefkpError if a row is INVALID: it neither keeps a limit nor breaks it.
    """
    if invalid := [row for row in comparison.rows if row.verdict == INVALID]:
        raise EdgefkpError(
            f"{len(invalid)} of {counted(len(comparison.rows), 'row')} cannot be relied on (INVALID): "
            f"{invalid[0].file}, {invalid[0].mode}: {', '.join(invalid[0].doubts)}",
            "measure again on a machine that does nothing else: edgefkp bench",
        )
    return [row for row in comparison.rows if row.interval[0] > gate]
