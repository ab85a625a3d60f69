"""A run's result, written by hand: nothing is trained or timed to test how it is shown."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.card import CardStart
from edgefkp.evaluation.normalized import Normalized
from edgefkp.layout import KAGGLE15
from edgefkp.report.evaluation_figures import WorstFaces
from edgefkp.report.result import FileResult, ModelResult, RunResult
from edgefkp.report.run_figures import ShownFaces
from edgefkp.training.comparison import MEAN_SHAPE, TUNED, ComparedModel, Comparison
from edgefkp.training.schedule import UNTOUCHED


def make_file(model: str, scheme: str, rmse: float) -> FileResult:
    return FileResult(
        scheme=scheme,
        file=f"{model}.{scheme}.tflite",
        bytes=1_215_488 if scheme == "float32" else 320_120,
        sha256=f"{model}{scheme}".ljust(64, "0"),
        rmse=rmse,
        interval=(rmse - 0.125, rmse + 0.125),
        seconds_per_100=0.03125,
        ms=0.3125,
        ms_interval=(0.3, 0.35),
        verdict="VALID",
    )


def make_model(network: str, rmse: float) -> ModelResult:
    model = f"{network}-masked-online"
    history = [
        {"epoch": 1, "images": 2048, "loss": 0.5, "train_rmse": 7.0, "validation_rmse": 8.0, "seconds": 2.0},
        {"epoch": 2, "images": 4096, "loss": 0.1, "train_rmse": 3.0, "validation_rmse": rmse, "seconds": 4.0},
    ]
    return ModelResult(
        model=model,
        network=network,
        title=f"The {network} network",
        imputation="masked",
        augment="online",
        parameters=303_470,
        macs=16_028_928,
        bytes=1_296_000,
        rmse=rmse,
        interval=(rmse - 0.125, rmse + 0.125),
        images=4096,
        epochs=2,
        best_epoch=2,
        seconds=4.0,
        history=history,
        files=[make_file(model, "float32", rmse), make_file(model, "int8", rmse + 0.0625)],
        normalized=Normalized(
            nme=2 * rmse,
            interval=(rmse, 3 * rmse),
            faces=100,
            failure_rate={"8": 50.0, "10": 25.0},
            auc={"8": 0.25, "10": 0.375},
            curve=[0.0] * 40 + [0.5] * 50 + [0.75] * 11,
        ),
        nme_by="interpupil",
        rmse_per_point={name: rmse + number / 8 for number, name in enumerate(KAGGLE15.points)},
    )


@pytest.fixture(scope="session")
def result() -> RunResult:
    """Two networks: `small` beats the mean shape, `manual` does not."""
    return RunResult(
        data={
            "name": "sample",
            "licence": "Faces <of> nobody & co",
            "hash": "d" * 64,
            "split": "e" * 64,
            "faces": {"train": 270, "validation": 30, "test": 100},
            "persons": {"train": 27, "validation": 3, "test": 10},
            "persons_known": True,
        },
        faces=100,
        coordinates=2968,
        mean_shape_rmse=3.75,
        models=[make_model("small", 2.0), make_model("manual", 4.5)],
        machine={"name": "A board, 4 cores, aarch64", "cores": 4},
        runtime={"name": "litert", "version": "2.3.0", "threads": 1},
        versions={"edgefkp": "0.1.0", "python": "3.11.7"},
        created="2026-11-22T09:00:00Z",
    )


@pytest.fixture
def wide(result: RunResult) -> RunResult:
    """The longest network name and the largest numbers that the zoo has."""
    long = replace(make_model("nasnetmobile_frozen", 4.5), parameters=4_301_426, bytes=18_480_000, augment="online")
    return replace(result, models=[long])


@pytest.fixture(scope="session")
def shown(result: RunResult) -> ShownFaces:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 96, 96), np.uint8)
    truth = rng.uniform(10, 80, (3, 15, 2)).astype(np.float32)
    truth[0, 0] = np.nan
    worst = WorstFaces(images, truth, truth + 9, ["a.png", "b.png", "c.png"], [12.7, 12.7, 12.7], KAGGLE15)
    models = [model.model for model in result.models]
    return ShownFaces(images, truth, dict.fromkeys(models, truth + 1), dict.fromkeys(models, worst))


@pytest.fixture
def compared() -> Comparison:
    """Own faces that a fine-tuning gained too little from to be sure."""
    rows = [
        ComparedModel(UNTOUCHED, "small-masked-online", 1.0, (0.9, 1.1)),
        ComparedModel(TUNED, "small.finetuned-masked-online", 0.95, (0.8, 1.1), (-0.1, 0.02)),
        ComparedModel(MEAN_SHAPE, "", 4.0, (3.5, 4.5), (2.5, 3.5)),
    ]
    return Comparison(rows, 42, 21, 1260, "each face once, 5-fold cross-validation over persons", True)


@pytest.fixture
def tuned_result(result: RunResult, compared: Comparison) -> RunResult:
    """The first network was fine-tuned."""
    start = CardStart("small.keras", "f" * 64, "strangers", "for research")
    terms = "mine; inherited from small.keras: for research"
    tuned = replace(result.models[0], start=start, license=terms)
    return replace(result, models=[tuned, result.models[1]], own=compared)
