"""The forms that labeled faces come in, one file each, and the door that opens any of them.

A file in this folder that adds its `Format` to FORMATS is all that a new one takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgefkp.data.cutting import cut_photos
from edgefkp.data.faces import Dataset
from edgefkp.data.labels.opening import judged_crops, judged_images, judged_photos
from edgefkp.data.numbers import REACH, too_far
from edgefkp.data.persons import with_persons
from edgefkp.data.photos import PARTS, Photos, Reading
from edgefkp.errors import EdgefkpError, warn
from edgefkp.layout import InputSpec, ModelSpec, PointLayout
from edgefkp.layouts.maps import find_conversion
from edgefkp.records import Registry


@dataclass(frozen=True)
class Format:
    """One form of labeled faces."""

    name: str
    # What a user gives, in a few words, as in "give ...": for --help and error hints.
    description: str
    # Whether a path is of this form. A format need not look into files: the first that matches opens the path.
    matches: Callable[[Path], bool]
    # (path, labels, layout, input) -> labeled photos, which are then judged and cut, or a dataset of crops; of that
    # layout and input or of their own: they are then brought to what was asked for. A layout of None asks for their
    # own. Raises EdgefkpError for what is damaged or does not fit.
    open: Callable[[Path, str, PointLayout | None, InputSpec], Dataset | Photos]
    # Formats are asked in this order; one that claims many paths (any .csv, any folder) comes last.
    rank: int = 10
    # What its labels can hold beside the points, in a few words: for the table in docs/DATA.md.
    holds: str = ""


FORMATS: Registry[Format] = Registry("data format", __name__, order=lambda one: one.rank)


def data_forms() -> str:
    """What a user can give as data, in one line."""
    *most, last = (one.description for one in FORMATS.values())
    return f"{', '.join(most)}, or {last}"


def _path_and_format(spec: str | Path) -> tuple[Path, Format]:
    """What `spec` is: a path, or a format's name and a path, as in pts:FOLDER."""
    name, colon, rest = str(spec).partition(":")
    if colon and name in FORMATS and not Path(spec).exists():
        if not Path(rest).exists():
            raise EdgefkpError(f"no data at {rest}", f"give {FORMATS[name].description}")
        return Path(rest), FORMATS[name]
    path = Path(spec)
    if len(path.parts) == 1 and str(path) != str(spec):
        path = path.absolute()  # ./sample is a folder, sample is not
    return path, format_of(path, str(path))


def format_of(path: Path, shown: str) -> Format:
    """The first of FORMATS that `path` is of. Raises EdgefkpError if it is of none.

    shown: the path in messages.
    """
    found = next((one for one in FORMATS.values() if one.matches(path)), None)
    if found is None:
        problem = f"{shown} is of no form that is known" if path.exists() else f"no data at {shown}"
        raise EdgefkpError(problem, f"give {data_forms()}")
    return found


def open_dataset(
    spec: str | Path,
    labels: str = "csv",
    layout: PointLayout | None = None,
    input: InputSpec = InputSpec(),  # noqa: B008
    reading: Reading = Reading(),  # noqa: B008
    resample: bool = True,
) -> Dataset:
    """Open a dataset of any of FORMATS, with the points of `layout` (None: its own), for a network with this input.

    labels: "csv" trains on the labels of training.csv; "full" on those of full_labels.npz beside it.
    resample: False leaves crops in pixels of their own, for what cuts another part out of them.
    Labels are judged before they are used: what is doubtful is a warning, and stands in the dataset.
    Raises EdgefkpError if nothing of a known form is found there, the points of `layout` do not follow from those of
    the faces, or the labels cannot be meant.
    """
    path, opened = open_source(spec, labels, layout, input, reading)
    photos = None
    if isinstance(opened, Photos):
        photos = opened.in_layout(layout) if layout else opened
        dataset = cut_photos(photos, input, reading.skip_missing_images)
    else:
        dataset = opened
    _require_points_in_reach(path, dataset)
    dataset = replace(dataset, judgment=judged_images(dataset, photos))
    for doubt in dataset.judgment.doubts:
        warn(f"{path}: {doubt}")
    if layout is None and not resample:
        return dataset
    return dataset.with_parts(lambda faces: (faces.in_layout(layout) if layout else faces).at(input))


def open_source(
    spec: str | Path,
    labels: str = "csv",
    layout: PointLayout | None = None,
    input: InputSpec = InputSpec(),  # noqa: B008
    reading: Reading = Reading(),  # noqa: B008
) -> tuple[Path, Dataset | Photos]:
    """The path, and what its format finds there: labeled photos or a dataset of crops, with points in their pixels.

    Raises EdgefkpError as `open_dataset` does.
    """
    path, found = _path_and_format(spec)
    opened = found.open(path, labels, layout, input)
    if isinstance(opened, Photos):
        opened = with_persons(opened, path if path.is_dir() else path.parent)
        return path, judged_photos(opened, reading.labels)
    return path, judged_crops(opened, reading.labels, str(path))


def open_for(
    spec: str | Path,
    model: ModelSpec,
    layout: PointLayout | None = None,
    labels: str = "csv",
    reading: Reading = Reading(),  # noqa: B008
) -> Dataset:
    """Open a dataset for a model of this kind: with its points where they follow from those of the faces, else with
    the faces' own, if a map leads from the model's to those.

    layout: the points of the faces, where the dataset does not name them. Raises EdgefkpError as `open_dataset` does.
    """
    if layout is not None:
        return open_dataset(spec, labels, layout, model.input, reading)
    try:
        return open_dataset(spec, labels, model.layout, model.input, reading)
    except EdgefkpError as refused:
        with contextlib.suppress(EdgefkpError):
            own = open_dataset(spec, labels, None, model.input, reading, resample=False)
            if find_conversion(model.layout, own.layout):
                return own
        raise refused from None


def _require_points_in_reach(path: Path, dataset: Dataset) -> None:
    """Raise EdgefkpError for a point that no image of this size can have."""
    for part in PARTS:
        faces = getattr(dataset, part)
        if faces is not None and (found := too_far(faces.keypoints, faces.input.side, faces.layout)):
            row, what = found
            raise EdgefkpError(
                f"{path}, {part} row {row + 1} ({str(faces.ids[row])[:60]}): {what}, more than {REACH} sides from its "
                f"image of {faces.input.side} pixels",
                "correct it, or leave it out (NaN, an empty cell): that point is then missing",
            )
