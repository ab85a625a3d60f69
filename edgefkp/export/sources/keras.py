"""keras: a network that Keras 3 loads, as .keras or .h5."""

from __future__ import annotations

from pathlib import Path

from edgefkp.export.sources import SOURCES, Shapes, Source, has_suffix

INSTALL = "pip install 'edgefkp[train]'"


def write_keras(given: str, shapes: Shapes, target: Path) -> None:
    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.folding import folded
    from edgefkp.export.schemes import FLOAT
    from edgefkp.files import write_bytes
    from edgefkp.runtime.keras_model import load_keras

    write_bytes(target, convert(folded(load_keras(Path(given)).model), ConversionSettings(FLOAT)))


KERAS = SOURCES.add(
    Source(
        "keras",
        "a .keras file",
        1,
        has_suffix(".keras"),
        write_keras,
        packages=("tensorflow",),
        install=INSTALL,
    )
)
