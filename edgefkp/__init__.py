"""edgefkp: from labeled faces to a keypoint network measured on the board it will run on.

    from edgefkp import KeypointDetector

    for face in KeypointDetector()(image):
        print(face.box, face.score, face.keypoints)

The public names are those of `__all__`; everything else may change from version to version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgefkp._version import __version__

if TYPE_CHECKING:
    from edgefkp.detect.detector import Face, KeypointDetector
    from edgefkp.detect.tracker import Tracker
    from edgefkp.errors import EdgefkpError

__all__ = ["EdgefkpError", "Face", "KeypointDetector", "Tracker", "__version__"]

_MODULES = {
    "EdgefkpError": "edgefkp.errors",
    "Face": "edgefkp.detect.detector",
    "KeypointDetector": "edgefkp.detect.detector",
    "Tracker": "edgefkp.detect.tracker",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: `import edgefkp` alone stays quick on a board.
    if name in _MODULES:
        import importlib

        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'edgefkp' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
