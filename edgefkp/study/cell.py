"""A cell of the study: one network trained once with one imputation, and the result that is kept of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from edgefkp.card import CardData, imputation_name, model_name
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.files import read_json
from edgefkp.networks.registry import NETWORKS
from edgefkp.records import read_record
from edgefkp.report.result import EpochFacts
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import RIDGE, STEPS, Recipe

SCHEMA = "edgefkp.cell/1"
_HINT = "move it elsewhere and run again"


@dataclass(frozen=True)
class StudyCell:
    """What decides a cell."""

    network: str
    imputation: str = field(metadata={"json": "treatment"})
    augment: str
    images: int  # training images in all
    seed: int = 0
    learning_rate: float = Recipe.learning_rate
    pretrained: bool = False  # starts from the study's ImageNet weights
    options: dict[str, Any] = field(default_factory=dict)  # of the network
    head: str = STEPS  # how the head of a frozen backbone is found: RIDGE solves it (training/ridge.py)

    @property
    def name(self) -> str:
        model = model_name(self.network, self.imputation, self.augment)
        return f"{model}-seed{self.seed}" if self.seed else model

    @property
    def column(self) -> str:
        """The column of the paper's tables: drop, ffill, knn, augment, and our masked-online."""
        return imputation_name(self.imputation, self.augment)

    @property
    def row(self) -> str:
        """The row of the paper's tables: its tuned networks, one for each imputation, share one."""
        row = "tuned" if self.network.startswith("tuned_") else self.network
        return f"{row} seed {self.seed}" if self.seed else row

    @property
    def solved(self) -> bool:
        """Whether its weights are an exact answer, and not where training steps came to."""
        return self.head == RIDGE

    @property
    def head_only(self) -> bool:
        return NETWORKS[self.network].frozen and self.augment != "online"

    def experiment(self, weights: str | None) -> Experiment:
        """weights: of the study; only `pretrained` cells use them."""
        recipe = Recipe(images=self.images, learning_rate=self.learning_rate, seed=self.seed, head=self.head)
        start = weights if self.pretrained else None
        return Experiment(self.network, self.imputation, self.augment, recipe, start, dict(self.options))


class PlanFacts(TypedDict):
    """What the report shows of a training's plan (edgefkp.training.step_plan has more)."""

    precision: str
    lanes: int


class HeadFacts(TypedDict):
    """How strongly a solved head is held at zero; the validation RMSE of each strength that was tried is there, too."""

    strength: float


class SolvedFacts(TypedDict, total=False):
    """What a training has whose head was solved."""

    head: HeadFacts


class TrainingFacts(SolvedFacts):
    """What the report shows of a training; its recipe and best epoch are there, too."""

    plan: PlanFacts


class Epoch(EpochFacts):
    epoch: int


@dataclass(frozen=True)
class KeptPoints:
    """The predictions of a few test faces, for the figure that shows them."""

    rows: list[int]  # of the test faces
    predicted: list[list[tuple[float, float]]]  # (rows, K) x and y in px


@dataclass(frozen=True)
class CellScores:
    """What the cell's network scored."""

    test: Evaluation
    mean_shape: dict[str, float | None]  # px: "rmse" and "kaggle_rmse" of the mean training face on the test faces
    sheet: KeptPoints
    validation_rmse: float  # px


@dataclass(frozen=True)
class CellResult:
    """Everything that the report needs of a cell; written once, as models/study/<cell>.json."""

    cell: str
    column: str
    identity: StudyCell
    key: str  # of the Experiment
    weights: dict[str, str] | None  # name and sha256 of the weights that training started from; None: random ones
    data: CardData
    counts: dict[str, int]  # left by the imputation: faces, labeled coordinates, and how many of those were imputed
    parameters: int
    macs: int  # multiply-accumulates for one image
    training: TrainingFacts
    history: list[Epoch]
    scores: CellScores
    # Each test person's "squares" (sum of squared errors, px^2) and "coordinates" (number), persons in order of their
    # names, so that cells can be compared in pairs; "kaggle_squares" and "kaggle_coordinates" over those that Kaggle's
    # IdLookupTable lists, if the data have one.
    persons: dict[str, list[float]]
    seconds: float  # of the whole cell, on `cores` cores
    cores: int
    file: dict[str, Any]  # of the network that was scored: name, sha256, bytes as .keras and as .h5
    versions: dict[str, str]
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        kinds = ("", "kaggle_") if "kaggle_squares" in self.persons else ("",)
        for kind in kinds:
            squares, coordinates = (self.persons.get(f"{kind}{name}", []) for name in ("squares", "coordinates"))
            if not squares or len(squares) != len(coordinates) or min(coordinates) < 0 or not sum(coordinates):
                raise EdgefkpError(f"{len(squares)} {kind}squares of persons and {len(coordinates)} of coordinates")
            if f"{kind}rmse" not in self.scores.mean_shape:
                raise EdgefkpError(f"there is no {kind}rmse of the mean shape")


def read_result(path: Path) -> CellResult:
    """Raises EdgefkpError if `path` is not the result of a cell."""
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise EdgefkpError(f"{path} is not the result of a cell", _HINT)
    return read_record(CellResult, stored, str(path), _HINT)
