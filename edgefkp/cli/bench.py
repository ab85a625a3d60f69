"""edgefkp bench: measure .tflite files on this machine."""

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgefkp.bench.plan import Plan

from edgefkp.cli.options import data_option, json_option, note, print_json
from edgefkp.errors import EdgefkpError


@click.command(short_help="Measure .tflite files: export/ -> bench/.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--device", default="cpu", show_default=True, help="cpu: this machine.")
@data_option(default=None)
@click.option("--images", default=100, show_default=True, help="Different faces of --data to time and score on.")
@click.option("--runtime", "runtimes", multiple=True, help="litert or tflite-runtime; again for both side by side.")
@click.option("--threads", "threads", multiple=True, type=click.IntRange(1), help="1 by default; again for several.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(["invoke", "e2e"]), help="Both by default.")
@click.option("--quick", is_flag=True, help="Two short processes a cell: a first look, wide intervals.")
@click.option("--name", help="Name of the result file; the time of day by default.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("bench/results"),
    show_default=True,
    help="Folder for the result's JSON.",
)
@json_option
def command(
    files: tuple[Path, ...],
    device: str,
    data: str | None,
    images: int,
    runtimes: tuple[str, ...],
    threads: tuple[int, ...],
    modes: tuple[str, ...],
    quick: bool,
    name: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure FILES (.tflite files, or folders of them; default: export/).

    Prints seconds per 100 different images, for the interpreter alone and from a camera-like frame to keypoints (e2e),
    and stores every raw time. With --data, the same outputs give the RMSE.
    """
    from edgefkp.bench import harness, pictures, plan, result, table

    if device != "cpu":
        raise click.BadParameter(f"'{device}': only cpu is known", param_hint="--device")
    settings = plan.QUICK if quick else plan.FULL
    shown = pictures.pictures_of(data, images) if data else pictures.drawn_pictures()
    wanted = harness.cells_of(tflite_files(files), runtimes or ("",), threads or (1,), modes=modes or plan.MODES)
    name = name or datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    partial = harness.partial_folder(out, wanted, shown, settings)
    measured = harness.measure(wanted, shown, settings, name, device, partial, _announce, _progress)
    stored = result.save(measured, out / f"{name}.json")
    harness.discard(partial)
    if as_json:
        print_json(measured)
    else:
        click.echo(table.terminal([measured]))
    note(f"stored: {stored}")
    if measured.failed:
        first = measured.failed[0]
        raise EdgefkpError(f"{len(measured.failed)} could not be measured: {first.message}", first.hint)


def tflite_files(paths: tuple[Path, ...]) -> list[Path]:
    """The files named, and those in the folders named (default: export/), each once.

    Raises EdgefkpError where there is none.
    """
    found: list[Path] = []
    for path in paths or (Path("export"),):
        if path.is_dir():
            found += sorted(path.glob("*.tflite"))
        elif path.exists():
            found.append(path)
        elif paths:
            raise EdgefkpError(f"{path} does not exist", "give .tflite files or folders that hold some")
    if not found:
        where = ", ".join(str(path) for path in paths) or "export/"
        hint = "make one: edgefkp export; or name files: edgefkp bench FILE.tflite"
        raise EdgefkpError(f"there is no .tflite file in {where}", hint)
    return list(dict.fromkeys(found))


def _announce(plan: "Plan", seconds: float) -> None:
    settings = plan.settings
    note(
        f"plan: {len(plan.cells)} cells x {settings.processes} processes of {settings.seconds:g} s, rounds shuffled "
        f"(seed {settings.seed}); about {max(1, round(seconds))} s"
    )


def _progress(done: int, total: int, label: str) -> None:
    if label:
        note(f"  {done + 1}/{total} {label}")
