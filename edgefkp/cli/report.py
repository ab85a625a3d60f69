"""edgefkp report: the study's figures, tables and findings."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.options import json_option, log, print_json
from edgefkp.errors import warn

if TYPE_CHECKING:
    from edgefkp.study.evidence import Evidence
    from edgefkp.study.verdict import ClaimVerdict


@click.command("report")
@click.option(
    "--study",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("models/study"),
    show_default=True,
    help="Folder of the study's results; some may be missing.",
)
@click.option(
    "--bench",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("bench/results"),
    show_default=True,
    help="Folder of the sizes and times of the networks.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("export"),
    show_default=True,
    help="Folder of float32 .tflite files, which predict the faces shown where the study kept no predictions.",
)
@click.option(
    "--data",
    metavar="DATA",
    help="Show faces of these data, which then stand in the page; without it drawn ones.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs/study"),
    show_default=True,
    help="Folder for the page and its figures.",
)
@json_option
def command(study: Path, bench: Path, files: Path, data: str | None, out: Path, as_json: bool) -> None:
    """Make the paper's figures and tables from the study's results, and judge its claims.

    Writes OUT/report.html and each figure beside it. Nothing is trained or timed.
    """
    from edgefkp.study.claims import findings
    from edgefkp.study.evidence import read_evidence
    from edgefkp.study.page import write_report
    from edgefkp.study.shown import drawn_faces, shown_of, with_files

    damaged: list[str] = []
    evidence = read_evidence(study, bench, damaged)
    for message in damaged:
        warn(message)
    shown = shown_of(data, evidence.results) if data else drawn_faces()
    page = write_report(out, evidence, with_files(shown, files))
    found = findings(evidence)
    if as_json:
        print_json(_as_json(evidence, found))
    else:
        click.echo(_terminal(evidence, found))
    log(f"\nreport: {page}")


def _as_json(evidence: "Evidence", found: "list[ClaimVerdict]") -> dict[str, Any]:
    claims = [{**vars(finding), "verdict": finding.verdict} for finding in found]
    return {"schema": "edgefkp.findings/1", "missing": evidence.missing(), "findings": claims}


def _terminal(evidence: "Evidence", found: "list[ClaimVerdict]") -> str:
    import textwrap

    from edgefkp.evaluation.table import WIDTH
    from edgefkp.study import page, tables

    prose = [textwrap.fill(line, WIDTH) for line in page.sentences(evidence, found)]
    return "\n".join([tables.scores(evidence.results).text(), "", page.summary(found).text(), "", *prose])
