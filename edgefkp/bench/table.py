"""Stored results as tables: one line for each file, runtime and setting; invoke-only and end to end side by side."""

import csv
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgefkp.bench import machine
from edgefkp.bench.compare import Comparison
from edgefkp.bench.recommend import Choice
from edgefkp.bench.result import Result, Row
from edgefkp.bench.stats import VALID, worst

WIDTH = 100  # columns of a terminal
DOUBTS = 6  # lines of a table whose verdict is explained below it
NARROWEST = 14  # of the column with the file's name
TEXT = ("device", "file", "runtime", "mode", "verdict", "second is")  # columns that are aligned left


@dataclass(frozen=True)
class Line:
    """The rows of one thing measured. end_to_end: None where that was not measured; invoke likewise."""

    device: str
    invoke: Row | None
    end_to_end: Row | None

    @property
    def row(self) -> Row:
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
        found: dict[tuple[object, ...], dict[str, Row]] = {}
        for row in result.rows:
            key = row.file, row.sha256, row.runtime, row.version, row.threads, row.xnnpack, row.delegate, row.python
            found.setdefault(key, {})[row.mode] = row
        of_device = [Line(result.device, modes.get("invoke"), modes.get("e2e")) for modes in found.values()]
        lines += sorted(of_device, key=lambda line: line.row.seconds_per_100)
    return lines


def setting(row: Row | Choice) -> str:
    """Runtime, version and what else differs from the default."""
    version = ".".join(row.version.split(".")[:2])
    extras = [f"x{row.threads}"] if row.threads > 1 else []
    extras += [] if row.xnnpack else ["no XNNPACK"]
    extras += [Path(row.delegate.partition(":")[0]).stem] if row.delegate else []
    return " ".join([row.runtime, version, *extras])


# s/100: seconds per 100 different images, the interpreter alone; e2e: from a frame of a camera to keypoints in it.
HEADERS = ("file", "KB", "runtime", "s/100", "e2e", "ms p50", "p95", "RMSE", "verdict")


def cells(line: Line) -> tuple[str, ...]:
    row, invoke, whole = line.row, line.invoke, line.end_to_end
    return (
        row.file.removesuffix(".tflite"),
        f"{row.bytes / 1000:.0f}",
        setting(row),
        _seconds(invoke),
        _seconds(whole),
        f"{row.ms.p50:.3g} {_plus_minus(row)}",
        "-" if row.ms.p95 is None else f"{row.ms.p95:.3g}",
        "n/a" if row.rmse is None else f"{row.rmse:.3f}",
        line.verdict,
    )


def _plus_minus(row: Row) -> str:
    """Half of the 95 % interval; two processes that disagree allow almost anything."""
    low, high = row.ms.interval
    half = (high - low) / 2 / row.ms.p50
    return f"±{half:.1%}" if half < 1 else "±>100%"


def terminal(results: Sequence[Result]) -> str:
    """At most 100 columns: long file names are cut in the middle, and p95 and KB go where that is not enough."""
    lines = lines_of(results)
    header, *table = rendered_cells(lines)
    unmeasured = [
        name
        for name, rows in (("s/100", [line.invoke for line in lines]), ("e2e", [line.end_to_end for line in lines]))
        if not any(rows)
    ]
    for left_out in ((), ("p95",), ("p95", "KB")):
        kept = [number for number, name in enumerate(header) if name not in (*left_out, *unmeasured)]
        text = _fitted([[row[number] for number in kept] for row in (header, *table)])
        if _width(text) <= WIDTH:
            break
    return "\n".join([text, "", *footnotes(results)])


def markdown(results: Sequence[Result]) -> str:
    from tabulate import tabulate

    header, *rows = rendered_cells(lines_of(results))
    align = ["left" if name in TEXT else "right" for name in header]
    text = tabulate(rows, header, "github", disable_numparse=True, colalign=align if rows else None)
    return "\n".join([text, "", *(f"{note}  " for note in footnotes(results))])


