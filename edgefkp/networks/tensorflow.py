"""TensorFlow, imported when it is needed and never before."""

import os
import platform
import sys
from importlib.util import find_spec

from edgefkp.errors import EnvironmentProblem
from edgefkp.files import captured_fds


def look_for_tensorflow(what: str) -> None:
    """Raise EnvironmentProblem, with the line that installs it, where TensorFlow is missing; nothing is imported."""
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise EnvironmentProblem(f"{what} needs TensorFlow, which is not installed", "pip install 'edgefkp[train]'")


def require_tensorflow(what: str) -> None:
    """Import TensorFlow without its start-up messages, and with oneDNN's kernels on every x86 processor.

    By itself it takes them only with AVX512; with AVX2, too, they train faster than Eigen's.
    TF_ENABLE_ONEDNN_OPTS=0 in the environment leaves them off.

    Raises EnvironmentProblem as `look_for_tensorflow`.
    """
    look_for_tensorflow(what)
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() == "x86_64":
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with captured_fds():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for CUDA, and complains without it
