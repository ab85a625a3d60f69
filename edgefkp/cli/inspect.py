"""edgefkp inspect: what a .tflite file is, whoever made it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, print_json

if TYPE_CHECKING:
    from edgefkp.export.inspect import Inspection, Port


@click.command("inspect")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(files: tuple[Path, ...], as_json: bool) -> None:
    """Read back the graphs of .tflite FILES: scheme, operators and versions, runtimes, input and output.

    A file whose name claims a scheme that its graph does not show, or whose bytes are not those of the card beside it,
    is an error (exit 1), after the table.
    """
    from edgefkp.card import require_card_hash
    from edgefkp.export.inspect import inspect, verify_scheme

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

    from edgefkp.export.targets import refusals

    rows = [
        ("file", f"{inspection.file}, {inspection.bytes / 1000:.1f} KB, sha256 {inspection.sha256[:12]}..."),
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
    table = tabulate(rows, tablefmt="plain")
    return f"{table}\n\n{tabulate(operators, headers=['operator', 'version', 'computes with', 'count'])}"


def _port(port: "Port", pixels: bool = False) -> str:
    text = f"{'x'.join(map(str, port.shape))} {port.dtype}  {_shorten(port.name, 40)}"
    if port.scale is not None:
        text += f"  scale {port.scale:.6g}, zero point {port.zero_point}"
    if port.step is not None and port.range is not None:
        unit = " px" if pixels else ""
        text += f"  steps of {port.step:.3g}{unit} from {port.range[0]:.4g} to {port.range[1]:.4g}"
    return text


def _shorten(text: str, length: int = 70) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
