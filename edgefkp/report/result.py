"""What `edgefkp run` found, as the JSON that its table, figures and page are rendered from."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from edgefkp.card import imputation_name
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json

SCHEMA = "edgefkp.run/1"


@dataclass(frozen=True)
class FileResult:
    """One .tflite file. rmse: px, over the run's held-out faces; interval: 95 %.

    seconds_per_100: median pass over different images. ms: median of one image, with its 95 % interval.
    verdict, reasons: bench's, on its own measurement.
    """

    scheme: str
    file: str
    bytes: int
    sha256: str
    rmse: float
    interval: tuple[float, float]
    seconds_per_100: float
    ms: float
    ms_interval: tuple[float, float]
    verdict: str
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModelResult:
    """One trained network. bytes: of the Keras file. rmse: px, before conversion, over the run's held-out faces.

    images, epochs, seconds: what training was given. history: a row an epoch (edgefkp.training.fit).
    """

    model: str
    network: str
    title: str
    treatment: str
    augment: str
    parameters: int
    macs: int
    bytes: int
    rmse: float
    interval: tuple[float, float]
    images: int
    epochs: int
    best_epoch: int
    seconds: float
    history: list[dict[str, Any]] = field(repr=False)
    files: list[FileResult]

    @property
    def imputation_name(self) -> str:
        return imputation_name(self.treatment, self.augment)

    def file(self, scheme: str) -> FileResult | None:
        return next((file for file in self.files if file.scheme == scheme), None)


@dataclass(frozen=True)
class RunResult:
    """data: name, licence, hash, and the counts of faces and persons in each part of the split.

    faces, coordinates: how many the RMSE counts. mean_shape_rmse: what always answering the mean training face scores.
    machine: as bench describes it, and its `name`. runtime: name, version, threads of the times.
    """

    data: dict[str, Any]
    faces: int
    coordinates: int
    mean_shape_rmse: float
    models: list[ModelResult]
    machine: dict[str, Any]
    runtime: dict[str, Any]
    versions: dict[str, str]
    created: str
    quick: bool = False
    schema: str = SCHEMA

    def trained_enough(self, model: ModelResult) -> bool:
        """The network beats the constant mean shape."""
        return model.rmse < self.mean_shape_rmse

    @property
    def best(self) -> ModelResult:
        return min(self.models, key=lambda model: model.rmse)


def read_run(path: Path | str) -> RunResult:
    """The result in a run.json. Raises EdgefkpError for a file that is not one."""
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        found = stored.get("schema", "no schema") if isinstance(stored, dict) else type(stored).__name__
        raise EdgefkpError(f"{path} holds {found}, expected {SCHEMA}", "give the run.json that edgefkp run wrote")
    try:
        models = [
            _made(ModelResult, {**model, "files": [_made(FileResult, file) for file in model["files"]]})
            for model in stored["models"]
        ]
        return _made(RunResult, {**stored, "models": models})
    except (KeyError, TypeError) as error:
        raise EdgefkpError(f"{path} is not whole: {error}", "make it again with edgefkp run") from error


def _made(kind: Any, values: dict[str, Any]) -> Any:
    """`kind` from JSON: what an older or newer version added is left out, and lists of two are intervals."""
    known = {item.name for item in fields(kind)}
    return kind(
        **{
            name: tuple(value) if name.endswith("interval") else value
            for name, value in values.items()
            if name in known
        }
    )
