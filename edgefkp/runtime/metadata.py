"""Metadata inside a .tflite file: its points, input, output and scheme.

A file that was copied without its card is still known by it. Files of earlier versions have none: they are known by
their card, or by the shapes of their tensors. No package is needed to read the entry.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgefkp.card import Card, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import parse_json
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, OutputSpec, PointLayout
from edgefkp.records import read_record
from edgefkp.runtime.graph import require_tflite

NAME = "edgefkp"  # of the entry among the file's metadata
SCHEMA = "edgefkp.metadata/1"
METADATA, CARD = "metadata", "card"  # what a file is known by
_BUFFERS, _METADATA = 4, 6  # fields of the table Model in TensorFlow Lite's schema
_ENTRY_NAME, _ENTRY_BUFFER, _BUFFER_DATA = 0, 1, 0  # fields of the tables Metadata and Buffer


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
    """The entry of the file; None for a file without one. Raises EdgefkpError for a damaged file or entry."""
    require_tflite(path)
    try:
        with open(path, "rb") as stream:
            content = _entry(stream, NAME.encode())
    except (struct.error, OverflowError, OSError) as error:
        raise EdgefkpError(f"{path} is damaged: its metadata cannot be read", "export or copy it again") from error
    if content is None:
        return None
    stored = parse_json(content.rstrip(b"\0"), f"the metadata entry '{NAME}' of {path}", "export it again")
    return read_record(FileMetadata, stored, f"{path}, metadata", "export it again")


def described(path: Path) -> tuple[FileMetadata | None, str]:
    """The description of a .tflite and what it comes from: its METADATA, else its CARD; (None, "") without either."""
    if known := read_metadata(path):
        return known, METADATA
    card = read_card(path)
    return (metadata_of(card), CARD) if card else (None, "")


def metadata_of(card: Card) -> FileMetadata:
    return FileMetadata(card.model, card.layout, card.input, card.output, card.scheme, card.u8, tuple(card.keep_float))


def spec_of(path: Path) -> ModelSpec | None:
    """Points, input and output of a model file: a .tflite's by its metadata; else by the card beside or inside."""
    known = described(path)[0] if path.suffix == ".tflite" else read_card(path)
    return known.spec if known else None


def _entry(stream: BinaryIO, name: bytes) -> bytes | None:
    """The metadata of that name in a flatbuffer: only the bytes on the way to it are read."""

    def number(form: str, at: int) -> int:
        stream.seek(at)
        return int(struct.unpack(form, stream.read(struct.calcsize(form)))[0])

    def follow(at: int) -> int:
        return at + number("<I", at)

    def field(table: int, which: int) -> int:
        """Where a table's field stands; 0 for a field with its default, which is not in the file."""
        directory = table - number("<i", table)
        entry = 4 + 2 * which
        offset = number("<H", directory + entry) if entry < number("<H", directory) else 0
        return table + offset if offset else 0

    def content(at: int) -> bytes:
        start = follow(at)
        length = number("<I", start)
        return stream.read(length)

    model = follow(0)
    entries = field(model, _METADATA)
    first = follow(entries) if entries else 0
    for which in range(number("<I", first) if entries else 0):
        entry = follow(first + 4 + 4 * which)
        label, buffer = field(entry, _ENTRY_NAME), field(entry, _ENTRY_BUFFER)
        if label and content(label) == name:
            buffers = follow(field(model, _BUFFERS))
            data = field(follow(buffers + 4 + 4 * (number("<I", buffer) if buffer else 0)), _BUFFER_DATA)
            return content(data) if data else b""
    return None
