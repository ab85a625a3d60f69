"""The study's report: one self-contained HTML run_page, and each figure as a file beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from edgefkp.files import write_bytes, write_text
from edgefkp.report import run_page
from edgefkp.report.figures import png, svg
from edgefkp.study import blocks, figures, pictures, tables
from edgefkp.study.architecture import architectures
from edgefkp.study.claims import PLAIN, findings
from edgefkp.study.curves import curves
from edgefkp.study.errata import ERRATA, UNTESTED
from edgefkp.study.evidence import Evidence
from edgefkp.study.grid import CUSTOM, TRANSFER
from edgefkp.study.pictures import Shown
from edgefkp.study.verdict import Finding

PAGE = "report.html"
CURVES = "Orange: training faces as they are shown, imputed points included; blue: validation faces of other persons."
BARS = "Lines: 95 % over test persons; pale and hatched: not converged; -: not trained yet."


@dataclass(frozen=True)
class Figure:
    """file: its name without suffix. photographs: kept as PNG, drawings as SVG. make: None where nothing is known."""

    file: str
    title: str
    caption: str
    make: Callable[[], Any | None]
    photographs: bool = False


def figures_of(evidence: Evidence, shown: Shown) -> list[Figure]:
    """The paper's twelve figures, in its order."""
    results, info = evidence.results, evidence.info
    of = f"Faces: {shown.name} ({shown.licence})."
    return [
        Figure(
            "figure-01-nulls",
            "Figure 1. Null counts",
            "How many training faces lack each point.",
            lambda: figures.null_counts(info) if info else None,
        ),
        Figure(
            "figure-02-faces",
            "Figure 2. Faces with their points",
            of,
            lambda: pictures.faces_with_points(shown),
            True,
        ),
        Figure(
            "figure-03-augmentations",
            "Figure 3. Augmentations",
            f"Above the paper's, made once before training; below ours, made anew for every batch. {of}",
            lambda: pictures.augmentations(shown),
            True,
        ),
        Figure(
            "figure-04-custom",
            "Figure 4. Custom networks",
            "From the picture to 30 numbers; the layers of manual are a reconstruction with the paper's count.",
            lambda: architectures(PLAIN),
        ),
        Figure(
            "figure-05-transfer",
            "Figure 5. Transfer networks",
            "A backbone of keras.applications under global average pooling and one dense layer.",
            lambda: architectures(("mobilenetv2", "nasnetmobile", "resnet50")),
        ),
        Figure(
            "figure-06-custom-rmse",
            "Figure 6. RMSE of the custom networks",
            BARS,
            lambda: figures.error_bars(results, CUSTOM),
        ),
        Figure(
            "figure-07-transfer-rmse",
            "Figure 7. RMSE of the transfer networks",
            f"{BARS} NASNetMobile {tables.NOTE_UNLIKE.removeprefix(tables.UNLIKE).strip()}",
            lambda: figures.error_bars(results, TRANSFER),
        ),
        Figure(
            "figure-08-size",
            "Figure 8. Parameters against file size",
            "Both axes logarithmic.",
            lambda: figures.size_against_parameters(evidence),
        ),
        Figure(
            "figure-09-mobilenetv2",
            "Figure 9. Training curves of MobileNetV2",
            CURVES,
            lambda: figures.training_curves(results, ("mobilenetv2_frozen", "mobilenetv2")),
        ),
        Figure(
            "figure-10-nasnetmobile",
            "Figure 10. Training curves of NASNetMobile",
            CURVES,
            lambda: figures.training_curves(results, ("nasnetmobile_frozen", "nasnetmobile")),
        ),
        Figure(
            "figure-11-custom",
            "Figure 11. Training curves of the custom networks",
            CURVES,
            lambda: figures.training_curves(results, CUSTOM),
        ),
        Figure(
            "figure-12-predictions",
            "Figure 12. Predictions",
            f"True points as rings, predicted ones as crosses; faces evenly spaced, not picked. {of}",
            lambda: pictures.predictions(shown) if shown.predicted else None,
            True,
        ),
    ]


