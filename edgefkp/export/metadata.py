"""Write a model's description into the metadata of its .tflite file, and leave everything else as it is."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.errors import reading
from edgefkp.files import json_text
from edgefkp.runtime.graph import IDENTIFIER
from edgefkp.runtime.metadata import NAME, FileMetadata

ALIGNMENT = 16  # bytes; runtimes map the constants of a file and compute on them where they lie


def with_metadata(content: bytes, metadata: FileMetadata, origin: Path | str = "the file") -> bytes:
    """The .tflite in `content` with `metadata` as its entry; an earlier entry is replaced.

    Constants that stand behind the flatbuffer come into it. Needs LiteRT or TensorFlow, whose schemas are those of
    their converters. origin: of the content, for messages. Raises EdgefkpError for damaged content.
    """
    with reading(origin, "a whole .tflite file", "export or copy it again"):
        return _with_metadata(content, metadata)


def _with_metadata(content: bytes, metadata: FileMetadata) -> bytes:
    schema, model = _schema(), unpacked(content)
    entries = model.metadata or []
    model.metadata = entries
    text = np.frombuffer(json_text(metadata, indent=None).encode(), np.uint8)
    entry = next((one for one in entries if _text(one.name) == NAME), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = NAME, len(model.buffers)
        entries.append(entry)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = text
    return packed(model, len(content))


def unpacked(content: bytes) -> Any:
    """The .tflite as the objects of its schema. Constants that stand behind the flatbuffer come into it."""
    schema = _schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers:
        if buffer.data is None and hasattr(buffer, "size") and buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8)[buffer.offset : buffer.offset + buffer.size]
            buffer.offset = buffer.size = 0
    return model


def packed(model: Any, size: int) -> bytes:
    """The .tflite of these objects. size: about how many bytes it will have."""
    import flatbuffers

    class Builder(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, x: np.ndarray) -> Any:
            """As the base class does, but bytes aligned to 16: the schema demands it, and the object API forgets it."""
            if x.dtype != np.uint8 or not x.size:
                return super().CreateNumpyVector(x)
            self.StartVector(1, x.size, ALIGNMENT)
            self.head -= x.size
            self.Bytes[self.head : self.head + x.size] = x.tobytes()
            return self.EndVector()

    builder = Builder(size + (1 << 16))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except (ImportError, OSError):
        from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
