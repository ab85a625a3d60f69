"""edgefkp predict: keypoints of pictures, folders and videos."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, note, print_json
from edgefkp.detect import finders
from edgefkp.errors import FAILED

if TYPE_CHECKING:
    from edgefkp.detect.predict import Predicted

_SHOWN = 10  # skipped files that are listed by name; all of them are in --json


@click.command("predict")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--out", type=click.Path(path_type=Path), default=Path("predicted"), show_default=True)
@click.option("--model", help="A .tflite file or a shipped model. [default: the shipped one]")
@click.option("--finder", default=finders.DEFAULT, show_default=True, help=f"Face finder: {finders.usages()}.")
@click.option("--faces", type=click.IntRange(min=1), help="At most so many of one picture. [default: all; video: 1]")
@click.option(
    "--points", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="json: JSON Lines."
)
@click.option("--overlays/--no-overlays", default=True, help="Write the pictures with their keypoints.")
@click.option("--names", is_flag=True, help="Write the points' names on the overlays.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Processes.")
@click.option("--runtime", help="litert, tflite-runtime, tensorflow. [default: the first installed]")
@json_option
def command(
    paths: tuple[Path, ...],
    out: Path,
    model: str | None,
    finder: str,
    faces: int | None,
    points: str,
    overlays: bool,
    names: bool,
    workers: int,
    runtime: str | None,
    as_json: bool,
) -> int:
    """Write the keypoints of each PATH (picture, folder or video) and pictures with them drawn in.

    Typed again, it goes on where it was stopped. Files that cannot be read are listed, and the exit code is then 1.
    """
    from edgefkp.detect.predict import Item, PredictSettings, find_items, predict

    items = find_items(paths, out)
    settings = PredictSettings(out, model, finder, faces, runtime, overlays, names, points)
    detector = settings.detector()  # errors of the model or the finder come before the progress bar
    with click.progressbar(length=len(items), label="predict", file=sys.stderr) as bar:

        def done(item: Item) -> None:
            bar.update(1)

        result = predict(items, settings, workers, done, detector)
    if as_json:
        print_json(result)
    else:
        click.echo(_sentence(result))
    for name, reason in list(result.skipped.items())[:_SHOWN]:
        note(f"skipped {name}: {reason}")
    if len(result.skipped) > _SHOWN:
        note(f"and {len(result.skipped) - _SHOWN} more")
    return FAILED if result.skipped else 0


def _sentence(result: "Predicted") -> str:
    counts = [(result.images, "pictures"), (result.videos, "videos"), (result.earlier, "done earlier")]
    work = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing"
    return f"{result.out}: {work}; {result.faces} faces, {result.without_face} pictures without one"
