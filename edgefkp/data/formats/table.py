"""A CSV of points in the pixels of photos, or a folder of one for each part."""

from collections.abc import Sequence
from pathlib import Path

from edgefkp.data.face_table import columns_of, is_image_name
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.own_layout import layout_of
from edgefkp.data.photo_folder import PhotoFolder, part_of
from edgefkp.data.photos import PARTS, LabeledFace, Photos, photos_of
from edgefkp.data.points_csv import PointsTable, columns_in_words, read_faces, read_table, refusal
from edgefkp.errors import EdgefkpError, some
from edgefkp.files import visible
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout
from edgefkp.layouts.maps import find_conversion

SUFFIXES = (".csv", ".tsv")
_PACKED = (".gz", ".xz", ".bz2", ".7z", ".rar", ".zip", ".tar", ".tgz")
_LABELS = (".json", ".jsonl", ".xml", ".txt", ".pts", ".mat", ".yaml", ".xlsx", ".ods", ".npz", ".npy", *_PACKED)


def open_table(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """The faces of a CSV whose photos lie beside or below it, or those of a folder's CSVs.

    Several CSVs of a folder are the parts that their names have: train, validation, test. Raises EdgefkpError where
    it is not clear which CSV is meant, and where the parts have other points.
    """
    folder = path if path.is_dir() else path.parent
    files = _by_part(path, layout) if path.is_dir() else {PARTS[0]: path}
    tables = {part: read_faces(file, layout) for part, file in files.items()}
    first = next(iter(tables.values()))
    own, places = _layout(first, layout)
    photos = PhotoFolder(folder)
    faces = []
    for part, table in tables.items():
        if sorted(table.names) != sorted(first.names):
            raise EdgefkpError(
                f"{table.path} has other points than {first.path.name}: {some(table.names)}",
                "give all parts the same columns",
            )
        order = places if table.names == first.names else [table.names.index(first.names[place]) for place in places]
        faces += _faces(table, part, photos, order)
    source = first.path if len(tables) == 1 else folder
    return photos_of(path.resolve().name if path.is_dir() else path.stem, source, own, faces)


def _layout(table: PointsTable, asked: PointLayout | None) -> tuple[PointLayout, list[int]]:
    """The points of the table, and the places of its columns; those that are asked for alone, where it has them."""
    own, order = layout_of(table.names, table.keypoints, str(table.path), asked)
    if asked and not find_conversion(own, asked):
        header = [column for pair in table.columns.points.values() for column in pair]
        raise refusal(table.path, [table.columns.file, *header], asked)
    return own, order


def _faces(table: PointsTable, part: str, photos: PhotoFolder, places: list[int]) -> list[LabeledFace]:
    persons: Sequence[str | None] = table.persons or [None] * len(table.files)
    points, visibility = table.keypoints[:, places], table.visibility
    known = zip(table.files, points, table.lines, persons, table.label_src, table.boxes, strict=True)
    return [
        LabeledFace(
            name,
            photos.find(name),
            face,
            f"line {line}",
            part,
            person,
            source,
            visibility=None if visibility is None else visibility[row, places],
            box=box,
            columns=tuple((column, table.rows[row][column] or "") for column in table.columns.others),
        )
        for row, (name, face, line, person, source, box) in enumerate(known)
    ]


def _by_part(folder: Path, layout: PointLayout | None) -> dict[str, Path]:
    """The CSV of each part; of several, those that no photo or no point is in do not count."""
    tables = [table for suffix in SUFFIXES for table in visible(folder, f"*{suffix}")]
    if len(tables) > 1 and any(faces := [_has_faces(table) for table in tables]):
        tables = [table for table, has in zip(tables, faces, strict=True) if has]
    if len(tables) == 1:
        return {PARTS[0]: tables[0]}
    named: dict[str, list[Path]] = {}
    for table in tables:
        named.setdefault(part_of(table.name) or PARTS[0], []).append(table)
    if not tables:
        raise _nothing_in(folder, layout)
    if PARTS[0] not in named or any(len(files) > 1 for files in named.values()):
        found = some([table.name for table in tables])
        raise EdgefkpError(
            f"{folder} has {len(tables)} CSV files of points ({found}), expected one, or one for each of "
            f"{', '.join(PARTS)} by their names",
            f"put images and one CSV there, with the columns: {columns_in_words(layout or KAGGLE15)}; or give the CSV",
        )
    return {part: named[part][0] for part in PARTS if part in named}


def _nothing_in(folder: Path, layout: PointLayout | None) -> EdgefkpError:
    files = [file for file in visible(folder, "**/*") if not is_image_name(file.name)]
    labels = [str(file.relative_to(folder)) for file in files if file.suffix.lower() in _LABELS]
    found = f"found: {some(labels)}" if labels else "0 CSV files"
    packed = [name for name in labels if name.endswith(_PACKED)]
    hint = f"unpack {packed[0]}; " if packed else ""
    hint += f"a CSV needs the columns {columns_in_words(layout or KAGGLE15)}; `edgefkp data formats` lists other forms"
    return EdgefkpError(f"{folder} has no labels of a form that is known ({found})", hint)


def _has_faces(table: Path) -> bool:
    header, rows = read_table(table)
    cells = [cell if isinstance(cell, str) else "" for cell in rows[0].values()] if rows else []
    return columns_of(header, cells) is not None


def is_table(path: Path) -> bool:
    return path.is_dir() or (path.suffix.lower() in SUFFIXES and path.is_file())


FORMATS.add(
    Format(
        "csv",
        "a CSV of points beside its images, or their folder",
        is_table,
        open_table,
        rank=30,
        holds="names of points, persons, visibility, boxes, your own columns, several faces a photo, parts",
    )
)
