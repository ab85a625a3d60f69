"""What `edgefkp run` found, as the JSON that its table, figures and page are rendered from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from edgefkp.card import TERMS, CardStart, imputation_name
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.normalized import Normalized
from edgefkp.files import read_json
from edgefkp.layout import InputSpec
from edgefkp.records import read_record
from edgefkp.training.comparison import Comparison

SCHEMA = "edgefkp.run/1"


class _Split(TypedDict, total=False):
    split: str  # hash of who is in which part
    # read: the options that points were read with, but for defaults; doubts: what was found in the labels as a whole,
    # and is no error; audit: suspicious faces, by kind.
    labels: dict[str, Any]
    persons_known: bool  # False: only near-duplicates count as one person


class DataFacts(_Split):
    name: str
    licence: str
    hash: str
    faces: dict[str, int]  # in each part of the split
    persons: dict[str, int]


class RuntimeFacts(TypedDict):
    name: str
    version: str
    threads: int


class EpochFacts(TypedDict):
    """What is drawn of an epoch (edgefkp.training.fit has more)."""

    images: int  # shown until then
    train_rmse: float  # px
    validation_rmse: float  # px


@dataclass(frozen=True)
class FileResult:
    """One .tflite file."""

    scheme: str
    file: str
    bytes: int
    sha256: str
    rmse: float  # px, over the run's held-out faces
    interval: tuple[float, float]  # of the RMSE, 95 %
    seconds_per_100: float  # median pass over different images
    ms: float  # median of one image
    ms_interval: tuple[float, float]  # 95 %
    verdict: str  # of the benchmark on its own measurement
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModelResult:
    """One trained network."""

    model: str
    network: str
    title: str
    imputation: str = field(metadata={"json": "treatment"})
    augment: str
    parameters: int
    macs: int  # multiply-accumulates for one image
    bytes: int  # of the Keras file
    rmse: float  # px, before conversion, over the run's held-out faces
    interval: tuple[float, float]  # of the RMSE, 95 %
    images: int  # shown in training
    epochs: int
    best_epoch: int
    seconds: float  # of training
    history: list[EpochFacts] = field(repr=False)  # a row for each epoch
    files: list[FileResult]
    start: CardStart | None = None  # the trained network that it was fine-tuned from
    license: str = field(default="", metadata=TERMS)  # terms of what it was trained on
    # Before conversion: NME, failure rate, AUC and error curve by one length of the face; None if no face has it.
    normalized: Normalized | None = None
    nme_by: str = ""  # that length
    rmse_per_point: dict[str, float | None] = field(default_factory=dict)  # px, before conversion; None: no label

    @property
    def title_in_table(self) -> str:
        return f"{self.network}, fine-tuned" if self.start else self.network

    @property
    def imputation_name(self) -> str:
        return imputation_name(self.imputation, self.augment)

    def file(self, scheme: str) -> FileResult | None:
        return next((file for file in self.files if file.scheme == scheme), None)


@dataclass(frozen=True)
class RunResult:
    """Everything that one run found."""

    data: DataFacts
    faces: int  # that the RMSE counts
    coordinates: int  # that the RMSE counts
    mean_shape_rmse: float  # px: what always predicting the mean training face scores
    models: list[ModelResult]
    machine: dict[str, Any]  # as the benchmark describes it, and its `name`
    runtime: RuntimeFacts  # of the times
    versions: dict[str, str]
    created: str
    quick: bool = False
    input: InputSpec = InputSpec()  # noqa: RUF009 - of the networks
    own: Comparison | None = None  # what own faces gained by fine-tuning
    schema: str = SCHEMA

    @property
    def doubts(self) -> list[str]:
        """What was found in the labels, and is no error."""
        return list(self.data.get("labels", {}).get("doubts", []))

    @property
    def persons_known(self) -> bool:
        """The data name their persons, so that nobody can be in two parts; runs of before this was kept do not know."""
        return bool(self.data.get("persons_known"))

    def trained_enough(self, model: ModelResult) -> bool:
        """The network beats the constant mean shape on other persons, too: its whole 95 % interval lies below."""
        return model.interval[1] < self.mean_shape_rmse

    @property
    def best(self) -> ModelResult:
        return min(self.models, key=lambda model: model.rmse)


def read_run(path: Path | str) -> RunResult:
    """The result in a run.json. Raises EdgefkpError for a file that is not one."""
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        found = stored.get("schema", "no schema") if isinstance(stored, dict) else type(stored).__name__
        raise EdgefkpError(f"{path} holds {found}, expected {SCHEMA}", "give the run.json that edgefkp run wrote")
    return read_record(RunResult, stored, str(path), "make it again with edgefkp run")
