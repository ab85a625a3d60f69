"""Write a model's description into the metadata of its .tflite file, and leave everything else as it is."""

from pathlib import Path

import numpy as np

from edgefkp.errors import reading
from edgefkp.export.flatbuffer import name_of, packed, schema, unpacked
from edgefkp.files import json_text
from edgefkp.runtime.metadata import NAME, FileMetadata


def with_metadata(content: bytes, metadata: FileMetadata, origin: Path | str = "the file") -> bytes:
    """The .tflite in `content` with `metadata` as its entry; an earlier entry is replaced.

    Constants that stand behind the flatbuffer come into it. Needs LiteRT or TensorFlow, whose schemas are those of
    their converters. origin: of the content, for messages. Raises EdgefkpError for damaged content.
    """
    with reading(origin, "a whole .tflite file", "export or copy it again"):
        return _with_metadata(content, metadata)


def _with_metadata(content: bytes, metadata: FileMetadata) -> bytes:
    classes, model = schema(), unpacked(content)
    entries = model.metadata or []
    model.metadata = entries
    text = np.frombuffer(json_text(metadata, indent=None).encode(), np.uint8)
    entry = next((one for one in entries if name_of(one) == NAME), None)
    if entry is None:
        entry = classes.MetadataT()
        entry.name, entry.buffer = NAME, len(model.buffers)
        entries.append(entry)
        model.buffers.append(classes.BufferT())
    model.buffers[entry.buffer].data = text
    return packed(model, len(content) + (1 << 16))
