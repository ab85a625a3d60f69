"""The page of a run: its tables and figures as one self-contained HTML file."""

from pathlib import Path
from typing import Any

from edgefkp.evaluation.table import Table
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
    return (
        f"The best network, {best.model}, is off by {best.rmse:.2f} px (RMSE, 95 % interval "
        f"{best.interval[0]:.2f}-{best.interval[1]:.2f}) on {result.faces} faces of persons it never saw; always "
        f"predicting the mean shape is off by {result.mean_shape_rmse:.2f} px.{quick}"
    )


def _files(result: RunResult) -> Table:
    heads = ("file", "format", "KB", "RMSE px", "95 % interval", "s/100", "ms an image", "95 % interval", "verdict")
    rows = []
    for model in result.models:
        rows.append([f"{model.model}.keras", "Keras", *_scored(model.bytes, model.rmse, model.interval), *"-" * 4])
        for file in model.files:
            low, high = file.ms_interval
            time = (f"{file.seconds_per_100:#.3g}", f"{file.ms:#.3g}", f"{low:#.3g}-{high:#.3g}", file.verdict)
            rows.append([file.file, file.scheme, *_scored(file.bytes, file.rmse, file.interval), *time])
    return Table.of(heads, rows, words=2)


def _scored(size: int, rmse: float, interval: tuple[float, float]) -> tuple[str, str, str]:
    return run_table.kilobytes(size), f"{rmse:.3f}", f"{interval[0]:.2f}-{interval[1]:.2f}"


def _training(result: RunResult) -> Table:
    heads = ("network", "imputation", "million MACs", "images shown", "epochs", "best epoch", "seconds", "trained")
    return Table.of(heads, [_trained(result, model) for model in result.models], words=2)


def _trained(result: RunResult, model: ModelResult) -> list[str]:
    return [
        f"{model.title_in_table} ({model.title})",
        model.imputation_name,
        f"{model.macs / 1e6:,.0f}",
        f"{model.images:,}",
        str(model.epochs),
        str(model.best_epoch),
        f"{model.seconds:,.0f}",
        "enough to beat the mean shape" if result.trained_enough(model) else _weak(result),
    ]


def _weak(result: RunResult) -> str:
    return "does not beat the mean shape: doubtful labels" if result.doubts else "not trained enough"


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
    counts = ", ".join(f"{name} {faces[name]} faces of {persons[name]} persons" for name in faces)
    return [
        ("Data", f"{data['name']}: {counts}"),
        *_labels(result),
        ("License and credit", data["licence"]),
        *((f"Terms of {model.model}", model.license) for model in result.models if model.start),
        ("Times", f"{runtime['name']} {runtime['version']}, {runtime['threads']} thread(s), interpreter alone"),
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
