"""edgefkp predict: keypoints of images, folders and videos."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import (
    engine_options,
    finder_option,
    free_option,
    json_option,
    log,
    log_credits,
    min_face_option,
    model_option,
    print_json,
)
from edgefkp.cli.parameters import LayoutChoice, SharedOption
from edgefkp.data.progress import progress_bar
from edgefkp.errors import FAILED, counted

if TYPE_CHECKING:
    from edgefkp.detect.predict import Predicted
    from edgefkp.layout import PointLayout
    from edgefkp.runtime.engine import Engine

MOST_WORKERS = 64  # each takes about 100 MB
MOST_SECONDS = 86_400.0
_SHOWN = 10  # skipped files that are listed by name; all of them are in --json


def _layout_help() -> str:
    from edgefkp.layout import LAYOUTS

    names = ", ".join(LAYOUTS.names())
    return f"Write and draw other points, if they follow from the model's: {names}, or a JSON file."


@click.command("predict")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("predicted"),
    show_default=True,
    help="Folder for the table and the images.",
)
@model_option
@finder_option()
@click.option("--faces", type=click.IntRange(min=1), help="Most faces per image. [default: all; video: 1]")
@min_face_option
@free_option
@click.option(
    "--format",
    "table",
    cls=SharedOption,
    old=("--points",),
    type=click.Choice(["csv", "json", "coco"]),
    default="csv",
    show_default=True,
    help="Format of the points; json: JSON Lines; coco: COCO keypoints, for labeling tools and --data.",
)
@click.option(
    "--layout",
    cls=SharedOption,
    type=LayoutChoice(),
    help_from=_layout_help,
    metavar="LAYOUT",
)
@click.option("--overlays/--no-overlays", default=True, help="Write the images with their keypoints drawn in.")
@click.option("--names", is_flag=True, help="Draw the points' names, too.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, MOST_WORKERS),
    metavar="N",
    help=f"Number of processes, at most {MOST_WORKERS}.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, MOST_SECONDS),
    metavar="SECONDS",
    help="Images that take longer are skipped, and videos with such a frame. [default: 300]",
)
@engine_options
@json_option
def command(
    paths: tuple[Path, ...],
    out: Path,
    model: str | None,
    finder: str,
    faces: int | None,
    min_face: float | None,
    free: bool,
    table: str,
    layout: "PointLayout | None",
    overlays: bool,
    names: bool,
    workers: int,
    timeout: float | None,
    runtime: "Engine",
    as_json: bool,
) -> int:
    """Write the keypoints of each PATH (image, folder or video), and the images with the keypoints drawn in.

    Re-run the same command to resume: what was predicted from the same content is left as it is. Other settings need
    another --out. Files that cannot be read, were cut off, or take longer than --timeout are listed, and the exit code
    is then 1.
    """
    from edgefkp.detect.folders import named
    from edgefkp.detect.images import TIMEOUT
    from edgefkp.detect.predict import Item, PredictSettings, look_for, predict

    items, left_out = look_for(paths, out)
    limit = timeout or TIMEOUT
    settings = PredictSettings(
        out, model, finder, faces, runtime, overlays, names, table, limit, layout, min_face, free
    )
    detector = settings.detector()  # errors of the model or the finder come before the progress bar
    settings.points_of(detector)
    with progress_bar("predict", len(items)) as bar:

        def done(item: Item) -> None:
            bar.update(1)

        result = predict(items, settings, workers, done, detector)
    result = replace(result, left_out=dict(left_out), credits=detector.credits)
    if as_json:
        print_json(result)
    else:
        click.echo(_sentence(result))
    log_credits(detector.credits)
    if left_out:
        log(f"left out of the folders: {named(left_out)}")
    for name, reason in list(result.silent.items())[:_SHOWN]:
        log(f"the overlay of {name} has no sound: {reason}")
    for name, reason in list(result.skipped.items())[:_SHOWN]:
        log(f"skipped {name}: {reason}")
    if len(result.skipped) > _SHOWN:
        log(f"and {len(result.skipped) - _SHOWN} more")
    return FAILED if result.skipped else 0


def _sentence(result: "Predicted") -> str:
    done = [counted(number, what) for number, what in ((result.images, "image"), (result.videos, "video")) if number]
    text = (
        f"{result.out}: {' and '.join(done)}: {counted(result.faces, 'face')} found"
        if done
        else f"{result.out}:{'' if result.earlier else ' nothing'}"
    )
    if result.without_face and result.images + result.videos > 1:
        text += f", {counted(result.without_face, 'image')} without a face"
    return text + (f"{';' if done else ''} {counted(result.earlier, 'file')} done earlier" if result.earlier else "")
