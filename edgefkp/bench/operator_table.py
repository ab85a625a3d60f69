"""The time by operator as tables."""

from collections.abc import Sequence

from edgefkp.bench.result import BenchRow, Result
from edgefkp.bench.table import setting
from edgefkp.evaluation.table import Column, Table, significant

SHOWN = 20  # operators, the slowest; all of them are in the stored result


def operator_tables(results: Sequence[Result]) -> list[Table]:
    """One for each row that was profiled, the slowest operator first."""
    return [_table(row) for result in results for row in result.rows if row.operators]


def _table(row: BenchRow) -> Table:
    found = row.operators
    assert found is not None
    order = sorted(enumerate(found.operators, 1), key=lambda placed: -placed[1].ms)
    rows = [[str(place), one.name, f"{one.ms:.4f}", f"{100 * one.share:.1f} %"] for place, one in order[:SHOWN]]
    total = significant(sum(one.ms for one in found.operators))
    notes = [f"{row.file}, {setting(row)}: {total} ms in operators, of {significant(found.invoke_ms)} ms"]
    if len(order) > SHOWN:
        notes.append(f"  and {len(order) - SHOWN} faster ones; the stored result has all")
    notes.append(f"  means of {found.inferences} inferences; the profiler takes time itself, and counts microseconds")
    columns = [Column("place"), Column("operator", "left", narrowest=20), Column("ms"), Column("share")]
    return Table(columns, rows, notes)
