"""Stored results as tables: one line for each file, runtime and setting; invoke-only and end to end side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from edgefkp.bench import machine
from edgefkp.bench.acceleration_notes import notes_of, share_of
from edgefkp.bench.compare import TimingComparison
from edgefkp.bench.device import Device
from edgefkp.bench.recommend import Choice
from edgefkp.bench.result import BenchRow, Result, Times
from edgefkp.bench.verdict import SIGNS, VALID, mark_of_time, mark_of_verdict, worst
from edgefkp.errors import counted
from edgefkp.evaluation.table import Column, Table, significant
from edgefkp.records import json_name

DOUBTS = 6  # lines of a table whose verdict is explained below it


@dataclass(frozen=True)
class Line:
    """The rows of one case in both modes; None for a mode that was not measured."""

    device: Device
    invoke: BenchRow | None
    end_to_end: BenchRow | None
    result: str = ""  # the measurement that it is of

    @property
    def row(self) -> BenchRow:
        row = self.invoke or self.end_to_end
        assert row is not None
        return row

    @property
    def verdict(self) -> str:
        return worst([row.verdict for row in (self.invoke, self.end_to_end) if row])

    @property
    def reasons(self) -> list[str]:
        """Of the first row that has the line's verdict."""
        rows = [row for row in (self.invoke, self.end_to_end) if row and row.verdict == self.verdict]
        return [*rows[0].reasons, *([] if rows[0].mode == "invoke" else ["this in mode e2e"])]


def lines_of(results: Sequence[Result]) -> list[Line]:
    """Ordered by device, then by time."""
    lines = []
    for result in results:
        found: dict[tuple[object, ...], dict[str, BenchRow]] = {}
        for row in result.rows:
            ran = row.runtime, row.version, row.threads, row.xnnpack, row.delegate, row.accelerator, row.python
            found.setdefault((row.file, row.sha256, *ran), {})[row.mode] = row
        name = f"{result.name} {result.created}"
        of_device = [Line(result.device, modes.get("invoke"), modes.get("e2e"), name) for modes in found.values()]
        lines += sorted(of_device, key=lambda line: line.row.seconds_per_100)
    return lines


def setting(row: BenchRow | Choice) -> str:
    """Runtime, version and what else differs from the default."""
    version = ".".join(row.version.split(".")[:2])
    extras = [f"x{row.threads}"] if row.threads > 1 else []
    extras += [] if row.xnnpack else ["no XNNPACK"]
    extras += [row.accelerator or Path(row.delegate.partition(":")[0]).stem] if row.accelerator or row.delegate else []
    return " ".join(part for part in (row.runtime, version, *extras) if part)


@dataclass(frozen=True)
class BenchColumn(Column):
    """A column of the table of results, in every form that it is rendered in."""

    cell: Callable[[Line], str | None] = lambda line: None  # None: not measured
    empty: str = "-"  # shown for None
    optional: bool = False  # left out if no line has a value


def _median(row: BenchRow | None, only: bool = True) -> str | None:
    """only: the row's interval stands in no other column."""
    if row is None:
        return None
    return f"{significant(row.ms.p50)}{f' {_plus_minus(row)}' if only else ''}{SIGNS[row.verdict]}"


def _tail(row: BenchRow) -> str | None:
    return None if row.ms.p95 is None else significant(row.ms.p95) + SIGNS[row.verdict]


