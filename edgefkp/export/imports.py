"""Import: anyone's network becomes a .tflite with a card, which everything else takes for one of ours."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from edgefkp.card import TFLITE, Card, read_card, versions, write_with_card
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.inspect import Inspection, entry_of, inspect
from edgefkp.export.metadata import with_metadata
from edgefkp.export.schemes import SCHEMES, parse_tflite
from edgefkp.export.sources import SOURCES, Shapes, source_of
from edgefkp.export.targets import refusals
from edgefkp.files import write_bytes
from edgefkp.layout import COLORS, KAGGLE15, LAYOUTS, InputSpec, ModelSpec, OutputSpec, PointLayout
from edgefkp.runtime import isolate, safety
from edgefkp.runtime.graph import Graph, read_graph
from edgefkp.runtime.metadata import FileMetadata, read_metadata
from edgefkp.runtime.scratch import scratch_folder

LEAST = 15  # points of a layout that the count of an output alone shows: fewer numbers may be classes
_SILENCE = 1800.0  # seconds in which a converter is expected to end


@dataclass(frozen=True)
class Stated:
    """What people state of a network; what is left out is read from the file, else the default."""

    layout: PointLayout | None = None
    # As InputSpec has them.
    scaling: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    order: str = ""
    # As OutputSpec has them.
    points: str = ""
    form: str = ""
    offset: float = 0.0
    numbers_a_point: int = 0


@dataclass(frozen=True)
class Imported:
    """A file that was imported."""

    path: Path
    card: Card
    # It can be scored: one input of images, one output of points.
    keypoints: bool


def import_network(
    given: str,
    out: Path,
    name: str = "",
    stated: Stated = Stated(),
    shapes: Shapes = (),
    terms: str = "",
    replacing: bool = False,
) -> Imported:
    """Write the .tflite of `given` (any source) with its card to `out`.

    name: of the model; by default the source's. shapes: of its inputs where the source leaves them open. terms: the
    license of its weights. Raises EdgefkpError for what cannot be read, converted or run, UsageError for a statement
    that does not fit, EnvironmentProblem where a package is missing.
    """
    source = source_of(given)
    source.require_packages()
    with scratch_folder() as folder:
        made = folder / "made.tflite"
        _converted(source.name, given, shapes, made, folder)
        graph = read_graph(made)
        spec = contract(graph, stated, given)
        inspection = inspect(made)
        known = read_metadata(made)
        model = name or (known.model if known else "") or parse_tflite(source.name_of(given)).model
        scheme = inspection.scheme if inspection.scheme in SCHEMES else ""
        target = out / (f"{model}.{scheme}{'.u8' if inspection.u8 else ''}.tflite" if scheme else f"{model}.tflite")
        if target.exists() and not replacing and not _same_origin(target, given):
            raise EdgefkpError(f"{target} exists and was not imported from {given}", "--replace, or another --name")
        if spec:
            write_bytes(made, with_metadata(made.read_bytes(), _metadata(model, spec, scheme, inspection.u8)))
            inspection = inspect(made)
        safety.check(made)
        card = _card(given, model, spec, scheme, inspection, terms)
        out.mkdir(parents=True, exist_ok=True)
        card = write_with_card(target, card, lambda temporary: shutil.copyfile(made, temporary))
    return Imported(target, card, spec is not None)


def _same_origin(target: Path, given: str) -> bool:
    card = read_card(target)
    return card is not None and card.parent == Path(given).name


def _converted(source: str, given: str, shapes: Shapes, made: Path, folder: Path) -> None:
    try:
        isolate.call(
            convert_here,
            source,
            given,
            [list(shape) for shape in shapes],
            str(made),
            label="import",
            environment={"TMPDIR": str(folder)},
            silence=_SILENCE,
        )
    except isolate.ChildDied as died:
        cause = died.signal or died.last_line
        raise EdgefkpError(f"{given} cannot be imported: {cause[:150]}", "give it in another form") from None


def convert_here(source: str, given: str, shapes: list[list[int]], made: str) -> None:
    """In the child: write the .tflite."""
    SOURCES[source].write(given, tuple(tuple(shape) for shape in shapes), Path(made))


def contract(graph: Graph, stated: Stated, given: str) -> ModelSpec | None:
    """What the network takes and returns; None for no keypoint network, of which nothing may be stated.

    Raises UsageError where a statement does not fit the file.
    """
    image = _image(graph)
    numbers = _numbers(graph, stated.points)
    if image is None or numbers is None:
        if stated != Stated():
            shown = " and ".join("x".join(map(str, one.shape)) for one in graph.inputs)
            outputs = ", ".join(f"{one.name} {'x'.join(map(str, one.shape))}" for one in graph.outputs)
            raise UsageError(
                f"{given} takes {shown} and gives {outputs}: not one square image and points",
                "name the output of the points: --output NAME"
                if image
                else "import it without statements; bench times it",
            )
        return None
    side, colors, axes = image
    takes = InputSpec(side, colors, axes=axes)
    if stated.scaling:
        takes = replace(
            takes, scaling=stated.scaling, mean=_each(stated.mean, takes), deviation=_each(stated.deviation, takes)
        )
    if stated.order:
        takes = replace(takes, order=stated.order)
    each = stated.numbers_a_point or 2
    layout = stated.layout or _layout_of(numbers, each)
    if layout is None or layout.count * each != numbers:
        expected = (
            f"{layout.count} points of {each} numbers" if layout else f"points of {each} numbers in a known layout"
        )
        if stated == Stated():
            return None
        raise UsageError(
            f"{given} gives {numbers} numbers, and {expected} were stated",
            f"name another layout: --layout {', '.join(LAYOUTS.names())} or a JSON file; or --numbers-a-point",
        )
    gives = OutputSpec(stated.points, stated.form or OutputSpec.form, stated.offset, each)
    return ModelSpec(layout, takes, gives)


def _each(numbers: tuple[float, ...], takes: InputSpec) -> tuple[float, ...]:
    return numbers * takes.channels if len(numbers) == 1 else numbers


def _image(graph: Graph) -> tuple[int, str, str] | None:
    """Side, colors and axes of the only input; None for one that is no square image."""
    if len(graph.inputs) != 1:
        return None
    names = {count: name for name, count in COLORS.items()}
    _, *shape = graph.inputs[0].shape or (0,)
    for sides, channels, axes in ((shape[:2], shape[2:], "HWC"), (shape[1:], shape[:1], "CHW")):
        if len(sides) == 2 and sides[0] == sides[1] and (channels[0] if channels else 1) in names:
            try:
                return InputSpec(sides[0]).side, names[channels[0] if channels else 1], axes
            except UsageError:  # a side that no keypoint network of this package has
                return None
    return None


def _numbers(graph: Graph, points: str) -> int | None:
    found = [one for one in graph.outputs if one.name == points] if points else list(graph.outputs)
    return prod(found[0].shape) if len(found) == 1 else None


def _layout_of(numbers: int, each: int) -> PointLayout | None:
    known = (KAGGLE15, *(one for one in LAYOUTS.values() if one.count >= LEAST))
    return next((one for one in known if one.count * each == numbers), None)


def _metadata(model: str, spec: ModelSpec, scheme: str, u8: bool) -> FileMetadata:
    return FileMetadata(model, spec.layout, spec.input, spec.output, scheme, u8)


def _card(given: str, model: str, spec: ModelSpec | None, scheme: str, inspection: Inspection, terms: str) -> Card:
    spec = spec or ModelSpec()
    return Card(
        TFLITE,
        model,
        layout=spec.layout,
        input=spec.input,
        output=spec.output,
        scheme=scheme,
        u8=inspection.u8,
        runs_on=[name for name, reasons in refusals(inspection).items() if not reasons],
        parent=Path(given).name,
        imported={"from": Path(given).name, "source": source_of(given).name, "license": terms},
        inspection=entry_of(inspection),
        versions=versions("tensorflow", "keras", "torch", "litert-torch", "ai-edge-litert", "tflite-runtime"),
    )
