"""Quiet around native code: what C++ libraries print on file descriptors 1 and 2 must not mix with results."""

import contextlib
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import IO

from edgefkp.errors import EnvironmentProblem


@contextlib.contextmanager
def captured() -> Iterator[IO[bytes]]:
    """Send both descriptors to a temporary file for the block, and yield it for whoever wants to read it.

    Python's own streams are flushed first, so that nothing printed before is lost.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    kept = {}
    with tempfile.TemporaryFile() as chatter:
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):  # a descriptor that is closed needs no quiet
                kept[descriptor] = os.dup(descriptor)
                os.dup2(chatter.fileno(), descriptor)
        try:
            yield chatter
        finally:
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)


def require_tensorflow(what: str) -> None:
    """Import TensorFlow without its start-up messages, and with oneDNN's kernels on every x86 processor.

    By itself it takes them only where there is AVX512; with AVX2, too, they train faster than Eigen's.
    TF_ENABLE_ONEDNN_OPTS=0 in the environment leaves them off.

    Raises EnvironmentProblem, with the line that installs it, where it is missing.
    """
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise EnvironmentProblem(f"{what} needs TensorFlow, which is not installed", "pip install 'edgefkp[train]'")
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() == "x86_64":
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with captured():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for CUDA, and complains when there is none
