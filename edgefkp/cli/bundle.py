"""edgefkp bundle: pack everything that measures into a zip, for a board without network."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.bench import settings_of, tflite_files
from edgefkp.cli.options import data_option, layout_option, log, reading_options
from edgefkp.cli.timing import timing_options


@click.command(short_help="Pack files, images and the harness for another machine.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@data_option(default=None)
@layout_option
@reading_options
@timing_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("edgefkp-bundle.zip"), show_default=True)
def command(files: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Pack FILES (.tflite files, or folders of them; default: export/) with images and the harness into one zip.

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
    log(f"{len({case.file for case in cases})} files, {len(images.images)} images ({images.name}; {images.license})")
