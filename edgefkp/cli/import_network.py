"""edgefkp import: anyone's network as a .tflite with a card."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.contract_options import contract_options
from edgefkp.cli.network_options import import_option, shape_option
from edgefkp.cli.options import folder_option, json_option, layout_option, log, print_json, replace_option

if TYPE_CHECKING:
    from edgefkp.layout import PointLayout
    from edgefkp.runtime.contract import Stated


@click.command("import")
@click.argument("source")
@click.option("--name", help="Of the model, in names of files. [default: that of SOURCE]")
@layout_option
@click.option("--output", metavar="NAME", help="The output that holds the points, where there are several.")
@contract_options
@click.option(
    "--numbers-a-point",
    type=click.IntRange(2, 8),
    default=2,
    help="Numbers of each point: 3 if a depth follows x and y; it is left out. [default: 2]",
)
@click.option(
    "--crop-scale",
    type=click.FloatRange(0.5, 4),
    default=1.0,
    metavar="N",
    help="Side of the square around a face that the network sees, over that of crops for its points: 1.3 for 30 per "
    "cent more. [default: 1]",
)
@shape_option
@import_option
@click.option("--license", "terms", default="", metavar="TEXT", help="Terms of the weights, for the card.")
@folder_option("--out", "export", "Folder for the file and its card.")
@replace_option("a file of that name")
@json_option
def command(
    source: str,
    name: str | None,
    layout: "PointLayout | None",
    stated: "Stated | None",
    output: str | None,
    numbers_a_point: int,
    crop_scale: float,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    terms: str,
    out: Path,
    replace: bool,
    as_json: bool,
) -> None:
    """Write SOURCE as OUT/NAME.tflite with a card, which every other command takes for one of ours.

    SOURCE: a .tflite, .keras or .h5 file, the folder of a SavedModel, MODULE:FUNCTION that returns a PyTorch network,
    or a .pt2 file; an .onnx file is copied and stays one, which onnxruntime runs. Input and points that are not stated
    are read from the shapes of the file.
    """
    from edgefkp.export.imports import Asked, import_network

    asked = Asked(stated, layout, output or "", numbers_a_point, crop_scale)
    found = import_network(source, out, name or "", asked, tuple(shape for _, shape in shapes), terms, replace)
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
