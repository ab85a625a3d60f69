"""Stored results as one self-contained HTML page: table, time against RMSE, distributions, the device's trace."""

from collections.abc import Sequence
from dataclasses import replace

from edgefkp.bench import machine
from edgefkp.bench.result import VERDICTS, Result
from edgefkp.bench.table import footnotes, lines_of, table_of
from edgefkp.bench.verdict import SIGNS_EXPLAINED
from edgefkp.report.bench_figures import FIGURES
from edgefkp.report.page import TEMPLATES, render


def page(results: Sequence[Result]) -> str:
    """Raises EnvironmentProblem without matplotlib or Jinja2, which a board does not have."""
    return render(
        TEMPLATES / "bench.html",
        title="edgefkp bench",
        machines=", ".join(dict.fromkeys(machine.title(result.machine) for result in results)),
        verdicts=_verdicts(results),
        results=replace(table_of(results), notes=[f"{SIGNS_EXPLAINED}."]),
        sections=list(FIGURES.sections(results)),
        notes="\n".join(footnotes(results)),
    )


def _verdicts(results: Sequence[Result]) -> str:
    """How many lines have each verdict, in words."""
    found = [line.verdict for line in lines_of(results)]
    counts = ", ".join(f"{found.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in found)
    return f"{len(found)} measured: {counts}." if found else "Nothing was measured."
