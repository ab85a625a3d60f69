"""edgefkp models: networks to train, and model files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, print_json
from edgefkp.errors import warn

if TYPE_CHECKING:
    from edgefkp.evaluation.table import Table
    from edgefkp.report.catalog import FileEntry, NetworkEntry


@click.command("models")
@click.option(
    "--in",
    "root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("."),
    show_default=True,
    help="Folder with models/, export/ and bench/, such as the OUT of a run.",
)
@json_option
def command(root: Path, as_json: bool) -> None:
    """List every network that can be trained, and every file in models/, export/ and the package."""
    from edgefkp.report.catalog import read_catalog

    found = read_catalog(root)
    for damaged in found.damaged:
        warn(damaged)
    if as_json:
        print_json(found)
        return
    click.echo(networks_table(found.networks).text())
    if found.files:
        click.echo(f"\n{files_table(found.files, root).text()}")
    else:
        click.echo(f"\nno model files in {root / 'models'} or {root / 'export'}; edgefkp train small makes one")


def networks_table(networks: Sequence["NetworkEntry"]) -> "Table":
    from edgefkp.evaluation.table import Table

    rows = [[n.name, n.title, _count(n.parameters), _millions(n.macs), _count(n.paper_parameters)] for n in networks]
    return Table.of(["network", "", "parameters", "million\nMACs", "paper\nprints"], rows, words=2)


def files_table(files: Sequence["FileEntry"], root: Path) -> "Table":
    """A line for each file, then once what the numbers stand on: machines and the terms of the data."""
    from edgefkp.evaluation.table import Column, Table, significant

    columns = [Column("file", "left", narrowest=36), Column("parameters", drop=2), Column("million\nMACs", drop=1)]
    columns += [Column("KB"), Column("RMSE px", "left"), Column("ms"), Column("trained on", "left", narrowest=10)]
    rows = [
        [
            _short(file.path, root),
            _count(file.parameters),
            _millions(file.macs),
            f"{file.bytes / 1000:,.0f}",
            _rmse(file),
            "-" if file.ms is None else significant(file.ms),
            _data(file),
        ]
        for file in files
    ]
    notes = [f"ms: milliseconds an image, {file.measured}" for file in files if file.measured]
    notes += [f"{file.data}: {file.license}" for file in files if file.license]
    return Table(columns, rows, list(dict.fromkeys(notes)))


def _short(path: str, root: Path) -> str:
    """The path in `root`; "shipped" stands for the package's own folder. ".tflite" goes without saying."""
    place = Path(path)
    inside = place.relative_to(root) if place.is_relative_to(root) else Path(place.parent.name, place.name)
    return str(inside).removesuffix(".tflite")


def _data(file: "FileEntry") -> str:
    """The first source, with a + for more of them, which the line of its license names."""
    first, *more = (file.data or "-").split("+")
    return first + "+" * bool(more)


def _rmse(file: "FileEntry") -> str:
    if file.rmse is None:
        return "-"
    where = file.rmse_on or ""
    for data in (file.data or "", (file.data or "").split("+")[0]):  # what was added is for training only
        where = where.removeprefix(f"{data} ")
    where = where.replace("validation", "val")
    return f"{file.rmse:.2f} {where}"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _millions(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e6:,.0f}"
