"""edgefkp bundle: pack everything that measures into a zip, for a board without network."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.bench import settings_of, tflite_files
from edgefkp.cli.options import data_option, note


@click.command(short_help="Pack files, images and the harness for another machine.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@data_option(default=None)
@click.option("--images", default=100, show_default=True, help="Different faces of --data to time and score on.")
@click.option("--threads", multiple=True, type=click.IntRange(1), help="1 by default; again for several.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    type=click.Choice(["invoke", "e2e"]),
    help="Both by default; e2e needs OpenCV on the board.",
)
@click.option("--quick", is_flag=True, help="Time two short processes a case: a first look, with wide intervals.")
@click.option("--processes", type=click.IntRange(1), help="Fresh processes for each case, instead of 5.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Seconds that each process is timed for, instead of 2."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("edgefkp-bundle.zip"), show_default=True)
def command(files: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Pack FILES (.tflite files, or folders of them; default: export/) with images and the harness into one zip.

    On the board it needs Python, numpy and a runtime only: unzip it and follow its README.txt, or type
    edgefkp bench --bundle ZIP. The faces of --data travel with it, under their own license.
    """
    from edgefkp.bench import bundle, timed_images
    from edgefkp.bench.plan import MODES, cases_of

    paths = tflite_files(files)
    images = timed_images.images_for(options["data"], options["images"], timed_images.inputs_of(paths))
    modes, threads = options["modes"] or MODES, options["threads"] or (1,)
    cases = cases_of(paths, threads=threads, modes=modes)
    bundle.make_zip(out, cases, images, settings_of(options))
    click.echo(out)
    note(f"{len({case.file for case in cases})} files, {len(images.images)} images ({images.name}; {images.license})")
