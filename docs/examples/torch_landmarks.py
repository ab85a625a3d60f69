"""A small PyTorch network of 68 points, as somebody else would write one: 112x112 RGB in -1..1, points in 0..1.

    python torch_landmarks.py faces68.zip 24           trains it and writes torch_landmarks.pt
    edgefkp import torch_landmarks:trained ...         imports it, see docs/MODELS_IN.md

Needs torch and edgefkp, whose reader of labeled faces it uses; the persons of the test part are not looked at.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SIDE, POINTS = 112, 68
WEIGHTS = Path("torch_landmarks.pt")
BATCH = 32
RATE = 2e-3
TURN, SCALE, SHIFT = 20.0, 0.12, 0.06  # degrees, and shares of the side, at most: how much faces are altered


def block(into: int, out: int, stride: int) -> nn.Sequential:
    """A depthwise and a pointwise convolution."""
    return nn.Sequential(
        nn.Conv2d(into, into, 3, stride, 1, groups=into, bias=False),
        nn.BatchNorm2d(into),
        nn.ReLU6(),
        nn.Conv2d(into, out, 1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU6(),
    )


class Landmarks(nn.Module):
    """(N, 3, 112, 112) in -1..1 -> (N, 136): x and y of each point, as shares of the side."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        sizes = ((16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1))
        self.blocks = nn.Sequential(*(block(*size) for size in sizes))
        self.last = nn.Linear(128 * 7 * 7, 2 * POINTS)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.blocks(self.first(images)).flatten(1))


def trained() -> nn.Module:
    """What edgefkp import calls: the network with the weights that the training wrote."""
    network = Landmarks()
    network.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    return network


def altered(images: Tensor, points: Tensor, mirror: Tensor) -> tuple[Tensor, Tensor]:
    """Faces turned, scaled, shifted and, half of them, mirrored, with their points as shares of the side."""
    count = len(images)
    angle = torch.deg2rad((torch.rand(count) * 2 - 1) * TURN)
    scale = 1 + (torch.rand(count) * 2 - 1) * SCALE
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    # From the altered image to the original one, in -1..1, as affine_grid takes it.
    linear = torch.stack([torch.stack([cos * flip, -sin], 1), torch.stack([sin * flip, cos], 1)], 1)
    shift = (torch.rand(count, 2, 1) * 2 - 1) * 2 * SHIFT
    grid = nn.functional.affine_grid(torch.cat([linear, shift], 2), list(images.shape), align_corners=False)
    moved = nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    back = torch.linalg.solve(linear, (points * 2 - 1).transpose(1, 2) - shift).transpose(1, 2)
    back = torch.where(flip[:, None, None] < 0, back[:, mirror], back)
    return moved, (back + 1) / 2


def train(data: str, epochs: int) -> nn.Module:
    """On the training persons of `data`; prints the error in pixels on its validation persons."""
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.split import split
    from edgefkp.layout import LAYOUTS, InputSpec

    layout = LAYOUTS["ibug68"]
    parts = split(open_dataset(data, layout=layout, input=InputSpec(SIDE, "rgb")))
    mirror = torch.from_numpy(layout.mirror_order)
    torch.manual_seed(0)
    network = Landmarks()
    images, points = tensors(parts.train)
    with torch.no_grad():
        network.last.bias.copy_(points.mean(0).flatten())
        network.last.weight.mul_(0.1)
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for epoch in range(epochs):
        begun, order = time.process_time(), torch.randperm(len(images))
        for rows in order[: len(order) // BATCH * BATCH].view(-1, BATCH):
            seen, truth = altered(images[rows].float() / 127.5 - 1, points[rows], mirror)
            loss = (network(seen) - truth.flatten(1)).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        error = validation_error(network, *tensors(parts.validation))
        print(f"epoch {epoch + 1}: {error:.2f} px, {time.process_time() - begun:.0f} s of CPU", flush=True)
    return network


def tensors(faces) -> tuple[Tensor, Tensor]:
    """(N, 3, side, side) bytes, (N, K, 2) shares of the side."""
    images = torch.from_numpy(np.ascontiguousarray(np.moveaxis(faces.images, -1, 1)))
    return images, torch.from_numpy(faces.keypoints / SIDE)


@torch.no_grad()
def validation_error(network: nn.Module, images: Tensor, points: Tensor) -> float:
    """RMSE in pixels."""
    network.eval()
    found = torch.cat([network(part.float() / 127.5 - 1) for part in images.split(64)])
    network.train()
    return float(SIDE * (found - points.flatten(1)).square().mean().sqrt())


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.save(train(sys.argv[1], int(sys.argv[2])).state_dict(), WEIGHTS)
