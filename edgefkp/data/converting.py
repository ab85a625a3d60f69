"""Labeled faces from one form into another."""

from dataclasses import dataclass
from pathlib import Path

from edgefkp.data.cutting import require_photos
from edgefkp.data.faces import Dataset
from edgefkp.data.formats import open_dataset, open_source
from edgefkp.data.photos import Photos, Reading
from edgefkp.data.written import WRITERS, write
from edgefkp.errors import UsageError
from edgefkp.layout import InputSpec, PointLayout


@dataclass(frozen=True)
class Converted:
    """What `edgefkp data convert --json` prints."""

    out: Path
    form: str
    faces: int
    images: int
    points: int  # of a face
    layout: str
    files: list[Path]  # of labels
    loses: str  # what the form cannot hold
    data: Path  # what --data takes
    schema: str = "edgefkp.data.convert"
    version: int = 1


def convert(
    data: str,
    form: str,
    out: Path,
    labels: str = "csv",
    layout: PointLayout | None = None,
    input: InputSpec = InputSpec(),  # noqa: B008
    reading: Reading = Reading(),  # noqa: B008
    replace: bool = False,
) -> Converted:
    """Write the faces of `data` into the folder `out`.

    Raises EdgefkpError for data that cannot be opened, for photos that are missing unless they are to be skipped, and
    for a folder that is not empty unless its files are to be replaced.
    """
    writer = WRITERS[form]
    if Path(data).resolve() == out.resolve():
        raise UsageError(f"{out} is what is read", "choose another folder: --out")
    source: Photos | Dataset
    if writer.photos is None:
        source = open_dataset(data, labels, layout, input, reading)
    else:
        _, source = open_source(data, labels, layout, input, reading)
        if isinstance(source, Photos):
            source = require_photos(source.in_layout(layout) if layout else source, reading.skip_missing_images)
        else:
            source = source.with_parts(lambda faces: faces.in_layout(layout) if layout else faces)
    files = write(writer, source, out, replace)
    if isinstance(source, Photos):
        faces, images = len(source), len(set(source.paths))
    else:
        faces = images = sum(len(part) for part in (source.train, source.validation, source.test) if part)
    return Converted(
        out,
        form,
        faces,
        images,
        source.layout.count,
        source.layout.name,
        files,
        writer.loses,
        out if writer.photos else files[0],
    )
