"""edgefkp: from labelled faces to a keypoint network measured on the board it will run on."""

from typing import TYPE_CHECKING, Any

from edgefkp._version import __version__

if TYPE_CHECKING:
    from edgefkp.detect.detector import Face, KeypointDetector

__all__ = ["Face", "KeypointDetector", "__version__"]


def __getattr__(name: str) -> Any:
    # Only when asked for: `import edgefkp` alone stays quick on a board.
    if name in ("Face", "KeypointDetector"):
        from edgefkp.detect import detector

        return getattr(detector, name)
    raise AttributeError(f"module 'edgefkp' has no attribute '{name}'")