def comma_separated(results: Sequence[Result]) -> str:
    """Every row with its unrounded figures, one line a row."""
    header = ("device", "machine", "created", *_COLUMNS, "p50_low", "p50_high", "p50", "p90", "p95", "p99", "count")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*header, "verdict", "reasons"])
    for result in results:
        common = result.device, machine.title(result.machine), result.created
        for row in result.rows:
            ms = row.ms
            figures = *ms.interval, ms.p50, ms.p90, ms.p95, ms.p99, ms.count
            plain = [getattr(row, name) for name in _COLUMNS]
            writer.writerow([*common, *plain, *figures, row.verdict, "; ".join(row.reasons)])
    return out.getvalue().rstrip("\n")


_COLUMNS = (
    "file",
    "sha256",
    "bytes",
    "model",
    "scheme",
    "runtime",
    "version",
    "threads",
    "xnnpack",
    "delegate",
    "mode",
    "seconds_per_100",
    "memory_kib",
    "millijoules",
    "rmse",
    "faces",
    "coordinates",
    "golden",
)


def rendered_cells(lines: Sequence[Line]) -> list[list[str]]:
    """The header and a row for each line, with the device in front where there are several."""
    several = len({line.device for line in lines}) > 1
    table = [["device", *HEADERS], *([line.device.removeprefix("ssh://"), *cells(line)] for line in lines)]
    return table if several else [row[1:] for row in table]


def _fitted(table: list[list[str]]) -> str:
    """Rendered with the widest file names that fit, but no narrower ones than NARROWEST."""
    from tabulate import tabulate

    header, *rows = table
    column = header.index("file")
    align = ["left" if name in TEXT else "right" for name in header]
    widest = max((len(row[column]) for row in rows), default=0)
    for width in range(widest, min(widest, NARROWEST) - 1, -1):
        cut = [[*row[:column], _cut(row[column], width), *row[column + 1 :]] for row in rows]
        text = tabulate(cut, header, disable_numparse=True, colalign=align if rows else None)
        if _width(text) <= WIDTH:
            break
    return text


def _width(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def footnotes(results: Sequence[Result]) -> list[str]:
    """Where, on what, how; the verdict's reasons; what could not be measured."""
    notes = []
    for result in results:
        data, plan = result.data, result.plan
        scored = next((row for row in result.rows if row.rmse is not None), None)
        truth = f"RMSE over {scored.faces} faces, {scored.coordinates} coordinates" if scored else "no labels, no RMSE"
        notes.append(f"{result.device}: {machine.title(result.machine)}; {result.created}")
        notes.append(f"  {data['images']} different images ({data['name']}); {truth}")
        notes.append(
            f"  {plan['processes']} processes of {plan['seconds']:g} s for each line and mode; 95 % interval of p50"
        )
        notes += _doubts(lines_of([result]))
        notes += [f"  {slow}" for slow in int8_that_does_not_help(result)]
        notes += [f"  failed: {failure.cell}: {failure.message}" for failure in result.failed]
        notes += [f"  note: {note}" for note in result.notes]
    return [part for text in notes for part in textwrap.wrap(text, WIDTH, subsequent_indent="    ")]


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


def _seconds(row: Row | None) -> str:
    return "-" if row is None else f"{row.seconds_per_100:.3g}"


def _cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return text[: width - 1 - tail] + "…" + text[-tail:]


def comparison(compared: Comparison) -> str:
    """At most 100 columns."""
    header = ["file", "runtime", "mode", "ms first", "second", "ratio", "95 % interval", "second is"]
    rows = [
        [
            row.file.removesuffix(".tflite"),
            f"{row.runtime}{f' x{row.threads}' if row.threads > 1 else ''}",
            row.mode,
            f"{row.first_ms:.3g}",
            f"{row.second_ms:.3g}",
            f"{row.ratio:.3f}",
            f"{row.interval[0]:.3f}-{row.interval[1]:.3f}",
            row.verdict,
        ]
        for row in compared.rows
    ]
    notes = [f"unlike: {what}" for what in compared.unlike] + [f"only in one: {what}" for what in compared.only_in_one]
    notes += [f"{row.file}, {row.mode}: {', '.join(row.doubts)}" for row in compared.rows if row.doubts]
    return "\n".join([_fitted([header, *rows]), *(textwrap.fill(note, WIDTH) for note in notes)])
