"""edgefkp bundle: pack everything that measures into a zip, for a board without network."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.bench import settings_of
from edgefkp.cli.options import data_option, layout_option, log, reading_options
from edgefkp.cli.tflite_files import tflite_files
from edgefkp.cli.timing import timing_options
from edgefkp.errors import counted


@click.command(short_help="Pack files, images and the harness for another machine.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@data_option(default=None)
@layout_option
@reading_options
@timing_options
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("edgefkp-bundle.zip"), show_default=True, help="The zip."
)
def command(files: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Pack FILES with images and the harness into one zip.

    FILES are .tflite files, folders of them, or names of shipped models (default: export/).

    The board only needs Python, numpy and a runtime. Unzip the bundle and follow README.txt, or run
    edgefkp bench --bundle ZIP. The bundle includes the faces of --data, under their own license.
    """
    from edgefkp.bench import bundle, timed_images
    from edgefkp.bench.plan import MODES, cases_of

    paths = tflite_files(files)
    images = timed_images.images_for(
        options["data"], options["images"], timed_images.specs_of(paths), options["layout"], options["reading"]
    )
    modes, threads = options["modes"] or MODES, options["threads"] or (1,)
    cases = cases_of(paths, threads=threads, modes=modes)
    bundle.make_zip(out, cases, images, settings_of(options))
    click.echo(out)
    files_in, images_in = counted(len({case.file for case in cases}), "file"), counted(len(images.images), "image")
    log(f"{files_in}, {images_in} ({images.name}; {images.license})")
