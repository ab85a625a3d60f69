"""edgefkp inspect: what a .tflite file is, whoever made it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, print_json

if TYPE_CHECKING:
    from edgefkp.export.inspect import Inspection, Port
    from edgefkp.layout import InputSpec, OutputSpec


@click.command("inspect")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Read back the graphs of .tflite FILES: points, scheme, operators and versions, runtimes, input and output.

    A model that comes with edgefkp may be given by its name.

    The point layout, the scaling of pixels and the layers kept in float on purpose come from the description in the
    file, or from the card beside it. Of a file with neither they are not known.

    A file whose name claims a scheme that its graph does not show, or whose bytes are not those of the card beside it,
    is an error (exit 1), after the table.
    """
    from edgefkp.card import require_card_hash
    from edgefkp.export.inspect import inspect, verify_scheme
    from edgefkp.runtime.shipped import find_model

    files = tuple(file if file.exists() else find_model(file) for file in files)
    inspections = [inspect(file) for file in files]
    if as_json:
        print_json(inspections[0] if len(files) == 1 else inspections)
    else:
        click.echo("\n\n".join(inspection_table(inspection) for inspection in inspections))
    for file, inspection in zip(files, inspections, strict=True):
        require_card_hash(file, inspection.sha256)
        verify_scheme(file)


def inspection_table(inspection: "Inspection") -> str:
    from tabulate import tabulate

    from edgefkp.evaluation.table import WIDTH
    from edgefkp.export.targets import refusals

    rows = [
        ("file", f"{inspection.file}, {inspection.bytes / 1000:.1f} KB, sha256 {inspection.sha256[:12]}..."),
        *_description(inspection),
        ("scheme", f"{inspection.scheme}{', takes uint8 pixels' if inspection.u8 else ''}"),
        ("integer operators", f"{100 * inspection.integer_share:.0f} %"),
        *[("float island", _shorten(", ".join(island))) for island in inspection.float_islands],
        *[("input", _port(port)) for port in inspection.inputs],
        *[("output", _port(port, inspection.pixels)) for port in inspection.outputs],
        ("batch", "free: LiteRT.js needs it fixed" if inspection.free_batch else "fixed"),
        ("min_runtime_version", inspection.min_runtime_version or "not written in the file"),
        *[
            (f"runs on {target}", f"no: {'; '.join(reasons)}" if reasons else "yes")
            for target, reasons in refusals(inspection).items()
        ],
    ]
    operators = [(op.name, op.version, op.kind, op.count) for op in inspection.operators]
    table = tabulate(rows, tablefmt="plain", maxcolwidths=[None, WIDTH - 2 - max(len(row[0]) for row in rows)])
    return f"{table}\n\n{tabulate(operators, headers=['operator', 'version', 'computes with', 'count'])}"


def _description(inspection: "Inspection") -> list[tuple[str, str]]:
    known = inspection.description
    if known is None:
        from edgefkp.layout import ModelSpec

        fits = f"; the shapes are those of {ModelSpec()}" if inspection.pixels else ""
        return [
            ("model", "not known: no description in the file, no card beside it"),
            ("layout", f"not known{fits}"),
            ("takes", "not known: see input for the shape"),
            ("returns", "not known: see output for the shape"),
            ("float on purpose", "not known"),
        ]
    where = "in the file" if inspection.known_by == "metadata" else "in its card"
    return [
        ("model", f"{known.model} (described {where})"),
        ("layout", f"{known.layout.name}: {known.layout.count} points"),
        ("takes", _input(known.input) + (" inside the file" if known.u8 else "")),
        ("returns", _output(known.output)),
        ("float on purpose", ", ".join(known.keep_float) or "none"),
    ]


def _input(spec: "InputSpec") -> str:
    order = ", blue first" if spec.order == "bgr" and spec.channels > 1 else ""
    axes = "" if spec.axes == "HWC" else ", channels before rows"
    if spec.mean:
        mean, deviation = (", ".join(f"{number:g}" for number in each) for each in (spec.mean, spec.deviation))
        return f"{spec} images{order}{axes}, pixels minus {mean}, divided by {deviation}"
    return f"{spec} images{order}{axes}, pixels scaled to {spec.scaling}"


def _output(spec: "OutputSpec") -> str:
    form = "pixels" if spec.form == "pixels" else f"{spec.form} of the image"
    numbers = "" if spec.numbers_a_point == 2 else f", {spec.numbers_a_point} numbers each"
    offset = f", {spec.offset:+g} px" if spec.offset else ""
    return f"points in {form}{offset}{numbers}, in {spec.points or 'its one output'}"


def _port(port: "Port", pixels: bool = False) -> str:
    sizes = ("?" if place in port.open else str(size) for place, size in enumerate(port.shape))
    text = f"{'x'.join(sizes)} {port.dtype}  {_shorten(port.name, 40)}"
    if port.scale is not None:
        text += f"  scale {port.scale:.6g}, zero point {port.zero_point}"
    if port.step is not None and port.range is not None:
        unit = " px" if pixels else ""
        text += f"  steps of {port.step:.3g}{unit} from {port.range[0]:.4g} to {port.range[1]:.4g}"
    return text


def _shorten(text: str, length: int = 70) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
