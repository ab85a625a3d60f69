"""A recipe: everything about a training run that is not data or network, as one small JSON object."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgefkp.data.augment import AugmentConfig
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import read_json
from edgefkp.records import json_name, read_record

RECIPES = Path(__file__).with_name("recipes")  # those that our own networks were trained by
LOSSES = ("smooth_l1", "mse", "wing")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
STARTS = ("mean_shape", "random")
STEPS, RIDGE = HEADS = ("steps", "ridge")
_FORM = 'write it as JSON: {"epochs": 80, "learning_rate": 0.001}; or leave --recipe out for the defaults'
_SHARE = (0.0, 1.0)
# Field -> the least and the largest value that is no mistake.
RANGES = {
    "epochs": (1, 100_000),
    "images": (1, 10**10),
    "batch": (2, 65_536),
    "learning_rate": (1e-9, 10.0),
    "warmup": _SHARE,
    "weight_decay": (0.0, 10.0),
    "beta": (1e-6, 10.0),
    "batchnorm_momentum": _SHARE,
    "ema": _SHARE,
    "settled": _SHARE,
    "patience": (0, 100_000),
    "seed": (0, 2**32 - 1),
    "online.degrees": (0.0, 180.0),
    "online.scale": (0.0, 0.9),
    "online.stretch": (0.0, 0.9),
    "online.shift": (0.0, 96.0),
    "online.mirror": _SHARE,
    "online.contrast": _SHARE,
    "online.brightness": (0.0, 255.0),
    "online.gamma": (0.0, 5.0),
    "online.noise": _SHARE,
    "online.noise_level": (0.0, 255.0),
    "online.blur": _SHARE,
    "online.occlusion": _SHARE,
    "online.occlusion_size": (0.0, 96.0),
    "online.dark": _SHARE,
    "online.unmoved": _SHARE,
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; a JSON file names only what differs from the defaults."""

    epochs: int = 40  # passes over the training faces
    images: int | None = None  # training images in all; where given, it decides instead of `epochs`
    batch: int = 64
    learning_rate: float = 2e-3  # the peak, after a linear warm-up; a cosine down to zero follows
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 1e-3  # of kernels alone
    loss: str = "smooth_l1"  # one of LOSSES
    # Of smooth_l1: where it turns from quadratic to linear; of wing: its curvature. In halves of the image's side.
    beta: float = field(default=0.1, metadata={"json": "corner"})
    # Of the running statistics while training; Keras' own 0.99 needs 40,000 images to forget the start.
    batchnorm_momentum: float = 0.9
    ema: float = 0.998  # largest decay of the averaged weights, which are what is scored and saved
    settled: float = 0.0  # share of the images, the last ones, that are altered half as far and half as often
    patience: int = 0  # epochs without a better validation RMSE until training stops early; 0 = never
    precision: str = field(default="auto", metadata={"decides": False})  # one of PRECISIONS
    seed: int = 0
    # "mean_shape": a last dense layer begins by predicting the mean training face; "random": as Keras makes it.
    start: str = field(default="mean_shape", metadata={"before": "random"})
    # Of a frozen backbone: learned by training steps, or solved by ridge regression (ridge.py), which takes of all the
    # fields above only `images`, or `epochs`, `batch` and `seed`.
    head: str = STEPS
    # At the end, the last layer is solved on unmirrored faces (last_layer.py), and kept so if validation persons gain.
    solved: bool = False
    online: AugmentConfig = field(default_factory=AugmentConfig)  # of --augment online

    def __post_init__(self) -> None:
        for name, known in (("loss", LOSSES), ("precision", PRECISIONS), ("start", STARTS), ("head", HEADS)):
            if getattr(self, name) not in known:
                raise UsageError(f"unknown {name} '{getattr(self, name)}'", f"choose one of: {', '.join(known)}")
        for part, within in ((self, ""), (self.online, "online.")):
            for one in dataclasses.fields(part):
                if limits := RANGES.get(f"{within}{one.name}"):
                    require_within(f"{within}{json_name(one)}", getattr(part, one.name), *limits)

    def changed(self, **changes: Any) -> "Recipe":
        """A copy with the changes that are not None."""
        return dataclasses.replace(self, **{name: value for name, value in changes.items() if value is not None})


def require_within(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:  # NaN is within nothing
        raise UsageError(f"{name} is {value:g}, expected {least:g} to {most:g}", "leave it out for the default")


def read_recipe(path: Path | str) -> Recipe:
    """A recipe from a JSON file that names only what differs from the default, or a committed one by its name.

    Raises UsageError for a name or a choice that does not exist, EdgefkpError for a field that does not exist or a
    value of the wrong type.
    """
    if not Path(path).exists():
        known = {file.stem: file for file in sorted(RECIPES.glob("*.json"))}
        if str(path) not in known:
            raise UsageError(f"no recipe '{path}'", f"give a JSON file, or one of: {', '.join(known)}")
        path = known[str(path)]
    names = ", ".join(json_name(one) for one in dataclasses.fields(Recipe))
    try:
        return read_record(Recipe, read_json(path, _FORM), str(path), f"fields: {names}", strict=True)
    except EdgefkpError as error:
        reason = error.__cause__ and error.__cause__.__cause__
        if isinstance(reason, UsageError):  # a value that the recipe itself refuses
            raise UsageError(f"{path}: {reason.message}", reason.hint) from error
        raise
