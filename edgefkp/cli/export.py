"""edgefkp export: trained networks to verified .tflite files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.card_data import data_of
from edgefkp.cli.contract_options import contract_options
from edgefkp.cli.network_options import import_option, shape_option, shapes_of
from edgefkp.cli.options import (
    card_data_option,
    folder_option,
    json_option,
    layout_option,
    log,
    max_delta_option,
    models_dir_option,
    print_json,
    quant_option,
    reading_options,
    replace_option,
    runtime_option,
)
from edgefkp.cli.parameters import NameChoice
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.schemes import DEFAULT_SCHEMES, INTEGER, schemes_with
from edgefkp.export.targets import DEFAULT_TARGET, TARGETS

if TYPE_CHECKING:
    from edgefkp.card import Card
    from edgefkp.data.faces import Dataset
    from edgefkp.data.photos import Reading
    from edgefkp.evaluation.table import Table
    from edgefkp.export.options import ExportOptions
    from edgefkp.layout import PointLayout
    from edgefkp.runtime.contract import Stated

KEEPING = schemes_with("keeps_float")


def _targets() -> str:
    """In words; NPUs, which are many, by the first and last name."""
    others = [f"{one.name}: {one.description}" for one in TARGETS.values() if not one.npu]
    npus = [one.name for one in TARGETS.values() if one.npu]
    return "; ".join([*others, f"{npus[0]} ... {npus[-1]}: Arm's NPUs, estimated by their compiler"])


@click.command("export")
@click.argument("models", nargs=-1)
@quant_option(
    many=True, purpose=f"How the file stores numbers; may be repeated. [default: {' '.join(DEFAULT_SCHEMES)}]"
)
@click.option("--u8", is_flag=True, help="Accept uint8 pixels as input; the graph scales them.")
@click.option(
    "--target",
    type=NameChoice("target", TARGETS.names),
    default=DEFAULT_TARGET,
    show_default=True,
    metavar="TARGET",
    help=f"What the files must run on: {_targets()}.",
)
@click.option(
    "--keep-float",
    multiple=True,
    metavar="LAYER",
    help=f"Layer, or kind of operators (MUL), that {' and '.join(KEEPING)} also keeps in float, beside a soft argmax, "
    "normalizations and what is measured to need it; may be repeated.",
)
@click.option("--explain", is_flag=True, help="Write no file: show what int8 costs, layer by layer.")
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Samples of the network's input (.npy, .npz). [default: training faces of DATA]",
)
@click.option("--parity/--no-parity", "compare", default=True, help="Compare each file with its model on DATA.")
@max_delta_option
@runtime_option(purpose="Runtime for the comparison.")
@card_data_option
@layout_option
@reading_options
@contract_options
@shape_option
@import_option
@models_dir_option
@folder_option("--out", "export", "Folder for the files and their cards.")
@replace_option("files that were calibrated on other data")
@json_option
def command(
    models: tuple[str, ...],
    quant: tuple[str, ...],
    u8: bool,
    target: str,
    keep_float: tuple[str, ...],
    explain: bool,
    calibration: Path | None,
    compare: bool,
    max_delta: float | None,
    runtime: str | None,
    data: str | None,
    layout: "PointLayout | None",
    reading: "Reading",
    stated: "Stated | None",
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    models_dir: Path,
    out: Path,
    replace: bool,
    as_json: bool,
) -> None:
    """Convert MODELS (names in models/, or .keras files; all of models/ by default) to OUT/*.tflite with cards.

    A .tflite file of floats among MODELS, of anyone's, is quantized as it is, without TensorFlow.

    Where models/ has none, a lone .keras file in the current folder is taken, or the network that comes with edgefkp.

    The training persons of DATA calibrate the integer schemes; its labeled test faces show the accuracy loss of each
    file. Without --data they are those that the first model's card names, where they are found.
    """
    from edgefkp.card import readable_cards
    from edgefkp.cli.export_targets import show_micro, show_npu
    from edgefkp.data.formats import open_for
    from edgefkp.export.exporter import find_networks
    from edgefkp.export.options import ExportOptions
    from edgefkp.export.schemes import schemes_of
    from edgefkp.layout import ModelSpec
    from edgefkp.networks.tensorflow import look_for_tensorflow
    from edgefkp.runtime.keras_files import is_keras

    device = TARGETS[target]
    schemes = schemes_of(quant) if quant else KEEPING if keep_float else device.schemes
    if max_delta is not None and not compare:
        raise UsageError("--max-delta needs the comparison that --no-parity leaves out")
    sizes = shapes_of(shapes)
    options = ExportOptions(u8, device, keep_float, calibration, compare, runtime, replace, stated, sizes)
    paths = find_networks(models, models_dir, log)
    if any(is_keras(path) for path in paths):
        look_for_tensorflow("edgefkp export")
    if schemes == DEFAULT_SCHEMES and not quant and not any(is_keras(path) for path in paths):
        schemes = (INTEGER,)  # the file of floats is there
    cards = {path: next(iter(readable_cards(path)), None) for path in paths}
    spec = next((card.spec for card in cards.values() if card), ModelSpec())
    told = paths[:1] if data is None else []
    if data is None:
        data, reading = data_of(paths, reading, "comparing" if calibration else "calibrating")
    source = open_for(data, spec, layout, reading=reading)
    for path, card in cards.items():
        trained_on = card.data_name.split("+")[0] if card and card.data_name else None
        if trained_on and trained_on != source.name and not calibration and path not in told:
            log(f"{path.name} was trained on {trained_on} and is calibrated on {source.name}; --data changes that")
    if explain:
        _explain(paths, source, options, as_json)
    elif device.npu:
        show_npu(paths, source, schemes, options, out, as_json)
    elif device.micro:
        show_micro(paths, source, schemes, options, out, as_json)
    else:
        _export(paths, source, schemes, options, out, max_delta, as_json)


def _export(
    paths: list[Path],
    source: "Dataset",
    schemes: Sequence[str],
    options: "ExportOptions",
    out: Path,
    max_delta: float | None,
    as_json: bool,
) -> None:
    from edgefkp.card import read_card
    from edgefkp.evaluation.evaluate import part_of
    from edgefkp.export.exporter import export_apart
    from edgefkp.export.options import ExportProgress
    from edgefkp.export.parity import loss_of, parity_of
    from edgefkp.export.target_cost import costs_of

    refused: list[EdgefkpError] = []
    faces = int(part_of(source, "test").labeled.sum()) if options.parity else 0
    length = max(1, len(paths) * len(schemes) * faces)
    with progress_bar("export", length) as bar:
        notes: list[str] = []
        progress = ExportProgress(lambda name: setattr(bar, "label", name), bar.update, refused.append, notes.append)
        written = export_apart(paths, out, schemes, source, options, progress)
        bar.update(max(0, length - bar.pos))  # what was current needed no measuring
    for note in dict.fromkeys(notes):
        log(f"note:  {note}")
    cards = [card for path in written if (card := read_card(path))]
    if as_json:
        print_json(cards)
    elif cards:
        click.echo(cards_table(cards).text())
    for card in cards:
        if costs := costs_of(card, parity_of(card)):
            log(f"note: {costs}")
        if (parity := parity_of(card)) and (loss := loss_of(parity)):
            log(f"note: {loss}")
    for message, hint in dict.fromkeys((error.message, error.hint) for error in refused[1:]):
        log(f"error: {message}" + (f"\nhint:  {hint}" if hint else ""))
    if refused:
        raise refused[0]
    if max_delta is not None:
        _require_delta(cards, max_delta)


def cards_table(cards: "list[Card]") -> "Table":
    from edgefkp.evaluation.table import Column, Table

    heads = ["KB", "RMSE\nbefore", "\nafter", "\nchange", "shift\np95", "\nlargest", "faces"]
    columns = [Column("file (.tflite)", "left", narrowest=18), *map(Column, heads), Column("loads in", "left")]
    rows = [
        (card.file.removesuffix(".tflite"), f"{card.bytes / 1000:.1f}", *_measured(card), _loads_in(card))
        for card in cards
    ]
    note = "RMSE before and after conversion and its change, p95 and largest shift of points: pixels"
    return Table(columns, rows, [note])


def _measured(card: "Card") -> tuple[str, ...]:
    from edgefkp.export.parity import parity_of

    if not (parity := parity_of(card)):
        return "", "", "", "", "", "-"
    return (
        f"{parity.rmse_before:.4f}",
        f"{parity.rmse_after:.4f}",
        f"{parity.delta:+.4f}",
        f"{parity.shift.p95:.3f}",
        f"{parity.shift.max:.3f}",
        str(parity.faces),
    )


def _loads_in(card: "Card") -> str:
    """Of the runtimes whose operators are known, those that have what the file needs; both is the usual case."""
    runs_on = card.runs_on or []
    return "both runtimes" if set(runs_on) == set(TARGETS[DEFAULT_TARGET].tables) else ", ".join(runs_on) or "neither"


def _require_delta(cards: "list[Card]", limit: float) -> None:
    from edgefkp.export.parity import parity_of, require_delta

    require_delta([parity for card in cards if (parity := parity_of(card))], limit)


def _explain(paths: list[Path], source: "Dataset", options: "ExportOptions", as_json: bool) -> None:
    from tabulate import tabulate

    from edgefkp.export.exporter import explain_apart

    results = []
    for path in paths:
        log(f"{path.name}: quantizing once for each layer")
        results.append(explain_apart(path, source, options))
    if as_json:
        print_json(results)
        return
    for result in results:
        click.echo(
            f"{result.model}, {INTEGER} on {result.samples} calibration samples: an output moves by {result.shift:.4f} "
            f"{result.unit} (95th percentile), {result.worst:.4f} at most"
        )
        if result.kept:
            click.echo(f"in float already: {', '.join(result.kept)}")
        rows = [(layer.layer, layer.error, layer.gain, layer.gain_worst) for layer in result.layers]
        headers = ["layer", "error, steps", f"kept float: p95 less by, {result.unit}", "largest less by"]
        click.echo(tabulate(rows, headers=headers, floatfmt=("", ".3f", "+.4f", "+.4f"), missingval="-"))
