"""Why a runtime does not run a file that is whole: an operator that it lacks, a processor it was not built for."""

from __future__ import annotations

import re
from pathlib import Path

from edgefkp.errors import EdgefkpError

_CORAL = "edgetpu"
# Signals for which the file is hardly to blame -> what happened, and what to do.
_NOT_THE_FILE = {
    "SIGILL": (
        "was ended by SIGILL: it was built for another processor than this one",
        "install its build for this processor, or try another runtime: edgefkp doctor lists them",
    ),
    "SIGKILL": (
        "was killed (SIGKILL), as the system does where memory runs out",
        "free memory, or take a smaller network",
    ),
}


def missing_operator(path: Path | str, runtime: str, message: str) -> EdgefkpError | None:
    """The error for a runtime (its name and version) that lacks an operator of the file; None for another message.

    message: of the runtime.
    """
    flex = re.search(r"\bFlex(\w+)", message)
    if flex and flex[1] == "Delegate":
        flex = None
    if flex or "Select TensorFlow op" in message or "Flex delegate" in message:
        named = f" ({flex[1]})" if flex else ""
        return EdgefkpError(
            f"{path} needs operators of TensorFlow itself{named}, which {runtime} does not have",
            "convert the network without SELECT_TF_OPS, with another operator in the place of this one",
        )
    custom = re.search(r"custom op\(?s?\)?:? *([\w-]+)", message)
    if custom and custom[1].startswith(_CORAL):
        return EdgefkpError(
            f"{path} is compiled for a Coral Edge TPU ({custom[1]}); {runtime} alone cannot run it",
            "with the Edge TPU: edgefkp bench FILE --delegate libedgetpu.so.1; else take the file it was compiled from",
        )
    if custom:
        return EdgefkpError(
            f"{path} needs the custom operator {custom[1]}, which {runtime} does not have",
            "convert it with built-in operators only",
        )
    return None


def not_the_file(runtime: str, signal: str) -> EdgefkpError | None:
    """The error for a process that a signal ended for a reason of its own; None for one that the file ended."""
    if signal not in _NOT_THE_FILE:
        return None
    what, cure = _NOT_THE_FILE[signal]
    return EdgefkpError(f"{runtime} {what}", cure)
