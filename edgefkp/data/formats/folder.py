"""A folder of images and one CSV of points in their own pixels."""

from pathlib import Path

from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.photos import LabeledFace, Photos, photos_of
from edgefkp.data.points_csv import columns_of, read_points
from edgefkp.errors import EdgefkpError, some
from edgefkp.files import visible
from edgefkp.layout import KAGGLE15, InputSpec, PointLayout


def open_folder(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Photos:
    """The faces that the folder's CSV names; there is no test part of its own.

    Raises EdgefkpError where there is not exactly one CSV.
    """
    layout = layout or KAGGLE15
    table = _only_csv(path, layout)
    files, points, persons = read_points(table, layout)
    faces = [
        LabeledFace(name, path / name, face, f"row {row + 1}", person=persons[row] if persons else None)
        for row, (name, face) in enumerate(zip(files, points, strict=True))
    ]
    return photos_of(path.resolve().name, table, layout, faces)


def _only_csv(path: Path, layout: PointLayout) -> Path:
    tables = visible(path, "*.csv")
    if len(tables) != 1:
        found = some([table.name for table in tables]) if tables else "none"
        raise EdgefkpError(
            f"{path} has {len(tables)} CSV files ({found}), and neither training.csv nor training.zip",
            f"put images and one CSV there, with the columns: {columns_of(layout)}",
        )
    return tables[0]


FORMATS.add(Format("folder", "a folder of images and a points CSV", Path.is_dir, open_folder, rank=30))
