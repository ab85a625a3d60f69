"""The images that a network is timed on: faces with labels if data are given, drawn ones otherwise.

The networks of one run may take other sizes, colors or points: all are timed on the same faces, brought to the input of
each, and have an RMSE only if they give the points that the labels name.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.data.synthetic import SHIPPED
from edgefkp.errors import EdgefkpError, printable, some
from edgefkp.files import json_text, sha256_arrays
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, PointLayout, input_of
from edgefkp.layouts.maps import find_conversion
from edgefkp.records import built
from edgefkp.runtime import isolate
from edgefkp.runtime.contract import known_spec

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading

LARGEST = 1 << 30  # bytes of a file of them, unpacked
COUNT = 100  # different images: the paper's table 4 is in seconds per 100


@dataclass(frozen=True, eq=False)
class TimedImages:
    """N faces as one input takes them."""

    name: str
    license: str
    images: np.ndarray  # (N, side, side) or (N, side, side, 3) uint8
    keypoints: np.ndarray  # (N, K, 2) float32 pixels, all NaN if an RMSE would mean nothing
    layout: PointLayout = KAGGLE15
    prepared: "dict[InputSpec, TimedImages]" = field(default_factory=dict)  # the same faces for other inputs

    @property
    def input(self) -> InputSpec:
        return input_of(self.images)

    @property
    def labeled(self) -> bool:
        return not bool(np.isnan(self.keypoints).all())

    @property
    def hash(self) -> str:
        return sha256_arrays(self.images, self.keypoints)

    def prepared_for(self, inputs: Iterable[InputSpec]) -> "TimedImages":
        """With the same faces for these inputs: a board without OpenCV cannot make them."""
        others = {plain: self._at_input(plain) for plain in map(_plain, inputs) if plain != self.input}
        return replace(self, prepared={**self.prepared, **others})

    def at(self, spec: ModelSpec) -> "TimedImages":
        """The same faces for a network of this kind, without labels if it gives other points.

        Raises ImportError without OpenCV if the faces are not prepared for that input.
        """
        found = self._at_input(_plain(spec.input))
        if spec.layout == self.layout:
            return found
        unknown = np.full((len(self.images), spec.layout.count, 2), np.nan, np.float32)
        return replace(found, keypoints=unknown, layout=spec.layout)

    def unscored(self, specs: "dict[str, ModelSpec | None]") -> list[str]:
        """A line for the files whose RMSE is left out as they give other points than the labels; by file name."""
        others = [name for name, spec in specs.items() if spec and spec.layout != self.layout]
        if not self.labeled or not others:
            return []
        why = f"the labels are the {self.layout.count} points of {self.layout.name}, as those of the first file"
        return [f"no RMSE for {some(sorted(others), 3)}: {why}; measure files of other points on their own"]

    def _at_input(self, plain: InputSpec) -> "TimedImages":
        if plain == self.input:
            return self
        if plain in self.prepared:
            return self.prepared[plain]
        from edgefkp.data.faces import faces_of

        faces = faces_of(self.images, self.keypoints, layout=self.layout).at(plain)
        return TimedImages(self.name, self.license, faces.images, faces.keypoints, self.layout)


def _plain(spec: InputSpec) -> InputSpec:
    """Without the scaling, which images do not have."""
    return InputSpec(spec.side, spec.colors)


def drawn_images(count: int = COUNT) -> TimedImages:
    """The packaged drawn faces, at most 100, without labels: they have no RMSE."""
    with np.load(SHIPPED) as stored:
        images = stored["images"][:count]
    return TimedImages(
        "drawn faces", "part of edgefkp", images, np.full((len(images), KAGGLE15.count, 2), np.nan, np.float32)
    )


def specs_of(files: Iterable[Path]) -> list[ModelSpec]:
    """What the files take and return, each once, as far as their metadata, cards or graphs show it."""
    found = []
    for file in files:
        try:
            spec = known_spec(file)
        except EdgefkpError:  # measuring it reports what is wrong
            continue
        if spec and spec not in found:
            found.append(spec)
    return found


def images_for(
    data: str | Path | None,
    count: int = COUNT,
    specs: Iterable[ModelSpec] = (),
    labels: PointLayout | None = None,
    reading: "Reading | None" = None,
) -> TimedImages:
    """What the commands measure on: faces of `data`, or the drawn ones if that is None, prepared for `specs`.

    The labels are brought to the first one's layout. labels: the points of `data`, where it does not name them. The
    faces are read, cropped and resized in a process of its own, so that neither OpenCV nor its threads are in the one
    that measures.
    """
    specs = tuple(specs) or (ModelSpec(),)
    inputs = tuple(dict.fromkeys(_plain(spec.input) for spec in specs))
    drawn = drawn_images()
    if data is None and inputs == (drawn.input,):
        return drawn
    parts = isolate.call(_arrays, data and str(data), count, specs[0].layout, inputs, labels, reading)
    layout = drawn.layout if data is None else specs[0].layout
    first, *others = [TimedImages(name, terms, images, points, layout) for name, terms, images, points in parts]
    return replace(first, prepared={other.input: other for other in others})


def _arrays(
    data: str | None, count: int, layout: Any, inputs: list[Any], labels: Any, reading: Any
) -> list[tuple[str, str, Any, Any]]:
    """In the child: name, license, images and keypoints for each of the inputs."""
    wanted = [built(InputSpec, one) for one in inputs]
    if data is None:
        made = [drawn_images().prepared_for(wanted)._at_input(one) for one in wanted]
    else:
        from edgefkp.data.photos import Reading

        points = PointLayout.from_json(layout)
        read = built(Reading, reading) if reading else None
        own = None if labels is None else PointLayout.from_json(labels)
        made = [images_of(data, count, points, one, own, read) for one in wanted]
    return [(one.name, one.license, one.images, one.keypoints) for one in made]


def images_of(
    data: str | Path,
    count: int = COUNT,
    layout: PointLayout = KAGGLE15,
    input: InputSpec = InputSpec(),  # noqa: B008
    labels: PointLayout | None = None,
    reading: "Reading | None" = None,
) -> TimedImages:
    """`count` faces evenly spaced through the test part of a dataset, for models of this layout and input.

    They have the labels that follow from those of the dataset, or none. labels: the points of the dataset, where it
    does not name them. Raises EdgefkpError if the dataset has fewer test faces.
    """
    from edgefkp.data.formats import open_for
    from edgefkp.data.photos import Reading
    from edgefkp.data.split import split

    dataset = open_for(data, ModelSpec(layout, input), labels, reading=reading or Reading())
    test = split(dataset).test
    if len(test) < count:
        raise EdgefkpError(f"{dataset.name} has {len(test)} test faces, and {count} were asked for", "use --images N")
    rows = np.linspace(0, len(test) - 1, count).round().astype(int)
    faces = test.take(rows)
    if find_conversion(faces.layout, layout):
        faces = faces.in_layout(layout)
        return TimedImages(dataset.name, dataset.license, faces.images, faces.keypoints, layout)
    images = faces.framed_for(layout, input).images
    unknown = np.full((count, layout.count, 2), np.nan, np.float32)
    return TimedImages(dataset.name, dataset.license, images, unknown, layout)


def save(images: TimedImages, path: Path) -> None:
    """One .npz; the same faces for another input are `images.0`, `keypoints.0` and so on."""
    others: dict[str, np.ndarray] = {}
    for number, other in enumerate(images.prepared.values()):
        others |= {f"images.{number}": other.images, f"keypoints.{number}": other.keypoints}
    own = {"images": images.images, "keypoints": images.keypoints}
    about = {"name": images.name, "licence": images.license, "layout": json_text(images.layout, None)}
    write_arrays(path, {**own, **{name: np.array(text) for name, text in about.items()}, **others}, compressed=True)


def read(path: Path) -> TimedImages:
    """What `save` wrote. Raises EdgefkpError for a file that is damaged, or holds other arrays."""
    arrays = read_arrays(path, "make it again: edgefkp bundle", LARGEST)
    try:
        name, terms = printable(str(arrays["name"])), printable(str(arrays["licence"]))
        layout = PointLayout.from_json(json.loads(str(arrays["layout"]))) if "layout" in arrays else KAGGLE15
        made = []
        for key in (key for key in arrays if key.split(".")[0] == "images"):
            images, points = arrays[key], arrays[key.replace("images", "keypoints")]
            _require_faces(key, images, points, layout)
            made.append(TimedImages(name, terms, images, points, layout))
        return replace(made[0], prepared={other.input: other for other in made[1:]})
    except (EdgefkpError, ValueError, KeyError, IndexError, RecursionError) as error:
        cause = f"it lacks {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise EdgefkpError(f"{path} does not hold the images of a benchmark: {cause}", "copy it again") from error


def _require_faces(name: str, images: np.ndarray, points: np.ndarray, layout: PointLayout) -> None:
    count, *shape = images.shape if images.ndim else (0,)
    square = len(shape) in (2, 3) and shape[0] == shape[1] and shape[2:] in ([], [3])
    if images.dtype != np.uint8 or not count or not square:
        raise ValueError(
            f"{name} are {images.dtype} {images.shape}, expected uint8 (N, side, side) or (N, side, side, 3)"
        )
    if points.dtype.kind != "f" or points.shape != (count, layout.count, 2) or np.isinf(points).any():
        raise ValueError(f"the points of {name} are {points.dtype} {points.shape}, expected {(count, layout.count, 2)}")
