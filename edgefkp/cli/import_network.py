"""edgefkp import: anyone's network as a .tflite with a card."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import folder_option, json_option, layout_option, log, print_json, replace_option
from edgefkp.errors import UsageError
from edgefkp.layout import FORMS, ORDERS, SCALINGS, STANDARDIZED

if TYPE_CHECKING:
    from edgefkp.layout import PointLayout


@click.command("import")
@click.argument("source")
@click.option("--name", help="Of the model, in names of files. [default: that of SOURCE]")
@layout_option
@click.option(
    "--input-range",
    metavar="RANGE",
    help=f"What pixels are for the network: {', '.join(SCALINGS)}, or MEAN/DEVIATION in gray levels. [default: 0..1]",
)
@click.option("--colors", type=click.Choice(ORDERS), help="Order of the network's channels. [default: rgb]")
@click.option("--output", metavar="NAME", help="The output that holds the points, where there are several.")
@click.option("--output-units", type=click.Choice(FORMS), help="What the points are counted in. [default: -1..1]")
@click.option("--output-offset", type=float, default=0.0, metavar="PX", help="Pixels to add to every coordinate.")
@click.option(
    "--numbers-a-point",
    type=click.IntRange(2, 8),
    help="Numbers of each point: 3 if a depth follows x and y; it is left out. [default: 2]",
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="1,3,112,112",
    help="Shape of the input, the batch first, where SOURCE leaves it open; repeat it for each input.",
)
@click.option("--license", "terms", default="", metavar="TEXT", help="Terms of the weights, for the card.")
@folder_option("--out", "export", "Folder for the file and its card.")
@replace_option("a file of that name")
@json_option
def command(
    source: str,
    name: str | None,
    layout: "PointLayout | None",
    input_range: str | None,
    colors: str | None,
    output: str | None,
    output_units: str | None,
    output_offset: float,
    numbers_a_point: int | None,
    shapes: tuple[str, ...],
    terms: str,
    out: Path,
    replace: bool,
    as_json: bool,
) -> None:
    """Write SOURCE as OUT/NAME.tflite with a card, which every other command takes for one of ours.

    SOURCE: a .tflite, .keras or .h5 file, the folder of a SavedModel, MODULE:FUNCTION that returns a PyTorch network,
    or a .pt2 file. Input and points that are not stated are read from the shapes of the file.
    """
    from edgefkp.export.imports import Stated, import_network

    scaling, mean, deviation = read_range(input_range)
    stated = Stated(
        layout,
        scaling,
        mean,
        deviation,
        colors or "",
        output or "",
        output_units or "",
        output_offset,
        numbers_a_point or 0,
    )
    found = import_network(source, out, name or "", stated, tuple(map(_sizes, shapes)), terms, replace)
    if as_json:
        print_json(found.card)
    elif found.keypoints:
        spec = found.card.spec
        click.echo(
            f"{found.path}: {spec}; pixels as {spec.input.scaling}, points in {spec.output.form}\n"
            f"score it: edgefkp evaluate {found.path} --data DATA; options of edgefkp import change how it is read"
        )
    else:
        click.echo(f"{found.path}: no keypoint network that is known; edgefkp bench times it")
    if not found.card.runs_on:
        log(f"note: {found.path.name} runs on no runtime that is known here; see edgefkp inspect")


def read_range(text: str | None) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """Scaling, mean and deviation. Raises UsageError for what is neither a name nor two lists of numbers."""
    if text is None or text in SCALINGS:
        return text or "", (), ()
    try:
        mean, deviation = (tuple(float(number) for number in part.split(",")) for part in text.split("/"))
    except ValueError:
        raise UsageError(
            f"cannot read the input range '{text}'",
            f"choose one of: {', '.join(SCALINGS)}; or give mean and deviation in gray levels: 127.5/128",
        ) from None
    return STANDARDIZED, mean, deviation


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in text.replace("x", ",").split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise UsageError(f"cannot read --shape {text}", "for example: --shape 1,3,112,112")
    return sizes
