"""The study's report: blocks of Markdown for docs/STUDY.md, and one self-contained HTML page with its figures beside
it. Every number comes from the evidence."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edgefkp.errors import counted
from edgefkp.evaluation.table import Column, Table
from edgefkp.files import write_text
from edgefkp.report.page import render
from edgefkp.study import tables
from edgefkp.study.claims import findings
from edgefkp.study.curves import curves
from edgefkp.study.errata import ERRATA, UNTESTED
from edgefkp.study.evidence import Evidence, seed_noise
from edgefkp.study.figures import FIGURES, Material
from edgefkp.study.grid import grid
from edgefkp.study.shown import Shown
from edgefkp.study.verdict import CONFIRMED, INCONCLUSIVE, REFUTED, ClaimVerdict, mark_of

PAGE = "report.html"
TEMPLATE = Path(__file__).with_name("page.html")
WIDTH = 118  # columns of prose
NONE_YET = "No cell is done yet."


def status(evidence: Evidence) -> str:
    """One sentence: how much of the grid is done, and what that took."""
    missing, total = evidence.missing(), len(grid())
    hours = sum(cell.seconds * cell.cores for cell in evidence.results.values()) / 3600
    took = f", made in {hours:.0f} core-hours" if evidence.results else ""
    if not missing:
        return f"All {total} cells are done{took}."
    shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    return f"{total - len(missing)} of {total} cells are done{took}; missing: {shown}."


def tally(found: list[ClaimVerdict]) -> str:
    """One sentence: how many claims have each verdict."""
    verdicts = (CONFIRMED, REFUTED, INCONCLUSIVE)
    held, refuted, open_ = (sum(claim.verdict == verdict for claim in found) for verdict in verdicts)
    verb = "is" if open_ == 1 else "are"
    claims = counted(len(found), "claim")
    return f"Of {claims}, {held} {CONFIRMED}, {refuted} {REFUTED}, and {open_} {verb} {INCONCLUSIVE}."


def resolution(evidence: Evidence) -> str:
    """One sentence: which differences are too small to count."""
    noise = seed_noise(evidence.results)
    if not noise:
        return "No cell was trained with two seeds yet: a difference counts where its interval leaves 1 out."
    return (
        f"Two seeds of manual differ by up to {noise:.1%}: a difference counts where its interval leaves 1 out and it "
        "is larger than that."
    )


def sentences(evidence: Evidence, found: list[ClaimVerdict]) -> tuple[str, str, str]:
    return status(evidence), tally(found), resolution(evidence)


def summary(found: list[ClaimVerdict]) -> Table:
    """A line for each claim."""
    rows = [
        [str(number), one.short, one.where.removeprefix("section "), one.outcome] for number, one in enumerate(found, 1)
    ]
    section = Column("section", "left", drop=1)
    number, verdict = Column("", title="no."), Column("verdict", "left", mark=mark_of)
    return Table([number, Column("claim", "left"), section, verdict], rows)


COMPARED = (Column("compared", "left"), Column("found", "left"), Column("verdict", "left", mark=mark_of))


def compared(claim: ClaimVerdict) -> Table:
    """A line for each comparison that decides about the claim."""
    return Table(COMPARED, [[one.what, one.found, one.verdict] for one in claim.parts])


def _summary(evidence: Evidence) -> str:
    """What was found in a few lines: how many claims have each verdict, and which held or did not."""
    found = findings(evidence)
    lines = [f"- {status(evidence)} {tally(found)}"]
    for verdict, title in ((CONFIRMED, "Held"), (REFUTED, "Did not hold")):
        if named := [claim.short for claim in found if claim.verdict == verdict]:
            lines.append(_listed("- ", f"{title}: {'; '.join(named)}."))
    return "\n".join(lines)


def _findings(evidence: Evidence) -> str:
    found = findings(evidence)
    parts = [_prose(f"{tally(found)} {resolution(evidence)}"), _markdown(summary(found))]
    parts += [_finding(number, claim) for number, claim in enumerate(found, 1)]
    return "\n\n".join(parts)


def _finding(number: int, claim: ClaimVerdict) -> str:
    title = f'**{number}. {_capital(claim.short)}: {claim.verdict}**. "{claim.sentence}" ({claim.where})'
    return "\n\n".join([_prose(title), _prose(f"{claim.test} {claim.note}".strip()), _markdown(compared(claim))])


BLOCKS: dict[str, Callable[[Evidence], str]] = {
    "status": lambda evidence: _prose(status(evidence)),
    "findings": _findings,
    "summary": _summary,
    "errata": lambda evidence: "\n".join(_listed(f"{number}. ", text) for number, text in enumerate(ERRATA, 1)),
    "untested": lambda evidence: "\n".join(_listed("- ", text) for text in UNTESTED),
    "sizes": lambda evidence: _markdown(tables.sizes(evidence)),
    "changes": lambda evidence: _markdown(tables.changes(evidence.results)),
    "scores": lambda evidence: _markdown(tables.scores(evidence.results)),
    "every": lambda evidence: _markdown(tables.every_score(evidence.results)),
    "seconds": lambda evidence: _markdown(tables.seconds(evidence)),
    "rivals": lambda evidence: _markdown(tables.rivals(evidence.results)),
    "curves": lambda evidence: _markdown(curves(evidence.results)),
    "starts": lambda evidence: _markdown(tables.starts(evidence)),
    "heads": lambda evidence: _markdown(tables.heads(evidence)),
    "nulls": lambda evidence: _markdown(tables.nulls(evidence.info)),
}


def _markdown(table: Table) -> str:
    """The table with its notes as prose below."""
    if not table.rows:
        return NONE_YET
    return "\n\n".join([replace(table, notes=()).markdown(markup=True), *map(_prose, table.notes)])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _prose(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _listed(mark: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))


def write_report(out: Path, evidence: Evidence, shown: Shown) -> Path:
    """Write the page and the figures into `out`; returns the page.

    Raises EnvironmentProblem without matplotlib or Jinja2.
    """
    found = findings(evidence)
    page = render(
        TEMPLATE,
        title="The study",
        sentences=sentences(evidence, found),
        summary=summary(found),
        claims=[(claim, mark_of(claim.verdict), compared(claim)) for claim in found],
        first=_first_tables(evidence),
        sections=list(FIGURES.sections(Material(evidence, shown), out)),
        last=[
            ("Training curves as numbers", curves(evidence.results)),
            ("Every score", tables.every_score(evidence.results)),
            ("Heads of frozen backbones: by training steps, and solved", tables.heads(evidence)),
        ],
        none_yet=NONE_YET,
        errata=ERRATA,
        untested=UNTESTED,
        origin=_origin(evidence),
    )
    return write_text(out / PAGE, page)


def _first_tables(evidence: Evidence) -> Sequence[tuple[str, Table]]:
    return [
        ("Table 1. Parameters and size", tables.sizes(evidence)),
        ("Table 2. Change of RMSE by imputation: the paper's / ours", tables.changes(evidence.results)),
        ("Table 3. RMSE in px, with half of the 95 % interval", tables.scores(evidence.results)),
        ("Table 4. Seconds per 100 images, with half of the 95 % interval", tables.seconds(evidence)),
        ("Others' networks under masked-online", tables.rivals(evidence.results)),
    ]


def _origin(evidence: Evidence) -> list[tuple[str, str]]:
    if not evidence.results:
        return [("Cells", "none yet")]
    last = list(evidence.results.values())[-1]
    hours = sum(result.seconds for result in evidence.results.values()) / 3600
    return [
        ("Data", last.data.name),
        ("License and credit", last.data.license),
        ("Data hash", last.data.hash),
        ("Work", f"{hours:.1f} hours on {counted(last.cores, 'core')}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in last.versions.items())),
    ]
