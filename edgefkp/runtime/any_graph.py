"""The graph of a file that a runtime here runs, whatever its form: .tflite or .onnx."""

from pathlib import Path

from edgefkp.runtime.graph import Graph, read_graph, require_tflite
from edgefkp.runtime.onnx_file import is_onnx, read_onnx


def read_any_graph(path: Path | str) -> Graph:
    """Raises EdgefkpError for a file that is damaged or none of these, EnvironmentProblem without a reader."""
    return read_onnx(path) if is_onnx(path) else read_graph(path)


def require_runnable(path: Path) -> None:
    """Raise EdgefkpError unless `path` is a file of the form that its name ends with, .onnx or else .tflite."""
    if is_onnx(path):
        read_onnx(path)
    else:
        require_tflite(path)
