"""edgefkp bundle: everything that measures, as a zip for a board without network."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.bench import settings_of, tflite_files
from edgefkp.cli.options import data_option, note


@click.command(short_help="Pack files, pictures and the harness for another machine.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@data_option(default=None)
@click.option("--images", default=100, show_default=True, help="Different faces of --data to time and score on.")
@click.option("--threads", multiple=True, type=click.IntRange(1), help="1 by default; again for several.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(["invoke", "e2e"]), help="Both by default.")
@click.option("--quick", is_flag=True, help="Two short processes a cell: a first look, wide intervals.")
@click.option("--processes", type=click.IntRange(1), help="Fresh processes a cell, instead of 5.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Steady seconds a process, instead of 2.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("edgefkp-bundle.zip"), show_default=True)
def command(files: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Pack FILES (.tflite files, or folders of them; default: export/) with pictures and the harness into one zip.

    On the board it needs Python, numpy and a runtime only: unzip it and follow its README.txt, or type
    edgefkp bench --bundle ZIP. The faces of --data travel with it, under their own licence.
    """
    from edgefkp.bench import bundle, timed_images
    from edgefkp.bench.plan import MODES, cells_of

    shown = timed_images.pictures_for(options["data"], options["images"])
    modes, threads = options["modes"] or MODES, options["threads"] or (1,)
    cells = cells_of(tflite_files(files), threads=threads, modes=modes)
    bundle.make_zip(out, cells, shown, settings_of(options))
    click.echo(out)
    note(f"{len({cell.file for cell in cells})} files, {len(shown.images)} pictures ({shown.name}; {shown.licence})")
