"""edgefkp export: trained networks to .tflite."""

from pathlib import Path

import click

from edgefkp.cli.options import data_option, json_option, note, print_json


@click.command("export")
@click.argument("models", nargs=-1)
@click.option("--quant", multiple=True, help="float32 or int8; may be repeated. [default: both]")
@data_option()
@click.option("--models-dir", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("export"), show_default=True)
@json_option
def command(
    models: tuple[str, ...], quant: tuple[str, ...], data: str, models_dir: Path, out: Path, as_json: bool
) -> None:
    """Convert MODELS (names in models/, or .keras files; all of models/ by default) to OUT/*.tflite with cards.

    The training persons of DATA calibrate the integer schemes: give the data that the networks were trained on.
    """
    from edgefkp.card import read_card
    from edgefkp.data.source import open_source
    from edgefkp.export.station import DEFAULT_SCHEMES, export_network, find_networks
    from edgefkp.quiet import require_tensorflow

    require_tensorflow("edgefkp export")
    paths = find_networks(models, models_dir)
    source = open_source(data)
    written = []
    for path in paths:
        trained_on = (read_card(path) or {}).get("data", {}).get("name")
        if trained_on and trained_on != source.name:
            note(f"{path.name} was trained on {trained_on} and is calibrated on {source.name}; --data changes that")
        note(f"converting {path.name}")
        written += export_network(path, out, quant or DEFAULT_SCHEMES, source)
    cards = [read_card(path) or {} for path in written]
    if as_json:
        print_json(cards)
        return
    from tabulate import tabulate

    rows = [(card["file"], card["scheme"], card["bytes"] / 1000, card["parent_bytes"] / 1000) for card in cards]
    click.echo(tabulate(rows, headers=["file", "scheme", "KB", "KB of the .keras"], floatfmt=".1f"))
