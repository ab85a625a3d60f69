"""task: the zip in which MediaPipe publishes its face landmarker (FaceMesh V2); the network of the points is taken."""

from __future__ import annotations

from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.sources import SOURCES, Shapes, Source, has_suffix

_LARGEST = 1 << 30  # bytes unpacked
_MEMBER = "face_landmarks_detector.tflite"


def _write(given: str, shapes: Shapes, target: Path) -> None:
    from edgefkp.files import opened_zip, write_bytes
    from edgefkp.runtime.graph import read_graph

    with opened_zip(Path(given), "a .task file of MediaPipe, which is a zip", "copy it again", _LARGEST) as archive:
        held = archive.namelist()
        if _MEMBER not in held:
            raise EdgefkpError(
                f"{given} holds no {_MEMBER} but {', '.join(held[:6]) or 'nothing'}",
                "give MediaPipe's face_landmarker.task, or unpack this one and import the .tflite in it",
            )
        write_bytes(target, archive.read(_MEMBER))
    read_graph(target)


TASK = SOURCES.add(Source("task", "a .task file of MediaPipe's face landmarker", 6, has_suffix(".task"), _write))
