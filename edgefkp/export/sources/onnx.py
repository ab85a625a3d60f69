"""onnx: not converted; onnxruntime can run it, and its converter needs an environment of its own."""

from __future__ import annotations

from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.sources import SOURCES, Shapes, Source, has_suffix


def _write(given: str, shapes: Shapes, target: Path) -> None:
    raise EdgefkpError(
        f"{given} is ONNX, which is not converted here",
        "convert it in an environment of its own (pip install onnx2tf; onnx2tf -i FILE), then import the .tflite; or "
        "import the PyTorch network that it came from",
    )


ONNX = SOURCES.add(Source("onnx", "an .onnx file (converted elsewhere)", 5, has_suffix(".onnx"), _write))
