"""The page of a run: its tables and figures as one self-contained HTML file."""

from pathlib import Path
from typing import Any

from edgefkp.bench.verdict import SIGNS_EXPLAINED, mark_of_time, mark_of_verdict, signed_time
from edgefkp.errors import counted
from edgefkp.evaluation.table import BAD, GOOD, Column, Table, significant
from edgefkp.files import write_text
from edgefkp.report import run_table
from edgefkp.report.page import TEMPLATES, render
from edgefkp.report.result import ModelResult, RunResult
from edgefkp.report.run_figures import FIGURES, RunEvidence, ShownFaces
from edgefkp.training.comparison import verdict


def write_page(path: Path, result: RunResult, shown: ShownFaces | None = None) -> Path:
    """Write the report of a run; without `shown` it has no images of faces.

    Raises EnvironmentProblem without matplotlib or Jinja2.
    """
    page = render(
        TEMPLATES / "run.html",
        title=f"edgefkp run: {result.data['name']}",
        result=result,
        verdict=_verdict(result),
        own=run_table.comparison_table(result.own) if result.own else None,
        results=run_table.table(result),
        sections=list(FIGURES.sections(RunEvidence(result, shown))),
        files=_files(result),
        training=_training(result),
        origin=_origin(result),
    )
    return write_text(path, page)


def _verdict(result: RunResult) -> str:
    best = result.best
    quick = " A quick run: its numbers only show that everything works." if result.quick else ""
    if result.own:
        return f"{verdict(result.own)}{quick}"
    low, high = best.interval
    persons = " of persons that no training saw" if result.persons_known else ""
    mean = f"always predicting the mean shape has {result.mean_shape_rmse:.2f} px"
    than = "; " if result.trained_enough(best) else ". That is not clearly better than the mean shape: "
    return (
        f"The best network, {best.model}, has an RMSE of {best.rmse:.2f} px (95 % interval {low:.2f}-{high:.2f}) on "
        f"{counted(result.faces, 'held-out face')}{persons}{than}{mean}.{quick}"
    )


FILES = (
    Column("file", "left"),
    Column("format", "left"),
    Column("KB"),
    Column("RMSE, px"),
    Column("95 % interval, px"),
    Column("s per 100 images", mark=mark_of_time),
    Column("ms an image", mark=mark_of_time),
    Column("95 % interval, ms"),
    Column("verdict on the times", "left", mark=mark_of_verdict),
)


def _files(result: RunResult) -> Table:
    rows = []
    for model in result.models:
        rows.append([f"{model.model}.keras", "Keras", *_scored(model.bytes, model.rmse, model.interval), *"-" * 4])
        for file in model.files:
            low, high = file.ms_interval
            times = (signed_time(file.seconds_per_100, file.verdict), signed_time(file.ms, file.verdict))
            interval = f"{significant(low)}-{significant(high)}"
            scored = _scored(file.bytes, file.rmse, file.interval)
            rows.append([file.file, file.scheme, *scored, *times, interval, file.verdict])
    return Table(FILES, rows, [f"{SIGNS_EXPLAINED}."])


def _scored(size: int, rmse: float, interval: tuple[float, float]) -> tuple[str, str, str]:
    return run_table.kilobytes(size), f"{rmse:.3f}", f"{interval[0]:.2f}-{interval[1]:.2f}"


TRAINING = (
    Column("network", "left"),
    Column("imputation", "left"),
    Column("million MACs"),
    Column("images shown"),
    Column("epochs"),
    Column("best epoch"),
    Column("seconds"),
    Column("trained", "left", mark=lambda cell: GOOD if cell == ENOUGH else BAD),
)


def _training(result: RunResult) -> Table:
    return Table(TRAINING, [_trained(result, model) for model in result.models])


def _trained(result: RunResult, model: ModelResult) -> list[str]:
    return [
        f"{model.title_in_table} ({model.title})",
        model.imputation_name,
        f"{model.macs / 1e6:,.0f}",
        f"{model.images:,}",
        str(model.epochs),
        str(model.best_epoch),
        f"{model.seconds:,.0f}",
        ENOUGH if result.trained_enough(model) else WEAK_LABELS if result.doubts else WEAK,
    ]


ENOUGH = "enough to beat the mean shape"
WEAK, WEAK_LABELS = "not trained enough", "does not beat the mean shape: doubtful labels"

# What the page shows of the machine's description.
_MACHINE = {
    "name": "Machine",
    "features": "Instructions",
    "governor": "Governor",
    "system": "System",
    "kernel": "Kernel",
}


def _origin(result: RunResult) -> list[tuple[str, str]]:
    data, runtime = result.data, result.runtime
    faces, persons = data["faces"], data["persons"]
    who = "persons" if result.persons_known else "persons or groups of near-duplicates"
    counts = ", ".join(f"{name} {counted(faces[name], 'face')} of {persons[name]} {who}" for name in faces)
    return [
        ("Data", f"{data['name']}: {counts}"),
        *_labels(result),
        ("License and credit", data["licence"]),
        *((f"Terms of {model.model}", model.license) for model in result.models if model.start),
        (
            "Times",
            f"{runtime['name']} {runtime['version']}, {run_table.threads(runtime['threads'])}, interpreter alone",
        ),
        *((title, _words(result.machine[name])) for name, title in _MACHINE.items() if result.machine.get(name)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("Data hash", data["hash"]),
    ]


def _labels(result: RunResult) -> list[tuple[str, str]]:
    """How the labels were read, and what is suspicious in them; runs before these were kept have nothing."""
    if "labels" not in result.data:
        return []
    labels = result.data["labels"]
    read = ", ".join(f"{name} {_words(value)}" for name, value in labels["read"].items())
    found = ", ".join(f"{kind} {count}" for kind, count in labels["audit"].items() if count)
    lines = [("Labels read with", read)] if read else []
    lines.append(("Audit of the labels", found or "nothing found"))
    return lines + [("Doubtful labels", doubt) for doubt in labels["doubts"]]


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
