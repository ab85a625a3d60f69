"""The own finder with weights from clean terms alone: its card, edge-free.json, names each source and license."""

from pathlib import Path

from edgefkp.detect.finders.base import FINDERS, Finder
from edgefkp.detect.finders.edge import EdgeFinder


class EdgeFreeFinder(EdgeFinder):
    name = "edge-free"
    model = Path(__file__).with_name("edge-free.int8.tflite")


FINDERS.add(
    Finder(
        EdgeFreeFinder.name,
        "as edge, taught by photos with free licenses alone, for products; finds fewer faces; needs nothing",
        lambda argument: EdgeFreeFinder(argument or None),
        "FILE.tflite",
    )
)
