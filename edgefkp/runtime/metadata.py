"""What a .tflite file says about itself: its points, input, output and scheme, in the file's own metadata.

A file that was copied without its card is still known by it. Files of earlier versions have none: their card, or the
shapes of their tensors, tell.
"""

from dataclasses import dataclass
from json import loads
from pathlib import Path

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, OutputSpec, PointLayout
from edgefkp.records import read_record
from edgefkp.runtime.graph import read_graph

NAME = "edgefkp"  # of the entry among the file's metadata
SCHEMA = "edgefkp.metadata/1"


@dataclass(frozen=True)
class FileMetadata:
    """The entry, as JSON."""

    model: str = ""  # the name of the trained model
    layout: PointLayout = KAGGLE15
    input: InputSpec = InputSpec()  # noqa: RUF009
    output: OutputSpec = OutputSpec()  # noqa: RUF009
    scheme: str = ""  # how the file stores numbers
    u8: bool = False  # it takes pixels as bytes
    keep_float: tuple[str, ...] = ()  # layers that stay float on purpose
    schema: str = SCHEMA

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec(self.layout, self.input, self.output)


def read_metadata(path: Path) -> FileMetadata | None:
    """The entry of the file; None for a file without one, or where no package here reads the file's graph.

    Raises EdgefkpError for a damaged file or entry.
    """
    try:
        content = read_graph(path).metadata.get(NAME)
    except EnvironmentProblem:
        return None
    if content is None:
        return None
    try:
        stored = loads(content.rstrip(b"\0"))
    except ValueError as error:
        raise EdgefkpError(f"{path}: its metadata entry '{NAME}' is damaged: {error}", "export it again") from error
    return read_record(FileMetadata, stored, f"{path}, metadata", "export it again")


def spec_of(path: Path) -> ModelSpec | None:
    """Points, input and output of the model in a .tflite: by its metadata, else by its card; None without either."""
    if known := read_metadata(path):
        return known.spec
    card = read_card(path)
    return card.spec if card else None
