"""edgefkp data: look at, audit and download data."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import (
    data_option,
    json_option,
    labels_option,
    layout_option,
    log,
    print_json,
    reading_options,
    replace_option,
    spec_of,
    spec_options,
)
from edgefkp.cli.parameters import NameChoice
from edgefkp.errors import counted

if TYPE_CHECKING:
    from edgefkp.data.audit import Audit
    from edgefkp.data.faces import Dataset
    from edgefkp.data.info import Info
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout

_BAR = 30  # characters for all faces
_SHEET_FACES = 60
_MANY = 30  # points, from which on those that are never missing are not listed
_WORDS = 55  # characters of a column of words
_SHOWN = 10  # findings of each kind

_sheet_option = click.option(
    "--sheet", type=click.Path(path_type=Path), metavar="FILE.png", help="Also draw faces with their points."
)


def _forms() -> tuple[str, ...]:
    from edgefkp.data.written import WRITERS

    return WRITERS.names()


@click.group("data")
def command() -> None:
    """Inspect, audit and download data."""


@command.command("info", short_help="Count faces, persons and missing points.")
@data_option()
@layout_option
@reading_options
@labels_option
@_sheet_option
@json_option
def info(
    data: str, layout: "PointLayout | None", reading: "Reading", labels: str, sheet: Path | None, as_json: bool
) -> None:
    """Count the faces of DATA, its persons, and how often each point is missing."""
    import numpy as np

    from edgefkp.data.contact_sheet import write_sheet
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.info import describe

    source = open_dataset(data, labels, layout, reading=reading)
    result = describe(source)
    if sheet:
        rows = np.linspace(0, len(source.train) - 1, min(_SHEET_FACES, len(source.train))).astype(int)
        log(f"wrote {write_sheet(sheet, source.train.take(rows))}")
    if as_json:
        print_json(result)
    else:
        click.echo(info_table(result))


@command.command("formats", short_help="List the forms of labeled faces that are read.")
@json_option
def formats(as_json: bool) -> None:
    """List the forms in which labeled faces can be given as DATA; docs/DATA.md explains them."""
    from tabulate import tabulate

    from edgefkp.data.formats import FORMATS

    if as_json:
        print_json([{"name": one.name, "give": one.description, "holds": one.holds} for one in FORMATS.values()])
        return
    rows = [[one.name, one.description, one.holds] for one in FORMATS.values()]
    click.echo(tabulate(rows, ["name", "what to give as DATA", "what it can hold"], maxcolwidths=[None, 32, 32]))
    log("a form is recognized; --data NAME:PATH names it. docs/DATA.md explains them")


@command.command("audit", short_help="List copies, swapped sides, misplaced points.")
@data_option()
@layout_option
@reading_options
@labels_option
@click.option("--csv", "table", type=click.Path(path_type=Path), metavar="FILE.csv", help="Also write every finding.")
@_sheet_option
@json_option
def audit(
    data: str,
    layout: "PointLayout | None",
    reading: "Reading",
    labels: str,
    table: Path | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """List what is suspicious in DATA: copies, swapped sides, misplaced points, persons in train and test.

    Nothing is changed, and a finding is no failure: look at the faces and decide.
    """
    from edgefkp.data.audit import audit as look
    from edgefkp.data.formats import open_dataset
    from edgefkp.files import write_text

    source = open_dataset(data, labels, layout, reading=reading)
    log(f"looking at {counted(len(source.train) + len(source.test or ()), 'face')}")
    result = look(source)
    if table:
        write_text(table, audit_csv(result))
        log(f"wrote {table}")
    if sheet:
        log(_write_suspects(sheet, source, result))
    if as_json:
        print_json(result)
    else:
        click.echo(audit_table(result))


@command.command("download", short_help="Fetch Kaggle's files with your account.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("data/kaggle"),
    show_default=True,
    help="Folder for the files.",
)
def download(out: Path) -> None:
    """Fetch the files of Kaggle's facial-keypoints-detection with your own account."""
    from edgefkp.data.download import download as fetch

    click.echo(fetch(out))
    log(f"next: edgefkp data info --data {out}")


