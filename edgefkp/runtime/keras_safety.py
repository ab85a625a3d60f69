"""Try a .keras file in a child process, as `safety` does for a .tflite: another's network may bring down TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import is_whole_zip, require_card_hash, versions
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file
from edgefkp.networks.tensorflow import look_for_tensorflow
from edgefkp.runtime import passed, shipped
from edgefkp.runtime.keras_model import load_keras
from edgefkp.runtime.safety import CHECK, tried_images, try_in_child

_RUNTIME = "keras"
LEAST = 32  # of a size that a network leaves open
_SECONDS = 180.0  # on a busy board TensorFlow takes many of them to start


def check_keras(path: Path) -> None:
    """Return if the network loads and runs in a child process, did so before, or was made on this machine.

    Raises EdgefkpError if the file is damaged, is not the one of its card, or does not run, EnvironmentProblem without
    TensorFlow.
    """
    look_for_tensorflow(path.name)
    digest = sha256_file(path)
    require_card_hash(path, digest)
    if digest in shipped.hashes() or passed.has_passed(CHECK, digest, *_facts()):
        return
    if path.suffix == ".keras" and not is_whole_zip(path):
        raise EdgefkpError(f"{path} is not a whole .keras file", "train or copy it again")
    try_in_child(probe, path, _RUNTIME, _SECONDS)
    passed.remember(CHECK, digest, *_facts())


def remember_keras(path: Path) -> None:
    """Call this for a file that this process has made: it needs no check."""
    passed.remember(CHECK, sha256_file(path), *_facts())


def _facts() -> tuple[str, ...]:
    return _RUNTIME, *versions("keras", "tensorflow").values()


def _zeros(tensor: Any) -> np.ndarray:
    return np.zeros([tensor.shape[0] or 1, *(side or LEAST for side in tensor.shape[1:])], tensor.dtype)


def probe(path: str, runtime: str) -> None:
    """In the child: load, and run once on images, or on zeros where it takes something else."""
    known = load_keras(Path(path))
    try:
        if known.is_keypoint_model:
            known.predict(tried_images(known.spec.input.image_shape))
        else:
            zeros = [_zeros(tensor) for tensor in known.model.inputs]
            structure = getattr(known.model, "_inputs_struct", None)
            known.model(dict(zip(sorted(structure), zeros, strict=True)) if isinstance(structure, dict) else zeros)
    except EdgefkpError:
        raise
    except Exception as error:  # layers raise whatever they like
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:150]
        raise EdgefkpError(f"{path} is damaged: {runtime} cannot run it ({cause})", "train or copy it again") from error