# A new figure: a field with a default in result.BenchRow, and a line here.
COLUMNS = (
    BenchColumn("file", "left", narrowest=16, cell=lambda line: line.row.file.removesuffix(".tflite")),
    BenchColumn("KB", drop=2, cell=lambda line: f"{line.row.bytes / 1000:.0f}"),
    BenchColumn("runtime", "left", narrowest=14, cell=lambda line: setting(line.row)),
    BenchColumn("accel.", "left", title="on the accelerator", cell=lambda line: share_of(line.row), optional=True),
    # Milliseconds an image, medians: the network alone, and from a camera's frame to keypoints in it. Seconds per 100
    # images, as the paper has them, are in the stored result.
    BenchColumn(
        "ms",
        title="ms an image, interpreter alone",
        mark=mark_of_time,
        cell=lambda line: _median(line.invoke),
        optional=True,
    ),
    BenchColumn(
        "e2e ms",
        title="ms an image, end to end",
        mark=mark_of_time,
        cell=lambda line: _median(line.end_to_end, only=line.invoke is None),
        optional=True,
    ),
    BenchColumn(
        "p95",
        drop=1,
        title="ms an image, 95th percentile",
        mark=mark_of_time,
        cell=lambda line: _tail(line.row),
    ),
    BenchColumn(
        "RMSE",
        title="RMSE, px",
        cell=lambda line: None if line.row.rmse is None else f"{line.row.rmse:.3f}",
        empty="n/a",
    ),
    BenchColumn("verdict", "left", title="verdict on the times", mark=mark_of_verdict, cell=lambda line: line.verdict),
)
DEVICE = BenchColumn("device", "left", narrowest=12, cell=lambda line: line.device.short)
RESULT = BenchColumn("measurement", "left", narrowest=11, cell=lambda line: line.result)


def _plus_minus(row: BenchRow) -> str:
    """Half of the 95 % interval. With two processes that differ it can be larger than the value."""
    low, high = row.ms.interval
    half = (high - low) / 2 / row.ms.p50
    return f"±{half:.1%}" if half < 1 else "±>100%"


def table_of(results: Sequence[Result]) -> Table:
    """One line for each file, runtime and setting, and the footnotes. In front stands the device if there are several,
    and the measurement if a file was measured twice on one."""
    lines = lines_of(results)
    several = len({line.device for line in lines}) > 1
    twice = len({(line.device, line.row.file, setting(line.row)) for line in lines}) < len(lines)
    columns = [*([DEVICE] if several else []), *([RESULT] if twice else []), *COLUMNS]
    cells = [[column.cell(line) for column in columns] for line in lines]
    kept = [k for k, column in enumerate(columns) if not column.optional or any(row[k] is not None for row in cells)]
    rows = [[columns[k].empty if row[k] is None else str(row[k]) for k in kept] for row in cells]
    return Table([columns[k] for k in kept], rows, footnotes(results))


def details(results: Sequence[Result]) -> Table:
    """Every row with its unrounded figures, a line each: all fields of BenchRow and Times that hold one value."""
    hints = get_type_hints(BenchRow)
    names = [one for one in fields(BenchRow) if one.name != "verdict" and _holds_one_value(hints[one.name])]
    figures = [name for name in Times.__dataclass_fields__ if name != "interval"]
    head = ["device", "machine", "created", *map(json_name, names), "p50_low", "p50_high", *figures]
    rows = []
    for result in results:
        common = result.device, machine.title(result.machine), result.created
        for row in result.rows:
            plain = [getattr(row, one.name) for one in names]
            values = [*common, *plain, *row.ms.interval, *(getattr(row.ms, name) for name in figures)]
            rows.append(
                ["" if value is None else str(value) for value in (*values, row.verdict, "; ".join(row.reasons))]
            )
    return Table([Column(name) for name in (*head, "verdict", "reasons")], rows)


def _holds_one_value(kind: Any) -> bool:
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    return set(kinds) <= {str, int, float, bool, type(None)}


