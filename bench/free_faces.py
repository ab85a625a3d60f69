"""Free faces as a folder with a part for each person: train.csv, validation.csv and test.csv beside their photos.

    python -m bench.free_faces FREE-FACES OUT

FREE-FACES has points.csv and photos/. In the order of the persons' names every fifth, from the first, is test; of the
rest every fifth is validation. `edgefkp train --data OUT` then trains, chooses and tests on persons of their own.
"""

import csv
import io
import shutil
from pathlib import Path

import click

from edgefkp.cli.options import log
from edgefkp.errors import reading, writing
from edgefkp.files import write_text

TABLE, PHOTOS = "points.csv", "photos"
PARTS = ("train", "validation", "test")
NTH = 5
TERMS = (
    "CC BY 4.0: Face Research Lab London set and its Canadian sister, Lisa DeBruine and Benedict Jones (2017), "
    "figshare 5047666 and 4220517; BSD-3-Clause: csuScrapShots of pyvision_toolkit 1.3.6, Colorado State University; "
    "Apache-2.0: MediaPipe face mesh, which placed the points of 267 of the 409 photos"
)


def parts_of(persons: list[str]) -> dict[str, str]:
    """Person -> part."""
    names = sorted(set(persons))
    test = names[::NTH]
    rest = [name for name in names if name not in set(test)]
    validation = set(rest[::NTH])
    return {name: "test" if name in set(test) else "validation" if name in validation else "train" for name in names}


def tables_of(path: Path) -> dict[str, str]:
    """Part -> the rows of the table that belong to it, as a CSV."""
    with reading(path, "a CSV with the columns file and person", "give the folder of free faces"):
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        person = header.index("person")
    parts = parts_of([row[person] for row in rows])
    texts = {}
    for part in PARTS:
        stream = io.StringIO()
        csv.writer(stream).writerows([header, *(row for row in rows if parts[row[person]] == part)])
        texts[part] = stream.getvalue()
    return texts


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
def main(source: Path, out: Path) -> None:
    """Copy the photos of SOURCE to OUT, and write a table for each part."""
    texts = tables_of(source / TABLE)
    with writing(out):
        shutil.copytree(source / PHOTOS, out / PHOTOS, dirs_exist_ok=True)
    for part, text in texts.items():
        write_text(out / f"{part}.csv", text)
        log(f"{part}: {text.count(chr(10)) - 1} faces")
    click.echo(f"--license '{TERMS}'")


if __name__ == "__main__":
    main()
