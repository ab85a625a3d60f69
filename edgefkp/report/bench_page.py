"""Stored results as one self-contained HTML page: table, time against RMSE, distributions, the device's trace."""

from collections.abc import Sequence
from dataclasses import replace

from edgefkp.bench import machine
from edgefkp.bench.result import Result
from edgefkp.bench.table import footnotes, lines_of, table_of
from edgefkp.report.bench_figures import FIGURES
from edgefkp.report.page import TEMPLATES, render


def page(results: Sequence[Result]) -> str:
    """Raises EnvironmentProblem without matplotlib or Jinja2, which a board does not have."""
    lines = lines_of(results)
    table = replace(table_of(results), notes=(), row_classes=[line.verdict.lower() for line in lines])
    return render(
        TEMPLATES / "bench.html",
        title="edgefkp bench",
        machines=", ".join(dict.fromkeys(machine.title(result.machine) for result in results)),
        table=table,
        sections=list(FIGURES.sections(results)),
        notes="\n".join(footnotes(results)),
    )
