"""The files of face finders."""

from pathlib import Path
from typing import Any

from bench.faults import KINDS, Kind, Sample
from bench.faults.calls import drawn, samples_of
from bench.faults.kinds.models import alter_tflite


def make_finder_file(folder: Path) -> list[Sample]:
    """A tiny finder that TensorFlow makes in a process of its own."""
    from edgefkp.runtime import isolate

    isolate.call(save_tiny_finder, str(folder))
    return samples_of(folder, "finder.tflite")


def save_tiny_finder(folder: str) -> None:
    import keras

    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.schemes import FLOAT
    from edgefkp.networks.finder import make_finder

    keras.utils.set_random_seed(1)
    network = make_finder(64, 96, channels=(4, 4, 4, 4, 4), neck=4)
    (Path(folder) / "finder.tflite").write_bytes(convert(network, ConversionSettings(FLOAT)))


def find(path: Path) -> list[Any]:
    from edgefkp.detect.finders.edge import EdgeFinder

    finder = EdgeFinder(path)
    finder.threshold = finder.threshold_in_windows = 0.0  # every cell is a face: what the file gives is looked at
    return [[[*face.box, face.score] for face in finder.find_in_still(image)] for image in drawn(2)[0]]


KINDS.add(Kind("finder", ".tflite of the finder edge", make_finder_file, alter_tflite, find, 100, needs="tensorflow"))
