"""tflite: a .tflite file of anyone's, which stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgefkp.export.sources import SOURCES, Shapes, Source, has_suffix


def _write(given: str, shapes: Shapes, target: Path) -> None:
    from edgefkp.runtime.graph import read_graph

    read_graph(given)
    shutil.copyfile(given, target)


TFLITE = SOURCES.add(Source("tflite", "a .tflite file", 0, has_suffix(".tflite"), _write))
