"""What an export is asked for, and what it reports as it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.targets import DEFAULT_TARGET, TARGETS, Target
from edgefkp.runtime.contract import Stated

# What a .tflite inherits from the card of the network that it is made from.
INHERITED = ("network", "imputation", "augment", "start", "weights", "parameters", "macs", "data", "metrics")


@dataclass(frozen=True)
class ExportOptions:
    # Pixels go in as bytes.
    u8: bool = False
    target: Target = field(default_factory=lambda: TARGETS[DEFAULT_TARGET])
    # Layers that int8 leaves in float, beside those that are kept so by themselves.
    keep_float: tuple[str, ...] = ()
    # A file of calibration samples; by default training faces are taken.
    calibration: Path | None = None
    # Compare each file with its network on the labeled test faces.
    parity: bool = True
    # The runtime of that comparison; by default the first installed one.
    runtime: str | None = None
    # Replace files that were calibrated on other data.
    replace: bool = False
    # Of the network's input and output.
    stated: Stated | None = None
    # Of inputs of open sizes: name, "" for the only input -> the shape, the batch first.
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportProgress:
    # Called with the name of each file before it is made.
    on_file: Callable[[str], None] = lambda name: None
    # Called with the number of faces whose parity was measured since the last call.
    on_faces: Callable[[int], None] = lambda count: None
    # Called with the error of a file that was not written, and the next one is made; without it the error is raised.
    on_refused: Callable[[EdgefkpError], None] | None = None
    # Called with what people should know of a network or file.
    on_note: Callable[[str], None] = lambda text: None
