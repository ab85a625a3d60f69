"""persons.csv beside labels that name no persons: the columns file and person, a row for each photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from edgefkp.data.face_table import PERSON_WORDS, file_column, word
from edgefkp.data.photos import Photos
from edgefkp.data.points_csv import read_table
from edgefkp.errors import EdgefkpError, some
from edgefkp.files import write_text

FILE = "persons.csv"


def with_persons(photos: Photos, folder: Path) -> Photos:
    """The same faces with the persons of FILE in `folder` or the one above it; as they are where there is none, or
    where the labels name persons.

    Raises EdgefkpError for a file that is damaged, or lacks a photo.
    """
    path = next((place / FILE for place in (folder, folder.parent) if (place / FILE).is_file()), None)
    if photos.persons is not None or path is None:
        return photos
    header, rows = read_table(path)
    file = file_column(header, [cell if isinstance(cell, str) else "" for cell in rows[0].values()] if rows else [])
    person = next((name for name in header if word(name) in PERSON_WORDS), None)
    if file is None or person is None:
        raise EdgefkpError(f"{path} lacks file or person; found: {some(header)}", "name its columns: file,person")
    known = {_key(row[file] or ""): (row[person] or "").strip() for row in rows}
    names = [str(name) for name in photos.ids]
    found = [_found(known, name, path.name) for name, path in zip(names, photos.paths, strict=True)]
    if missing := [name for name, one in zip(names, found, strict=True) if one is None]:
        raise EdgefkpError(
            f"{path} has no row for {len(missing)} of {len(names)} photos: {some(missing)}",
            "add them; an empty person is a person of their own",
        )
    return replace(photos, persons=np.array([one or "" for one in found]))


def _found(known: dict[str, str], name: str, file: str) -> str | None:
    """The person of the face with this name on this file: its own row, else that of the photo."""
    further = name[len(_photo(name)) :]
    keys = [_key(one) for one in (name, file + further, _photo(name), file)]
    return next((known[key] for key in keys if key in known), None)


def _photo(name: str) -> str:
    """Without the number of a further face on it."""
    photo, sign, number = name.rpartition("#")
    return photo if sign and number.isdigit() else name


def _key(name: str) -> str:
    """Of a face, however the path and suffix of its photo are written."""
    photo = _photo(name)
    path = PurePosixPath(photo.strip().replace("\\", "/"))
    return (str(path.with_suffix("")) if path.name else "").lower() + name[len(photo) :]


def write_persons(photos: Photos, names: list[str], folder: Path) -> Path:
    """FILE for the faces on photos of these names."""
    assert photos.persons is not None
    faces = [f"{name}{face[len(_photo(face)) :]}" for name, face in zip(names, photos.ids.tolist(), strict=True)]
    rows = zip(faces, photos.persons.tolist(), strict=True)
    lines = [",".join(_quoted(cell) for cell in row) for row in (("file", "person"), *rows)]
    return write_text(folder / FILE, "\n".join(lines) + "\n")


def _quoted(cell: str) -> str:
    return f'"{cell.replace(chr(34), 2 * chr(34))}"' if set(cell) & {",", '"', "\n", "\r", ";", "\t"} else cell
