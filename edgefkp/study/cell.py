"""A cell of the study: one network trained once under one treatment, and what is kept of it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgefkp.card import imputation_name, model_name
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.networks.registry import NETWORKS
from edgefkp.training.recipe import Recipe
from edgefkp.training.train import Experiment

SCHEMA = "edgefkp.cell/1"


@dataclass(frozen=True)
class Cell:
    """images: training images in all. pretrained: starts from the study's ImageNet weights. options: of the network."""

    network: str
    treatment: str
    augment: str
    images: int
    seed: int = 0
    learning_rate: float = Recipe.learning_rate
    pretrained: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        model = model_name(self.network, self.treatment, self.augment)
        return f"{model}-seed{self.seed}" if self.seed else model

    @property
    def column(self) -> str:
        """The column of the paper's tables: drop, ffill, knn, augment, and our masked-online."""
        return imputation_name(self.treatment, self.augment)

    @property
    def row(self) -> str:
        """The row of the paper's tables: its tuned networks, one for each treatment, share one."""
        row = "tuned" if self.network.startswith("tuned_") else self.network
        return f"{row} seed {self.seed}" if self.seed else row

    @property
    def head_only(self) -> bool:
        return NETWORKS[self.network].frozen and self.augment != "online"

    def experiment(self, weights: str | None) -> Experiment:
        """weights: of the study; taken only by cells that are `pretrained`."""
        recipe = Recipe(images=self.images, learning_rate=self.learning_rate, seed=self.seed)
        start = weights if self.pretrained else None
        return Experiment(self.network, self.treatment, self.augment, recipe, start, dict(self.options))


@dataclass(frozen=True)
class CellResult:
    """Everything that the report needs of a cell; written once, as models/study/<cell>.json.

    key: of the Experiment. weights: {"name", "sha256"} of the weights that it started from, None for random ones.
    counts: what the treatment left: faces, labelled coordinates, and those of them that were imputed.
    scores: "validation_rmse"; "test", an Evaluation; "mean_shape", what the mean training face scores there; "sheet",
    the points (px) predicted for a few "rows" of the test faces.
    persons: {"squares", "coordinates"}: each test person's sum of squared errors (px^2) and coordinates, persons in
    order of their names, so that cells can be compared in pairs; "kaggle_squares" and "kaggle_coordinates" over those
    that Kaggle's IdLookupTable lists, where the data have one. seconds: of the whole cell, on `cores` cores.
    file: sha256, parameters' and files' sizes of the network that was scored.
    """

    cell: str
    column: str
    identity: dict[str, Any]
    key: str
    weights: dict[str, str] | None
    data: dict[str, Any]
    counts: dict[str, int]
    parameters: int
    macs: int
    training: dict[str, Any]
    history: list[dict[str, Any]]
    scores: dict[str, Any]
    persons: dict[str, list[float]]
    seconds: float
    cores: int
    file: dict[str, Any]
    versions: dict[str, str]
    schema: str = SCHEMA

    @property
    def images_a_second(self) -> float:
        return self.identity["images"] / max(self.seconds, 1e-9)


def identity_of(cell: Cell) -> dict[str, Any]:
    return asdict(cell)


def cell_of(identity: dict[str, Any]) -> Cell:
    return Cell(**identity)


def read_result(path: Path) -> CellResult:
    """Raises EdgefkpError where `path` is not the result of a cell."""
    stored = read_json(path)
    try:
        if stored["schema"] != SCHEMA:
            raise KeyError("schema")
        return CellResult(**stored)
    except (KeyError, TypeError) as error:
        raise EdgefkpError(f"{path} is not the result of a cell: {error}", "move it elsewhere and run again") from error
