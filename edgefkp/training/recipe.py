"""A recipe: everything about a training run that is not data or network, as one small JSON object."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgefkp.data.augment import AugmentConfig
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import read_json

RECIPES = Path(__file__).with_name("recipes")  # those that our own networks were trained by
LOSSES = ("smooth_l1", "mse", "wing")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
STARTS = ("mean_shape", "random")


@dataclass(frozen=True)
class Recipe:
    """epochs: passes over the training faces. images: where given, decides instead of epochs.

    learning_rate: the peak; a linear warm-up over `warmup` of the steps, then a cosine down to zero.
    batchnorm_momentum: of the running statistics while training (Keras' own 0.99 needs 40,000 images to forget
        the start). ema: largest decay of the averaged weights, which are what is scored and saved.
    patience: epochs without a better validation RMSE until it stops early; 0 = never.
    start: "mean_shape" lets a last dense layer begin by answering the mean training face; "random" as Keras makes it.
    """

    epochs: int = 40
    images: int | None = None
    batch: int = 64
    learning_rate: float = 2e-3
    warmup: float = 0.05
    weight_decay: float = 1e-3
    loss: str = "smooth_l1"
    corner: float = 0.1  # of smooth_l1 and wing, in units of half the picture's side
    batchnorm_momentum: float = 0.9
    ema: float = 0.998
    patience: int = 0
    precision: str = "auto"
    seed: int = 0
    start: str = "mean_shape"
    online: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        for name, known in (("loss", LOSSES), ("precision", PRECISIONS), ("start", STARTS)):
            if getattr(self, name) not in known:
                raise UsageError(f"unknown {name} '{getattr(self, name)}'", f"choose one of: {', '.join(known)}")
        if self.batch < 2 or self.epochs < 1 or (self.images is not None and self.images < 1):
            raise UsageError("a recipe needs batch >= 2, epochs >= 1 and images >= 1")

    def changed(self, **changes: Any) -> "Recipe":
        """A copy with the changes that are not None."""
        return dataclasses.replace(self, **{name: value for name, value in changes.items() if value is not None})


def read_recipe(path: Path | str) -> Recipe:
    """A recipe from a JSON file that names only what differs from the default, or a committed one by its name.

    Raises UsageError for a name that is not there, EdgefkpError for a field that does not exist or a value of the
    wrong type.
    """
    if not Path(path).exists():
        known = {file.stem: file for file in sorted(RECIPES.glob("*.json"))}
        if str(path) not in known:
            raise UsageError(f"no recipe '{path}'", f"give a JSON file, or one of: {', '.join(known)}")
        path = known[str(path)]
    fields = read_json(path)
    try:
        online = AugmentConfig(**fields.pop("online", {}))
        return Recipe(online=online, **fields)
    except (TypeError, AttributeError) as error:
        names = ", ".join(f.name for f in dataclasses.fields(Recipe))
        raise EdgefkpError(f"{path} is not a recipe: {error}", f"fields: {names}") from error
