"""The study's report as blocks of Markdown, for docs/STUDY.md: every number from the evidence."""

import textwrap
from collections.abc import Callable
from pathlib import Path

from edgefkp.study import tables
from edgefkp.study.claims import findings
from edgefkp.study.curves import curves
from edgefkp.study.errata import ERRATA, UNTESTED
from edgefkp.study.evidence import Evidence, read_evidence, seed_noise
from edgefkp.study.grid import grid
from edgefkp.study.verdict import FAILED, HELD, UNTOLD, Finding

WIDTH = 118  # columns of prose
NONE_YET = "No cell has landed yet."


def status(evidence: Evidence) -> str:
    """One sentence: how much of the grid there is, and what that took."""
    missing, total = evidence.missing(), len(grid())
    hours = sum(cell.seconds * cell.cores for cell in evidence.results.values()) / 3600
    took = f", made in {hours:.0f} core-hours" if evidence.results else ""
    if not missing:
        return f"All {total} cells are there{took}."
    shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    return f"{total - len(missing)} of {total} cells are there{took}; missing: {shown}."


def tally(found: list[Finding]) -> str:
    """One sentence: how many claims have each verdict."""
    counts = [(sum(finding.verdict == verdict for finding in found), verdict) for verdict in (HELD, FAILED, UNTOLD)]
    return f"Of {len(found)} claims " + ", ".join(f"{count} {verdict}" for count, verdict in counts) + "."


def summary(found: list[Finding]) -> tables.Table:
    """A line for each claim."""
    rows = [
        [str(number), one.short, one.where.removeprefix("section "), one.outcome] for number, one in enumerate(found, 1)
    ]
    return ["", "claim", "section", "verdict"], rows


def resolution(evidence: Evidence) -> str:
    """One sentence: which differences are too small to count."""
    noise = seed_noise(evidence.results)
    if not noise:
        return "No cell was trained with two seeds yet: a difference counts where its interval leaves 1 out."
    return (
        f"Two seeds of manual differ by up to {noise:.1%}: a difference counts where its interval leaves 1 out and it "
        "is larger than that."
    )


def _findings(evidence: Evidence) -> str:
    found = findings(evidence)
    parts = [_prose(f"{tally(found)} {resolution(evidence)}"), tables.markdown(summary(found), (1, 2, 3))]
    parts += [_finding(number, finding) for number, finding in enumerate(found, 1)]
    return "\n\n".join(parts)


def _finding(number: int, finding: Finding) -> str:
    title = f'**{number}. {_capital(finding.short)}: {finding.verdict}**. "{finding.sentence}" ({finding.where})'
    how = f"{finding.test} {finding.note}".strip()
    rows = [[part.what, part.found, part.verdict] for part in finding.parts]
    return "\n\n".join(
        [_prose(title), _prose(how), tables.markdown((["compared", "found", "verdict"], rows), (0, 1, 2))]
    )


def _errata(evidence: Evidence) -> str:
    return "\n".join(_listed(f"{number}. ", text) for number, text in enumerate(ERRATA, 1))


def _untested(evidence: Evidence) -> str:
    return "\n".join(_listed("- ", text) for text in UNTESTED)


def _seconds(evidence: Evidence) -> str:
    return f"{tables.markdown(tables.seconds(evidence))}\n\n{_prose(tables.conditions(evidence))}"


def _with_note(table: tables.Table, text: str) -> str:
    return f"{tables.markdown(table)}\n\n{text}"


def _or_none(table: tables.Table) -> str:
    return tables.markdown(table) if table[1] else NONE_YET


BLOCKS: dict[str, Callable[[Evidence], str]] = {
    "status": lambda evidence: _prose(status(evidence)),
    "findings": _findings,
    "errata": _errata,
    "untested": _untested,
    "sizes": lambda evidence: tables.markdown(tables.sizes(evidence)),
    "changes": lambda evidence: _with_note(tables.changes(evidence.results), tables.NOTE_UNLIKE),
    "scores": lambda evidence: _with_note(tables.scores(evidence.results), tables.NOTE_SCORES),
    "every": lambda evidence: _or_none(tables.every_score(evidence.results)),
    "seconds": _seconds,
    "rivals": lambda evidence: tables.markdown(tables.rivals(evidence.results)),
    "curves": lambda evidence: _or_none(curves(evidence.results)),
    "starts": lambda evidence: _or_none(tables.starts(evidence)),
    "nulls": lambda evidence: _or_none(tables.nulls(evidence.info)),
}


def block(name: str) -> Callable[[Path], str]:
    """The renderer of one block, from the study's folder."""
    return lambda study: BLOCKS[name](read_evidence(study))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _prose(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _listed(mark: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))
