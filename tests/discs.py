"""Parts of a live run for tests: a moving disc that stands for a face, and the astronaut whose true track is known."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.finders.base import FaceBox
from edgefkp.geometry import Box
from edgefkp.layout import ModelSpec, PointLayout
from edgefkp.runtime.shipped import models

TINY = Path(__file__).parent / "fixtures" / "tiny.float32.tflite"
DISC = 0.3  # radius of a disc over the side of its face's box


def disc_frame(*boxes: Box, height: int = 240, width: int = 320) -> np.ndarray:
    """A dark BGR frame with a bright disc with soft edges for each face."""
    y, x = np.mgrid[:height, :width]
    frame = np.full((height, width), 20.0)
    for box in boxes:
        distance = np.hypot(x - box.x, y - box.y) - DISC * box.side
        frame += np.clip(0.5 - distance / 2, 0, 1) * 200
    return np.repeat(frame.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


class DiscNetwork:
    """A predictor that puts the mean shape where the disc is: as exact as pixels allow."""

    runtime, version, accelerator = "disc", "1", ""

    def __init__(self, spec: ModelSpec | None = None) -> None:
        self.spec = spec or ModelSpec()

    def predict(self, images: np.ndarray) -> np.ndarray:
        assert images.shape[1:] == self.spec.input.image_shape
        return np.stack([self._points(image.astype(float) - 20) for image in images])

    def _points(self, light: np.ndarray) -> np.ndarray:
        light = light.mean(-1) if light.ndim == 3 else light
        spec, total = self.spec.input, max(light.sum(), 1e-6)
        y, x = np.mgrid[: spec.side, : spec.side]
        middle = np.array([(light * x).sum(), (light * y).sum()]) / total
        side = np.sqrt(total / 200 / np.pi) / DISC
        shape = self.spec.layout.mean_points(spec.side)
        return ((shape - spec.center) * (side / spec.side) + middle).astype(np.float32)


class DiscFinder:
    """Finds the discs of `boxes`, somewhat beside their place; counts its calls."""

    name = "disc"

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.calls = 0

    def find(self, image: np.ndarray) -> list[FaceBox]:
        self.calls += 1
        return [FaceBox(box._replace(x=box.x + 4, y=box.y - 3, side=box.side * 1.15), 1.0) for box in self.boxes]


def disc_presence(crop: np.ndarray, keypoints: np.ndarray, layout: PointLayout) -> float:
    return 1.0 if crop.max() > 150 else 0.0


def disc_detector_of(spec: ModelSpec | None = None) -> KeypointDetector:
    """A detector that knows discs for faces, with the points and the input of `spec`."""
    return KeypointDetector(TINY, DiscFinder(), predictor=DiscNetwork(spec), presence=disc_presence)


@pytest.fixture
def disc_detector() -> KeypointDetector:
    return disc_detector_of()


@pytest.fixture(scope="session")
def model() -> Path:
    """A network that knows faces: $EDGEFKP_MODEL, or the shipped default."""
    if given := os.environ.get("EDGEFKP_MODEL"):
        return Path(given)
    if not models():
        pytest.skip("no model is shipped yet; give one in $EDGEFKP_MODEL")
    return models()[0]


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    pytest.importorskip("skimage")
    from bench import astronaut

    return astronaut.astronaut()


@pytest.fixture(scope="session")
def video(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the astronaut as .mp4."""
    from bench.astronaut import write_video

    path = tmp_path_factory.mktemp("video") / "astronaut.mp4"
    write_video(path, seconds=2)
    return path
