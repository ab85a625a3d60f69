"""The page of a search: the front as a table and a plot, the learning curves, and every candidate."""

from pathlib import Path

from edgefkp.files import write_text
from edgefkp.report.page import TEMPLATES, render
from edgefkp.report.search_figures import FIGURES
from edgefkp.report.search_table import candidates, table
from edgefkp.search.front import Tuned


def write_page(path: Path, tuned: Tuned) -> Path:
    """Raises EnvironmentProblem without matplotlib or Jinja2."""
    page = render(
        TEMPLATES / "search.html",
        title=f"edgefkp tune: {tuned.name}",
        lead=f"{tuned.name}: space {tuned.tuning.space}, faces of {tuned.data.get('name', 'data without a name')}",
        front=table(tuned),
        sections=list(FIGURES.sections(tuned)),
        candidates=candidates(tuned),
    )
    return write_text(path, page)