def footnotes(results: Sequence[Result]) -> list[str]:
    """Where, on what, how; the verdict's reasons; what could not be measured."""
    notes = []
    for result in results:
        data, plan = result.data, result.plan
        scored = next((row for row in result.rows if row.rmse is not None), None)
        truth = (
            f"RMSE over {counted(scored.faces, 'face')}, {counted(scored.coordinates, 'coordinate')}"
            if scored
            else "no labels, no RMSE"
        )
        notes.append(f"{result.device}: {machine.title(result.machine)}; {result.created}")
        notes.append(f"  {data['images']} different images ({data['name']}); {truth}")
        notes.append(
            f"  {counted(plan['processes'], 'process')} of {plan['seconds']:g} s for each line and mode; "
            "95 % interval of p50"
        )
        notes += [
            f"  {CROPS.get(crop, crop)}" for crop in sorted({row.crop for row in result.rows if row.mode == "e2e"})
        ]
        notes += [f"  {note}" for note in notes_of(result.rows)]
        notes += _doubts(lines_of([result]))
        notes += [f"  {slow}" for slow in int8_that_does_not_help(result)]
        notes += [f"  failed: {failure.case}: {failure.message}" for failure in result.failed]
        notes += [f"  note: {note}" for note in result.notes]
    return notes


CROPS = {
    "cv2": "e2e: from a camera's frame to keypoints in it, the face cropped with OpenCV as in use",
    "numpy": "e2e: with an earlier crop, in numpy; such times are not compared with those of OpenCV's crop",
}


def _doubts(lines: Sequence[Line]) -> list[str]:
    """The two worst reasons of each line that is not VALID, for the worst lines; what all have in common once."""
    doubtful = sorted((line for line in lines if line.verdict != VALID), key=lambda line: line.verdict)
    common = (
        [reason for reason in doubtful[0].reasons if all(reason in line.reasons for line in doubtful)]
        if doubtful
        else []
    )
    notes = [f"  all that are not VALID: {reason}" for reason in common if len(doubtful) > 1]
    for line in doubtful[:DOUBTS]:
        own = [reason for reason in line.reasons if len(doubtful) == 1 or reason not in common]
        if own:
            notes.append(f"  {line.verdict}: {line.row.file}, {setting(line.row)}: {'; '.join(own[:2])}")
    if len(doubtful) > DOUBTS:
        notes.append(f"  and {len(doubtful) - DOUBTS} more that are not VALID; the stored file has every reason")
    return notes


def int8_that_does_not_help(result: Result) -> list[str]:
    """For each runtime: the models whose int8 file is clearly slower than their float32 file."""
    rows = {(row.model, row.scheme, setting(row)): row for row in result.rows if row.mode == "invoke"}
    slower: dict[str, list[str]] = {}
    for (model, scheme, how), row in rows.items():
        float32 = rows.get((model, "float32", how))
        if scheme == "int8" and float32 and row.ms.interval[0] > float32.ms.interval[1]:
            slower.setdefault(how, []).append(f"{model} takes {row.ms.p50 / float32.ms.p50:.1f} times as long")
    return [f"{how} does not speed up int8 here: {', '.join(models)}" for how, models in slower.items()]


def comparison(compared: TimingComparison) -> Table:
    columns = [
        Column("file", "left", narrowest=18),
        Column("runtime", "left", narrowest=15),
        Column("mode", "left"),
        Column("ms\nfirst", drop=2),
        Column("ms\nsecond", drop=2),
        Column("ratio"),
        Column("95 %\ninterval"),
        Column("second is", "left"),
    ]
    rows = [
        [
            row.file.removesuffix(".tflite"),
            f"{row.runtime}{f' x{row.threads}' if row.threads > 1 else ''}",
            row.mode,
            significant(row.first_ms),
            significant(row.second_ms),
            f"{row.ratio:.3f}",
            f"{row.interval[0]:.3f}-{row.interval[1]:.3f}",
            row.verdict,
        ]
        for row in compared.rows
    ]
    notes = [f"unlike: {what}" for what in compared.unlike] + [f"only in one: {what}" for what in compared.only_in_one]
    notes += [f"not compared: {what}" for what in compared.not_compared]
    notes += [f"{row.file}, {row.mode}: {', '.join(row.doubts)}" for row in compared.rows if row.doubts]
    return Table(columns, rows, notes)
