"""A zip of photos with their labels, as labeling tools export it, or Kaggle's zip of zips: unpacked, and opened."""

import contextlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from edgefkp.data.face_table import is_image_name
from edgefkp.data.faces import Dataset
from edgefkp.data.formats import FORMATS, Format, format_of
from edgefkp.data.photos import Photos
from edgefkp.errors import EdgefkpError, writing
from edgefkp.files import cache_dir, opened_zip, sha256_file, visible
from edgefkp.layout import InputSpec, PointLayout

LARGEST = 8 << 30  # bytes, unpacked
_MOST = 1_000_000  # files
_KIND, _HINT = "a whole zip file", "copy it again, or unpack it and give the folder"


def open_zipped(path: Path, labels: str, layout: PointLayout | None, input: InputSpec) -> Dataset | Photos:
    """What lies in the zip; it is unpacked into the cache, once for each content.

    Raises EdgefkpError for a zip that is damaged, too large, or holds nothing of a known form.
    """
    file = _only_zip(path) if path.is_dir() else path
    assert file is not None  # `is_zipped`
    folder = _inner(unpacked(file))
    opened = format_of(folder, f"{file}, unpacked into {folder},").open(folder, labels, layout, input)
    return replace(opened, name=file.stem)


def unpacked(file: Path) -> Path:
    """The folder in the cache that has the content of `file`."""
    folder = cache_dir() / "data" / f"unpacked-{sha256_file(file)[:32]}"
    if folder.is_dir():
        return folder
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".edgefkp-", dir=folder.parent))
    try:
        with opened_zip(file, _KIND, _HINT, LARGEST) as archive:
            members = [member for member in archive.infolist() if not member.filename.startswith("__MACOSX")]
            if len(members) > _MOST:
                raise EdgefkpError(f"{file} has {len(members):,} files", _HINT)
            for member in members:
                with writing(temporary):
                    archive.extract(member, temporary)
        with contextlib.suppress(FileExistsError), writing(folder):
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _inner(folder: Path) -> Path:
    """The folder that the zip was made of."""
    inside = [one for one in sorted(folder.iterdir()) if not one.name.startswith(".")]
    return _inner(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _only_zip(folder: Path) -> Path | None:
    """The zip that is the one file of a folder."""
    files = visible(folder)
    return files[0] if len(files) == 1 and files[0].suffix.lower() == ".zip" else None


def is_zipped(path: Path) -> bool:
    """Whether it has images, or other zips: one of a table alone is Kaggle's."""
    file = _only_zip(path) if path.is_dir() else path
    if file is None or file.suffix.lower() != ".zip" or not file.is_file():
        return False
    with contextlib.suppress(EdgefkpError), opened_zip(file, _KIND, _HINT, LARGEST) as archive:
        return any(is_image_name(name) or name.lower().endswith((".zip", ".npz")) for name in archive.namelist())
    return False


FORMATS.add(Format("zip", "a .zip of one of these", is_zipped, open_zipped, rank=8, holds="what lies in it"))
