"""onnx: stays ONNX, and is run by onnxruntime. Its converter to .tflite needs an environment of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.sources import SOURCES, Shapes, Source, has_suffix
from edgefkp.runtime.onnx_file import SUFFIX


def _write(given: str, shapes: Shapes, target: Path) -> None:
    from edgefkp.runtime.onnx_file import read_onnx

    read_onnx(given)
    shutil.copyfile(given, target)


def not_converted(given: str) -> EdgefkpError:
    """The error for what would need a .tflite of it."""
    return EdgefkpError(
        f"{given} is ONNX, which is not converted here: onnxruntime runs it as it is",
        "import the network that it came from (edgefkp import MODULE:FUNCTION for PyTorch); or convert it in an "
        "environment of its own (pip install onnx2tf; onnx2tf -i FILE) and import the .tflite",
    )


ONNX = SOURCES.add(
    Source(
        "onnx",
        "an .onnx file, which stays one",
        5,
        has_suffix(SUFFIX),
        _write,
        SUFFIX,
        ("onnxruntime",),
        "pip install 'edgefkp[onnx]'",
    )
)
