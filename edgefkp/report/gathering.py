"""From cards, scores and times to the records of a run's result."""

from edgefkp.bench.result import BenchRow
from edgefkp.card import Card
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.export.schemes import parse_tflite
from edgefkp.networks.registry import NETWORKS
from edgefkp.report.result import FileResult, ModelResult


def file_result(evaluation: Evaluation, row: BenchRow) -> FileResult:
    return FileResult(
        scheme=parse_tflite(evaluation.file).scheme,
        file=evaluation.file,
        bytes=row.bytes,
        sha256=row.sha256,
        rmse=evaluation.score.rmse,
        interval=evaluation.score.interval,
        seconds_per_100=row.seconds_per_100,
        ms=row.ms.p50,
        ms_interval=row.ms.interval,
        verdict=row.verdict,
        reasons=row.reasons,
    )


def model_result(card: Card, evaluation: Evaluation, files: list[FileResult]) -> ModelResult:
    """evaluation: of the Keras file."""
    score = evaluation.score
    last = card.history[-1]
    return ModelResult(
        model=card.model,
        network=card.network,
        title=NETWORKS[card.network].title,
        imputation=card.imputation,
        augment=card.augment,
        parameters=card.parameters,
        macs=card.macs,
        bytes=card.bytes,
        rmse=score.rmse,
        interval=score.interval,
        images=last["images"],
        epochs=last["epoch"],
        best_epoch=card.training["best_epoch"],
        seconds=last["seconds"],
        history=card.history,  # type: ignore[arg-type]
        files=files,
        start=card.start,
        license=card.data.license if card.data else "",
        normalized=score.own,
        nme_by=score.nme_by,
        rmse_per_point=score.rmse_per_point,
    )
