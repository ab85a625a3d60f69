"""The example of a PyTorch network in docs/examples."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "torch_landmarks.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("torch_landmarks", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_returns_two_numbers_a_point(example: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    found = example.Landmarks().eval()(torch.zeros(2, 3, example.SIDE, example.SIDE))
    assert tuple(found.shape) == (2, 2 * example.POINTS)


def test_points_move_with_the_images(example: ModuleType) -> None:
    """A bright spot on one point is found where the point went, also in mirrored images."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    side, count = example.SIDE, 16
    images, points = torch.zeros(count, 3, side, side), torch.full((count, 2, 2), 0.5)
    x, y = 70, 45
    images[:, :, y - 1 : y + 2, x - 1 : x + 2] = 1
    points[:, 0] = torch.tensor([x / side, y / side])
    moved, there = example.altered(images, points, torch.tensor([1, 0]))
    places = torch.arange(side, dtype=torch.float32)
    weights = moved[:, 0] / moved[:, 0].sum((1, 2), keepdim=True)
    found = torch.stack([(weights.sum(1) * places).sum(1), (weights.sum(2) * places).sum(1)], 1)
    nearest = (there * side - found[:, None]).norm(dim=2).min(1)
    assert float(nearest.values.max()) < 0.3
    assert set(nearest.indices.tolist()) == {0, 1}  # mirrored, the point has the other one's name
