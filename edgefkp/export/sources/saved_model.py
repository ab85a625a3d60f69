"""saved_model: a folder that TensorFlow saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.sources import SOURCES, Shapes, Source
from edgefkp.export.sources.keras import INSTALL

_SIGNATURE = "serving_default"


def _recognizes(given: str) -> bool:
    return (Path(given) / "saved_model.pb").is_file()


def _write(given: str, shapes: Shapes, target: Path) -> None:
    """Of the signature serving_default, for one image at a time."""
    from edgefkp.errors import reading
    from edgefkp.files import captured_fds, write_bytes
    from edgefkp.networks.tensorflow import require_tensorflow

    require_tensorflow(given)
    import tensorflow as tf

    with reading(given, "a SavedModel that TensorFlow loads", "save it again: model.export(FOLDER)"):
        loaded = tf.saved_model.load(given)
    if _SIGNATURE not in loaded.signatures:
        known = ", ".join(loaded.signatures) or "none"
        raise EdgefkpError(
            f"{given} has no signature {_SIGNATURE} (it has: {known})", "save it with model.export(FOLDER)"
        )
    function = loaded.signatures[_SIGNATURE]
    takes = function.structured_input_signature[1]
    specs = {name: _fixed(given, spec, shapes[which : which + 1]) for which, (name, spec) in enumerate(takes.items())}

    @tf.function
    def one(**tensors: Any) -> Any:
        return function(**tensors)

    with captured_fds():
        try:
            concrete = one.get_concrete_function(**specs)
            content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], loaded).convert()
        except Exception as error:  # the converter raises many kinds, with pages of text
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise EdgefkpError(
                f"{given} cannot be converted: {reason[:150]}", "give the network as a .keras or .h5 file"
            ) from error
    write_bytes(target, bytes(content))


def _fixed(given: str, spec: Any, shape: Shapes) -> Any:
    import tensorflow as tf

    sizes = list(shape[0]) if shape else spec.shape.as_list()
    sizes[0] = sizes[0] or 1
    if None in sizes:
        raise UsageError(
            f"{given} takes inputs of any size ({sizes}); a .tflite needs one", "give it: --shape 1,96,96,1"
        )
    return tf.TensorSpec(sizes, spec.dtype, name=spec.name)


SAVED_MODEL = SOURCES.add(
    Source(
        "saved_model",
        "the folder of a SavedModel",
        3,
        _recognizes,
        _write,
        packages=("tensorflow",),
        install=INSTALL,
        name_of=lambda given: Path(given).resolve().name,
    )
)
