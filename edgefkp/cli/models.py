"""edgefkp models: what can be trained, and what is there."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, print_json

if TYPE_CHECKING:
    from edgefkp.report.catalog import FileEntry, NetworkEntry

WIDTH = 100  # columns of a terminal


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
    from edgefkp.report.catalog import catalogue

    found = catalogue(root)
    if as_json:
        print_json(found)
        return
    click.echo(networks_table(found.networks))
    if found.files:
        click.echo(f"\n{files_table(found.files, root)}")
    else:
        click.echo(f"\nno model files in {root / 'models'} or {root / 'export'}; edgefkp train small makes one")


def networks_table(networks: Sequence["NetworkEntry"]) -> str:
    from tabulate import tabulate

    rows = [(n.name, n.title, _count(n.parameters), _millions(n.macs), _count(n.paper_parameters)) for n in networks]
    headers = ("network", "", "parameters", "million MACs", "paper prints")
    return tabulate(rows, headers, colalign=("left", "left", "right", "right", "right"), disable_numparse=True)


def files_table(files: Sequence["FileEntry"], root: Path) -> str:
    """A line for each file, then once what the numbers stand on: machines and the terms of the data."""
    from tabulate import tabulate

    headers = ("file", "parameters", "M MACs", "KB", "RMSE px", "s/100", "trained on")
    rows = [
        (
            _short(file.path, root),
            _count(file.parameters),
            _millions(file.macs),
            f"{file.bytes / 1000:,.0f}",
            _rmse(file),
            "-" if file.seconds_per_100 is None else f"{file.seconds_per_100:#.3g}",
            _data(file),
        )
        for file in files
    ]
    align = ("left", "right", "right", "right", "left", "right", "left")
    notes = [f"s/100: seconds per 100 images, {file.measured}" for file in files if file.measured]
    notes += [f"{file.data}: {file.licence}" for file in files if file.licence]
    table = tabulate(rows, headers, colalign=align, disable_numparse=True)
    return "\n".join([table, "", *(textwrap.fill(note, WIDTH) for note in dict.fromkeys(notes))]).rstrip()


def _short(path: str, root: Path) -> str:
    """The path in `root`; "shipped" stands for the package's own folder. ".tflite" goes without saying."""
    place = Path(path)
    inside = place.relative_to(root) if place.is_relative_to(root) else Path(place.parent.name, place.name)
    return str(inside).removesuffix(".tflite")


def _data(file: "FileEntry") -> str:
    """The first source, with a + where there were more, which the line of its terms names."""
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
