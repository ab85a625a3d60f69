"""A .pts file for each face, as 300-W has them: points counted from 1."""

from collections import Counter
from pathlib import Path, PurePosixPath

from edgefkp.data.formats.pts import FIRST
from edgefkp.data.persons import FILE, write_persons
from edgefkp.data.photos import Photos
from edgefkp.data.written import WRITERS, Writer, parts_of
from edgefkp.files import write_text

FOLDER = "points"


def _write(photos: Photos, names: list[str], out: Path) -> list[Path]:
    parts = parts_of(photos, names)
    files = []
    for part, (own, own_names) in parts.items():
        folder = out / FOLDER / (part if len(parts) > 1 else "")
        faces: Counter[str] = Counter()
        for row, name in enumerate(own_names):
            stem = PurePosixPath(name).with_suffix("")
            more = f"_{faces[name]}" if faces[name] else ""
            faces[name] += 1
            lines = [f"{x + FIRST!r} {y + FIRST!r}" for x, y in own.points[row].astype(float).tolist()]
            text = "\n".join(["version: 1", f"n_points: {len(lines)}", "{", *lines, "}", ""])
            files.append(write_text(folder / stem.parent / f"{stem.name}{more}.pts", text))
    if photos.persons is not None:
        files.append(write_persons(photos, names, out))
    return files


WRITERS.add(
    Writer(
        "pts",
        f"300-W's .pts files, and {FILE}",
        (f"{FOLDER}/**/*.pts", FILE),
        _write,
        loses="visibility and names of points",
    )
)
