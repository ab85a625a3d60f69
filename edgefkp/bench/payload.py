"""The part of the package that measures, as a folder of its own: for a board, a zip, or another Python environment.

It needs numpy and a runtime, nothing else; no OpenCV, no click.
"""

import shutil
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
MODULES = (
    "__init__",
    "_version",
    "card",
    "data/__init__",
    "data/faces",
    "data/synthetic",
    "errors",
    "export/__init__",
    "files",
    "geometry",
    "layout",
    "records",
    "export/inspect",
    "export/operator_kinds",
    "evaluation/__init__",
    "evaluation/bootstrap",
    "evaluation/metrics",
    "runtime/__init__",
    "runtime/child",
    "runtime/graph",
    "runtime/metadata",
    "runtime/interpreters",
    "runtime/isolate",
    "runtime/reference_vectors",
    "runtime/safety",
    "runtime/shipped/__init__",
    "runtime/tflite_model",
)
FOLDERS = ("bench", "export/schemes")  # with all their files


def copy_into(folder: Path) -> Path:
    """Make `folder`/edgefkp with what measuring needs; put `folder` on a Python's path to use it."""
    whole = [path.relative_to(PACKAGE).with_suffix("") for room in FOLDERS for path in (PACKAGE / room).glob("*.py")]
    for module in (*MODULES, *whole):
        target = folder / "edgefkp" / f"{module}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / f"{module}.py", target)
    return folder
