"""Draw faces with exact points, in the form of a user's own folder.

    python -m bench.renders head.npz --count 2000 --out renders

head.npz is that of bench.renders.head. Writes photos/*.jpg and points.csv; every face is a person of its own.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click

from bench.renders.head import read_head
from bench.renders.scene import Artist
from edgefkp.cli.options import log
from edgefkp.data.progress import progress_bar
from edgefkp.errors import writing
from edgefkp.files import write_text
from edgefkp.layout import KAGGLE15

QUALITY = 90  # of the JPEG files


@click.command()
@click.argument("head", type=click.Path(path_type=Path))
@click.option("--count", default=2000, show_default=True, type=click.IntRange(min=1), help="Number of images.")
@click.option("--seed", default=0, show_default=True, help="Other images.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the images and their points.")
def main(head: Path, count: int, seed: int, out: Path) -> None:
    """Draw COUNT faces of HEAD, an .npz."""
    import cv2

    model = read_head(head)
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["file", "person", *(f"{name}_{axis}" for name in KAGGLE15.points for axis in "xy")])
    (out / "photos").mkdir(parents=True, exist_ok=True)
    with progress_bar("faces", count) as bar:
        for number in range(count):
            image, points = Artist(model, seed * 1_000_000 + number).draw()
            name = f"photos/render-{seed}-{number:06d}.jpg"
            with writing(out / name):
                cv2.imwrite(str(out / name), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            rows.writerow([name, f"rendered:{seed}-{number}", *(f"{value:.2f}" for value in points.ravel())])
            bar.update(1)
    write_text(out / "points.csv", table.getvalue())
    log(f"{count} faces: {out}")


if __name__ == "__main__":
    main()