@command.command("convert", short_help="Write labeled faces as COCO, CSV, .pts or .npz.")
@click.argument("data", metavar="DATA")
@click.option("--to", "form", required=True, type=NameChoice("form", _forms), help="Form to write.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for photos and labels."
)
@reading_options
@labels_option
@spec_options
@replace_option("files of an earlier conversion in the folder")
@json_option
def convert(
    data: str,
    form: str,
    out: Path,
    reading: "Reading",
    labels: str,
    layout: "PointLayout | None",
    size: int,
    colors: str,
    replace: bool,
    as_json: bool,
) -> None:
    """Write the labeled faces of DATA in another form: labels, and copies of the photos in OUT/images.

    Points, persons and visibility stay as they are, as far as the form can hold them. --size and --colors are those of
    crops, for npz alone.
    """
    from edgefkp.data.converting import convert as write

    result = write(data, form, out, labels, *spec_of(layout, size, colors), reading, replace)
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{out}: {counted(result.faces, 'face')} on {counted(result.images, 'image')}, "
        f"{result.points} points each ({result.layout})"
    )
    if result.loses:
        log(f"{form} does not hold {result.loses}")
    log(f"next: edgefkp data info --data {result.data}")


def info_table(result: "Info") -> str:
    from tabulate import tabulate

    parts = {"train": result.train} | ({"test": result.test} if result.test else {})
    persons = "persons" if result.persons_known else "groups*"
    rows = [[name, part.faces, part.persons, part.complete, part.labeled] for name, part in parts.items()]
    lines = [
        f"{result.name}: {result.license}",
        "",
        tabulate(
            rows, ["part", "faces", persons, f"all {len(result.train.missing)} points of {result.layout}", "any point"]
        ),
    ]
    if not result.persons_known:
        lines.append("* persons are not known: near-duplicates count as one")
    for name, part in parts.items():
        bars = [
            [point, count, f"{100 * count / part.faces:.1f} %", "#" * round(_BAR * count / part.faces)]
            for point, count in part.missing.items()
            if count or len(part.missing) < _MANY
        ]
        headers = [f"missing in {name}", "faces", "share", ""]
        if not bars:
            lines += ["", f"missing in {name}: no point"]
            continue
        lines += ["", tabulate(bars, headers, disable_numparse=True, colalign=("left", "right", "right", "left"))]
    return "\n".join(lines)


def audit_table(result: "Audit") -> str:
    import textwrap

    from tabulate import tabulate

    from edgefkp.data.audit import KINDS
    from edgefkp.evaluation.table import WIDTH

    lines = [
        *(textwrap.fill(f"{finding.what}: {finding.cure}", WIDTH) for finding in result.labels),
        f"{result.name}: {counted(len(result.findings), 'finding')} in {counted(result.faces, 'face')}",
        "",
        tabulate(
            [[kind, count, KINDS[kind]] for kind, count in result.counts.items()],
            ["kind", "found", "meaning"],
            maxcolwidths=[None, None, _WORDS],
        ),
    ]
    for kind, count in result.counts.items():
        shown = [finding for finding in result.findings if finding.kind == kind][:_SHOWN]
        if not shown:
            continue
        rows = [[f"{finding.part} {finding.row}", finding.id[:30], finding.detail] for finding in shown]
        more = f": the {len(shown)} strongest of {count}; all of them with --csv FILE.csv" if count > len(shown) else ""
        lines += ["", f"{kind}{more}", tabulate(rows, ["face", "id", "what"], maxcolwidths=[None, 20, 40])]
    return "\n".join(lines)


def audit_csv(result: "Audit") -> str:
    columns = ("kind", "part", "row", "id", "other", "measure", "detail")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([getattr(finding, name) for name in columns] for finding in result.findings)
    return text.getvalue()


def _write_suspects(path: Path, source: "Dataset", result: "Audit") -> str:
    from edgefkp.data.contact_sheet import write_sheet
    from edgefkp.data.faces import joined

    parts = {"train": source.train, "test": source.test}
    shown = result.findings[:_SHEET_FACES]
    if not shown:
        return f"nothing was found, so {path} is not written"
    write_sheet(path, joined([parts[finding.part].take([finding.row - 1]) for finding in shown]))  # type: ignore[union-attr,arg-type]
    return f"wrote {path}: the faces of the first {counted(len(shown), 'finding')}, in their order"
