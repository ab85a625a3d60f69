"""A small PyTorch network of 68 points, as somebody else would write one: 112x112 RGB in -1..1, points in 0..1.

    python torch_landmarks.py faces68.zip 24           trains it for 24 epochs and writes torch_landmarks.pt
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
RATE = 1e-3
RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0)  # of the first last layer, over the mean square of the features
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
    half = 0.5 / SIDE  # pixel centers are at whole numbers, the image's edges half a pixel outside
    places = (points + half) * 2 - 1
    back = torch.linalg.solve(linear, places.transpose(1, 2) - shift).transpose(1, 2)
    back = torch.where(flip[:, None, None] < 0, back[:, mirror], back)
    return moved, (back + 1) / 2 - half


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
    held_out = tensors(parts.validation)
    error = begin(network, images, points, held_out)
    torch.save(network.state_dict(), WEIGHTS)
    print(f"least squares: {error:.2f} px", flush=True)
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
        error = validation_error(network, *held_out)
        torch.save(network.state_dict(), WEIGHTS)
        print(f"epoch {epoch + 1}: {error:.2f} px, {time.process_time() - begun:.0f} s of CPU", flush=True)
    return network


@torch.no_grad()
def begin(network: Landmarks, images: Tensor, points: Tensor, held_out: tuple[Tensor, Tensor]) -> float:
    """Make the last layer the least-squares solution on the features of the layers before it, which are random.

    Returns the error in pixels on the faces held out, by which the ridge is chosen.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # a plain mean over what it sees
    features(network.train(), images)
    for norm in norms:
        norm.momentum = 0.1
    known = features(network.eval(), images)
    middle, target = known.mean(0), points.flatten(1)
    known, mean = known - middle, target.mean(0)
    gram = known @ known.T
    best = (float("inf"), network.last.weight.clone(), network.last.bias.clone())
    for ridge in RIDGES:
        damped = gram + ridge * gram.diagonal().mean() * torch.eye(len(gram))
        weight = (known.T @ torch.linalg.solve(damped, target - mean)).T
        network.last.weight.copy_(weight)
        network.last.bias.copy_(mean - weight @ middle)
        error = validation_error(network, *held_out)
        best = min(best, (error, weight, network.last.bias.clone()), key=lambda tried: tried[0])
    network.last.weight.copy_(best[1])
    network.last.bias.copy_(best[2])
    network.train()
    return best[0]


def features(network: Landmarks, images: Tensor) -> Tensor:
    """(N, 6272) what the last layer sees."""
    parts = [network.blocks(network.first(part.float() / 127.5 - 1)).flatten(1) for part in images.split(64)]
    return torch.cat(parts)


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
    train(sys.argv[1], int(sys.argv[2]))