def write_report(out: Path, evidence: Evidence, shown: Shown) -> Path:
    """Write the page and the figures into `out`; returns the run_page."""
    drawn = "\n".join(_written(out, evidence, shown))
    found = findings(evidence)
    parts = [
        _opening(evidence, found),
        run_page.section("What the paper claims, and what was found", _findings(found)),
        run_page.section("Table 1. Parameters and size", _numbers(tables.sizes(evidence))),
        run_page.section(
            "Table 2. Change of RMSE by treatment: the paper's / ours",
            _noted(tables.changes(evidence.results), tables.NOTE_UNLIKE),
        ),
        run_page.section(
            "Table 3. RMSE in px, with half of the 95 % interval",
            _noted(tables.scores(evidence.results), tables.NOTE_SCORES),
        ),
        run_page.section("Table 4. Seconds per 100 images, with half of the 95 % interval", _seconds(evidence)),
        run_page.section("Others' networks under masked-online", _numbers(tables.rivals(evidence.results))),
        drawn,
        run_page.section("Training curves as numbers", _or_none(curves(evidence.results))),
        run_page.section("Every score", _or_none(tables.every_score(evidence.results))),
        run_page.section("Errata of the paper", _list(ERRATA, "ol")),
        run_page.section("What these data cannot test", _list(UNTESTED, "ul")),
        run_page.section("Where this was trained", run_page.facts(_origin(evidence))),
    ]
    return write_text(out / PAGE, run_page.document("The study", "\n".join(parts)))


def _written(out: Path, evidence: Evidence, shown: Shown) -> Iterator[str]:
    """Each figure's section; its file is written on the way."""
    for one in figures_of(evidence, shown):
        figure = one.make()
        if figure is None:
            yield run_page.section(one.title, '<p class="soft">Nothing is known of it yet.</p>')
        elif one.photographs:
            write_bytes(out / f"{one.file}.png", png(figure))
            yield run_page.section(one.title, run_page.figure_png(figure, one.caption))
        else:
            write_text(out / f"{one.file}.svg", svg(figure))
            yield run_page.section(one.title, f'<div class="broad">{run_page.figure_svg(figure, one.caption)}</div>')


def _opening(evidence: Evidence, found: list[Finding]) -> str:
    lines = (blocks.status(evidence), blocks.tally(found), blocks.resolution(evidence))
    text = "\n".join(f'<p class="lead">{escape(line)}</p>' for line in lines)
    return f"<h1>The study: eight networks, five treatments</h1>\n{text}"


def _findings(found: list[Finding]) -> str:
    parts = [run_page.data_table(*blocks.summary(found))]
    for number, finding in enumerate(found, 1):
        rows = [(part.what, part.found, part.verdict) for part in finding.parts]
        parts.append(
            f"<h3>{number}. {escape(finding.short)}: {escape(finding.verdict)}</h3>\n"
            f"<p>“{escape(finding.sentence)}” ({escape(finding.where)})</p>\n"
            f'<p class="soft">{escape(f"{finding.test} {finding.note}".strip())}</p>\n'
            + run_page.data_table(("compared", "found", "verdict"), rows)
        )
    return "\n".join(parts)


def _numbers(table: tables.Table) -> str:
    return run_page.data_table(*table, "wide numbers")


def _noted(table: tables.Table, text: str) -> str:
    return f'{_numbers(table)}\n<p class="soft">{escape(text)}</p>'


def _seconds(evidence: Evidence) -> str:
    return f'{_numbers(tables.seconds(evidence))}\n<p class="soft">{escape(tables.conditions(evidence))}</p>'


def _or_none(table: tables.Table) -> str:
    return _numbers(table) if table[1] else f'<p class="soft">{blocks.NONE_YET}</p>'


def _list(lines: tuple[str, ...], kind: str) -> str:
    return f"<{kind}>\n" + "\n".join(f"<li>{escape(line)}</li>" for line in lines) + f"\n</{kind}>"


def _origin(evidence: Evidence) -> list[tuple[str, str]]:
    if not evidence.results:
        return [("Cells", "none yet")]
    last = list(evidence.results.values())[-1]
    hours = sum(result.seconds for result in evidence.results.values()) / 3600
    return [
        ("Data", last.data.name),
        ("Licence and credit", last.data.license),
        ("Data hash", last.data.hash),
        ("Work", f"{hours:.1f} hours on {last.cores} cores"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in last.versions.items())),
    ]
