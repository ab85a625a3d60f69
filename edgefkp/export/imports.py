"""Import: anyone's network becomes a file with a card, which everything else takes for one of ours."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from edgefkp.card import TFLITE, Card, card_path, read_card, versions, write_with_card
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.inspect import Inspection, entry_of, inspect
from edgefkp.export.metadata import with_metadata
from edgefkp.export.schemes import SCHEMES, TfliteName, parse_tflite
from edgefkp.export.sources import SOURCES, Shapes, source_of
from edgefkp.export.targets import refusals
from edgefkp.files import write_bytes
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec, PointLayout
from edgefkp.runtime import isolate, safety
from edgefkp.runtime.any_graph import read_any_graph
from edgefkp.runtime.contract import LEAST, Stated, contract_of_file, input_of_shape
from edgefkp.runtime.graph import Graph
from edgefkp.runtime.metadata import FileMetadata, read_metadata
from edgefkp.runtime.onnx_file import is_onnx
from edgefkp.runtime.packages import RUNTIMES
from edgefkp.runtime.scratch import scratch_folder

_SILENCE = 1800.0  # seconds in which a converter is expected to end


@dataclass(frozen=True)
class Asked:
    """What people say of a network; what is left out is read from the file, else the default."""

    # Of the input's numbers and the points' unit.
    stated: Stated | None = None
    layout: PointLayout | None = None
    # Name of the output that holds the points.
    points: str = ""
    # x, y and what follows them.
    numbers_a_point: int = 2
    # Side of the square that the network sees, over that of crops for its points.
    crop_scale: float = 1.0


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
    asked: Asked = Asked(),
    shapes: Shapes = (),
    terms: str = "",
    replacing: bool = False,
) -> Imported:
    """Write the .tflite of `given` (any source; a copy of an .onnx) with its card to `out`.

    name: of the model; by default the source's. shapes: of its inputs where the source leaves them open. terms: the
    license of its weights. Raises EdgefkpError for what cannot be read, converted or run, UsageError for what is
    said of the network and does not fit, EnvironmentProblem where a package is missing.
    """
    source = source_of(given)
    source.require_packages()
    with scratch_folder() as folder:
        made = folder / f"made{source.suffix}"
        _converted(source.name, given, shapes, made, folder)
        spec = contract(made, asked, given)
        inspection = None if is_onnx(made) else inspect(made)
        known = _known(made)
        model = name or (known.model if known else "") or parse_tflite(source.name_of(given)).model
        scheme = inspection.scheme if inspection and inspection.scheme in SCHEMES else ""
        u8 = bool(inspection and inspection.u8)
        target = out / (TfliteName(model, scheme, u8).filename if scheme else f"{model}{source.suffix}")
        _require_free(target, given, replacing)
        if spec and inspection:
            write_bytes(
                made,
                with_metadata(
                    made.read_bytes(), FileMetadata(model, spec.layout, spec.input, spec.output, scheme, u8), given
                ),
            )
            inspection = inspect(made)
        safety.check(made)
        card = _card(given, model, spec, scheme, inspection, terms)
        out.mkdir(parents=True, exist_ok=True)
        card = write_with_card(target, card, lambda temporary: shutil.copyfile(made, temporary))
    return Imported(target, card, spec is not None)


def _known(made: Path) -> FileMetadata | None:
    return None if is_onnx(made) else read_metadata(made)


def _require_free(target: Path, given: str, replacing: bool) -> None:
    """Raise EdgefkpError where another file or its card stands in the place of this one."""
    card = read_card(target)
    same = card is not None and card.parent == Path(given).name and card.file == target.name
    if (target.exists() or card) and not replacing and not same:
        there = target if target.exists() else card_path(target)
        raise EdgefkpError(f"{there} exists and was not imported from {given}", "--replace, or another --name")


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
    """In the child: write the file."""
    SOURCES[source].write(given, tuple(tuple(shape) for shape in shapes), Path(made))


def contract(made: Path, asked: Asked, given: str) -> ModelSpec | None:
    """What the network takes and returns; None for no keypoint network, of which nothing may be said.

    Raises UsageError where something that is said does not fit the file.
    """
    graph, known = read_any_graph(made), _known(made)
    inside = known.spec if known and asked.points in ("", known.output.points) else None
    image, numbers = _image(graph), _numbers(graph, asked.points or (inside.output.points if inside else ""))
    if image is None or numbers is None:
        if asked == Asked():
            return None
        takes = " and ".join("x".join(map(str, one.shape)) for one in graph.inputs)
        gives = ", ".join(f"{one.name} {'x'.join(map(str, one.shape))}" for one in graph.outputs)
        raise UsageError(
            f"{given} takes {takes} and gives {gives}: not one square image and points",
            "name the output of the points: --output NAME" if image else "import it without options; bench times it",
        )
    each = inside.output.numbers_a_point if inside and asked.numbers_a_point == 2 else asked.numbers_a_point
    layout = asked.layout or (inside.layout if inside else _layout_of(numbers, each))
    if layout is None or layout.count * each != numbers:
        if asked == Asked():
            return None
        wanted = f"{layout.count} points" if layout else "points of a known layout"
        raise UsageError(
            f"{given} gives {numbers} numbers, and {wanted} of {each} numbers were asked for",
            f"name another layout: --layout {', '.join(LAYOUTS.names())} or a JSON file; or --numbers-a-point",
        )
    shown = contract_of_file(made, layout)
    spec = inside or (shown.spec if shown else ModelSpec(layout, image))
    output = replace(spec.output, points=asked.points or spec.output.points, numbers_a_point=each)
    spec = replace(spec, layout=layout, output=output)
    if asked.crop_scale != 1:
        spec = replace(spec, layout=layout.seen_in(asked.crop_scale))
    return asked.stated.over(spec) if asked.stated else spec


def _image(graph: Graph) -> InputSpec | None:
    """The only input; None for one that is no square image, or of a side that no model here has."""
    if len(graph.inputs) != 1:
        return None
    return input_of_shape(graph.inputs[0].shape[1:])


def _numbers(graph: Graph, points: str) -> int | None:
    found = [one for one in graph.outputs if one.name == points] if points else list(graph.outputs)
    return prod(found[0].shape) if len(found) == 1 else None


def _layout_of(numbers: int, each: int) -> PointLayout | None:
    known = (KAGGLE15, *(one for one in LAYOUTS.values() if one.count >= LEAST))
    return next((one for one in known if one.count * each == numbers), None)


def _card(
    given: str, model: str, spec: ModelSpec | None, scheme: str, inspection: Inspection | None, terms: str
) -> Card:
    """inspection: of a .tflite."""
    spec = spec or ModelSpec()
    if inspection is None:
        runs_on = [one.name for one in RUNTIMES.values() if is_onnx(one.suffix)]
    else:
        runs_on = [name for name, reasons in refusals(inspection).items() if not reasons]
    return Card(
        TFLITE,
        model,
        layout=spec.layout,
        input=spec.input,
        output=spec.output,
        scheme=scheme,
        u8=bool(inspection and inspection.u8),
        runs_on=runs_on,
        parent=Path(given).name,
        imported={"from": Path(given).name, "source": source_of(given).name, "license": terms},
        inspection=entry_of(inspection) if inspection else None,
        versions=versions(
            "tensorflow", "keras", "torch", "litert-torch", "ai-edge-litert", "tflite-runtime", "onnxruntime"
        ),
    )
