"""edgefkp parity: .tflite files against the models they were converted from."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.card_data import data_of
from edgefkp.cli.contract_options import contract_options
from edgefkp.cli.network_options import import_option
from edgefkp.cli.options import (
    card_data_option,
    engine_options,
    folder_option,
    json_option,
    layout_option,
    max_delta_option,
    models_dir_option,
    print_json,
    reading_options,
)
from edgefkp.cli.tflite_files import tflite_files
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, counted
from edgefkp.export.schemes import FLOAT, TfliteName, parse_tflite

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading
    from edgefkp.evaluation.table import Table
    from edgefkp.export.parity import Parity, Reference
    from edgefkp.layout import ModelSpec, PointLayout
    from edgefkp.runtime.contract import Stated
    from edgefkp.runtime.engine import Engine


@click.command("parity")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--reference",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The network before conversion: .keras or .tflite. "
    f"[default: the .keras of each model, else its {FLOAT} file]",
)
@max_delta_option
@click.option("--points", is_flag=True, help="Also show the shift of each point.")
@engine_options
@card_data_option
@layout_option
@reading_options
@models_dir_option
@folder_option("--export-dir", "export", "Folder of the files.", old=("--dir",))
@contract_options
@import_option
@json_option
def command(
    files: tuple[Path, ...],
    reference: Path | None,
    max_delta: float | None,
    points: bool,
    runtime: "Engine",
    data: str | None,
    layout: "PointLayout | None",
    reading: "Reading",
    models_dir: Path,
    export_dir: Path,
    stated: "Stated | None",
    as_json: bool,
) -> None:
    """Compare .tflite FILES with their networks on the labeled test faces of DATA.

    FILES are .tflite files, folders of them, or names of shipped models (default: export/). Each side is fed what its
    own card or file describes; the options describe a side that has neither.
    """
    from edgefkp.data.formats import open_for
    from edgefkp.evaluation.evaluate import part_of
    from edgefkp.evaluation.fitted import fitted_faces
    from edgefkp.export.inspect import verify_scheme
    from edgefkp.export.parity import compared_with, labeled, parity, require_delta

    paths = tflite_files(files, export_dir)
    schemes = {path: verify_scheme(path) for path in paths}
    references = {path: reference or _reference(path, models_dir) for path in paths}
    if data is None:
        data, reading = data_of([*paths, *references.values()], reading)
    specs = {path: _spec(path, stated) for path in paths}
    source = open_for(data, specs[paths[0]], layout, reading=reading)
    faces = labeled(part_of(source, "test"))
    asked: dict[tuple[Path, ModelSpec], Reference] = {}
    results: list[Parity] = []
    with progress_bar("parity", len(paths) * len(faces)) as bar:
        for path in paths:
            before, spec = references[path], specs[path]
            own = fitted_faces(spec, faces, path.name).seen
            if (before, spec) not in asked:
                asked[before, spec] = compared_with(before, faces, spec, stated)
            bar.label = path.name
            described = {"name": source.name, "part": "test"}
            reference_points = asked[before, spec]
            results.append(
                parity(path, schemes[path], own, described, reference_points, runtime, progress=bar.update, spec=spec)
            )
    if as_json:
        print_json(results)
    else:
        click.echo(parity_table(results).text())
        if points:
            click.echo(f"\n{points_table(results)}")
    if max_delta is not None:
        require_delta(results, max_delta)


def _spec(path: Path, stated: "Stated | None") -> "ModelSpec":
    """What the file takes and returns: by its metadata or card, else as it is stated, or its graph shows."""
    from edgefkp.export.parity import network_spec
    from edgefkp.runtime.metadata import spec_of

    spec = network_spec(path)
    return stated.over(spec) if stated and spec_of(path) is None else spec


def _reference(path: Path, models_dir: Path) -> Path:
    from importlib.util import find_spec

    model = parse_tflite(path).model
    networks = (models_dir / f"{model}.keras", path.with_name(f"{model}.keras"))
    plain = path.with_name(TfliteName(model, FLOAT, False).filename)
    if find_spec("tensorflow") and (found := [network for network in networks if network.is_file()]):
        return found[0]
    if plain.is_file():
        return plain
    raise EdgefkpError(
        f"{path.name}: neither {networks[0]} nor {plain} is there to compare with",
        "name the network before conversion: --reference FILE",
    )


def parity_table(results: "list[Parity]") -> "Table":
    from edgefkp.evaluation.table import Column, Table

    rows = [
        (
            result.file.removesuffix(".tflite"),
            f"{result.rmse_before:.4f}",
            f"{result.rmse_after:.4f}",
            f"{result.delta:+.4f}",
            f"{result.interval[0]:+.4f}..{result.interval[1]:+.4f}",
            f"{result.shift.p95:.3f}",
            f"{result.shift.max:.3f}",
            "-" if result.saturated is None else str(result.saturated),
        )
        for result in results
    ]
    first = results[0]
    counts = f"{first.faces:,} faces of {counted(first.persons, 'person')}, {first.coordinates:,} coordinates"
    used = ", ".join(sorted({_ran_on(result) for result in results}))
    references = ", ".join(sorted({f"{result.reference['file']}" for result in results}))
    heads = ["RMSE\nbefore", "\nafter", "\nchange", "\n95 %", "shift\np95", "\nlargest", "at end"]
    columns = [Column("file (.tflite)", "left", narrowest=18), *map(Column, heads)]
    return Table(
        columns,
        rows,
        [
            "RMSE, its change and the shift of points in px; at end: outputs at the end of their range",
            f"{first.data['name']}, test: {counts}; {used}; before: {references}",
        ],
    )


def _ran_on(result: "Parity") -> str:
    return f"{result.runtime} {result.version}" + (f" on {result.accelerator}" if result.accelerator else "")


def points_table(results: "list[Parity]") -> str:
    from tabulate import tabulate

    rows = [
        (name, *[f"{r.shift_per_point[name].p95:.3f} / {r.shift_per_point[name].max:.3f}" for r in results])
        for name in results[0].shift_per_point
    ]
    headers = ["p95 / max shift, px", *[result.file.removesuffix(".tflite").split(".", 1)[-1] for result in results]]
    return tabulate(rows, headers=headers)
