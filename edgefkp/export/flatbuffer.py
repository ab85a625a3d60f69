"""A .tflite file as objects that can be changed, and back.

Needs LiteRT or TensorFlow, whose schemas are those of their converters.
"""

from typing import Any

import numpy as np

from edgefkp.runtime.graph import IDENTIFIER

ALIGNMENT = 16  # bytes; runtimes map the constants of a file and compute on them where they lie


def schema() -> Any:
    """The module with the classes of the format."""
    try:
        from ai_edge_litert import schema_py_generated
    except (ImportError, OSError):
        from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def unpacked(content: bytes) -> Any:
    """A ModelT. Constants that stand behind the flatbuffer come into it.

    Raises what flatbuffers raises for damaged content: errors.reading makes an EdgefkpError of it.
    """
    classes = schema()
    model = classes.ModelT.InitFromObj(classes.Model.GetRootAs(content, 0))
    for buffer in model.buffers:
        if buffer.data is None and hasattr(buffer, "size") and buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8)[buffer.offset : buffer.offset + buffer.size]
            buffer.offset = buffer.size = 0
    return model


def packed(model: Any, room: int = 1 << 16) -> bytes:
    """The file of a ModelT. room: bytes to begin with."""
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

    builder = Builder(room)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def name_of(item: Any) -> str:
    """Of a tensor or an entry, whose name is bytes where it was read."""
    return item.name.decode() if isinstance(item.name, bytes) else str(item.name)
