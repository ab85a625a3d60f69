"""Which file to use on a measured device: the Pareto front of time and RMSE, and the best that fits a limit."""

from collections.abc import Iterable
from dataclasses import dataclass

from edgefkp.bench.result import BenchRow, Result
from edgefkp.bench.verdict import SUSPECT, VALID
from edgefkp.errors import EdgefkpError, GateError, UsageError, counted

SCHEMA = "edgefkp.recommendation/1"
ESTIMATED = "estimate"  # stands where a measurement has its verdict: see bench/npu_choices
NOTICEABLE = 0.02  # px of RMSE; what int8 may cost, and less than test sets of some thousand faces can tell apart


@dataclass(frozen=True)
class Choice:
    """One measured file."""

    file: str
    runtime: str
    version: str
    threads: int
    xnnpack: bool
    delegate: str
    bytes: int
    ms: float  # median of an inference
    ms_high: float  # the upper end of its 95 % interval, which budgets count
    p95: float | None
    rmse: float | None
    verdict: str
    pareto: bool  # no other is both faster and closer to the labels
    accelerator: str = ""  # as BenchRow.accelerator


@dataclass(frozen=True)
class Recommendation:
    """The file to use, among those measured."""

    schema: str
    result: str
    device: str  # its name
    data: str
    faces: int
    budget_ms: float | None
    max_rmse: float | None
    chosen: Choice | None  # None if no limit was given
    choices: tuple[Choice, ...]  # the fastest first
    left_out: int  # rows whose verdict does not count: they are never chosen
    ignored: tuple[str, ...] = ()  # doubts about rows that count all the same: file, verdict and reasons


def recommend(
    result: Result, budget_ms: float | None = None, max_rmse: float | None = None, allow_suspect: bool = False
) -> Recommendation:
    """Within `budget_ms` the lowest RMSE, or the fastest file not noticeably above it; within `max_rmse` the fastest.

    With both limits, as for the budget among those that keep within both. Only VALID rows are chosen, with
    `allow_suspect` also SUSPECT ones, whose doubts are then listed.
    Raises EdgefkpError if the result has no RMSE to choose by, GateError if no file fits. Only the network alone is
    compared (mode invoke), so how frames are cropped never counts.
    """
    rows = [row for row in result.rows if row.mode == "invoke"]
    counting = (VALID, SUSPECT) if allow_suspect else (VALID,)
    usable = [row for row in rows if row.verdict in counting]
    limited = budget_ms is not None or max_rmse is not None
    if limited and all(row.rmse is None for row in rows):
        raise EdgefkpError(f"{result.name} was measured without labels, so it has no RMSE to choose by", _WITH_LABELS)
    more = sum(row.verdict == SUSPECT for row in rows) if not allow_suspect else 0
    if limited and not usable:
        allow = f"; --allow-suspect counts {counted(more, 'SUSPECT row')}, too" if more else ""
        raise EdgefkpError(
            f"{result.name}: none of its {counted(len(rows), 'row')} is {' or '.join(counting)}",
            f"measure again on a machine that does nothing else: edgefkp bench{allow}",
        )
    choices = tuple(sorted((_choice(row, usable) for row in rows), key=lambda choice: choice.ms))
    scored = [row for row in rows if row.rmse is not None]
    return Recommendation(
        schema=SCHEMA,
        result=result.name,
        device=result.device.name,
        data=str(result.data.get("name", "")),
        faces=max((row.faces for row in scored), default=0),
        budget_ms=budget_ms,
        max_rmse=max_rmse,
        chosen=chosen(tuple(one for one in choices if one.verdict in counting), budget_ms, max_rmse)
        if limited
        else None,
        choices=choices,
        left_out=len(rows) - len(usable),
        ignored=tuple(f"{row.file}: {row.verdict}, {'; '.join(row.reasons)}" for row in usable if row.verdict != VALID),
    )


_WITH_LABELS = "measure with labeled faces: edgefkp bench --data DATA"


def _choice(row: BenchRow, rows: list[BenchRow]) -> Choice:
    """rows: those that count."""
    beaten = row not in rows or is_beaten(row.ms.p50, row.rmse, [(other.ms.p50, other.rmse) for other in rows])
    return Choice(
        file=row.file,
        runtime=row.runtime,
        version=row.version,
        threads=row.threads,
        xnnpack=row.xnnpack,
        delegate=row.delegate,
        bytes=row.bytes,
        ms=row.ms.p50,
        ms_high=max(row.ms.p50, row.ms.interval[1]),
        p95=row.ms.p95,
        rmse=row.rmse,
        verdict=row.verdict,
        pareto=not beaten,
        accelerator=row.accelerator,
    )


def is_beaten(ms: float, rmse: float | None, others: Iterable[tuple[float, float | None]]) -> bool:
    """Another one, (ms, RMSE), is at least as good in both and not equal; what has no RMSE is beaten."""
    if rmse is None:
        return True
    scored = ((other, error) for other, error in others if error is not None)
    return any(other <= ms and error <= rmse and (other, error) != (ms, rmse) for other, error in scored)


def chosen(choices: tuple[Choice, ...], budget_ms: float | None, max_rmse: float | None) -> Choice:
    if min(limit for limit in (budget_ms, max_rmse) if limit is not None) <= 0:
        raise UsageError("a limit must be greater than 0")
    scored = [(choice, choice.rmse) for choice in choices if choice.rmse is not None]
    in_time = [(choice, rmse) for choice, rmse in scored if budget_ms is None or choice.ms_high <= budget_ms]
    fitting = [(choice, rmse) for choice, rmse in in_time if max_rmse is None or rmse <= max_rmse]
    if not fitting:
        fastest, best = scored[0][0], min(scored, key=lambda pair: pair[1])[0]
        limits = ((budget_ms, "ms"), (max_rmse, "px"))
        wanted = " and ".join(f"{limit:g} {unit}" for limit, unit in limits if limit is not None)
        raise GateError(
            f"no measured file keeps within {wanted}: the fastest is {fastest.file} ({fastest.ms:.3f} ms, "
            f"{fastest.rmse:.3f} px), the best {best.file} ({best.ms:.3f} ms, {best.rmse:.3f} px)",
            "allow more, or measure other files, runtimes or threads",
        )
    if budget_ms is None:
        return min(fitting, key=lambda pair: (pair[0].ms, pair[1], pair[0].bytes))[0]
    lowest = min(rmse for _, rmse in fitting)
    good = [(choice, rmse) for choice, rmse in fitting if rmse <= lowest + NOTICEABLE]
    return min(good, key=lambda pair: (pair[0].ms, pair[1], pair[0].bytes))[0]
