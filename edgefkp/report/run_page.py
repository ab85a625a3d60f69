"""One self-contained HTML file: tables and figures of a run, nothing fetched from anywhere."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from edgefkp.files import write_text
from edgefkp.report import figures, run_table
from edgefkp.report.result import ModelResult, RunResult
from edgefkp.report.sheet import Sheet

TEMPLATE = Path(__file__).with_name("page.html")


def write_page(path: Path, result: RunResult, sheet: Sheet | None = None) -> Path:
    """Write the report of a run; without a sheet it has no pictures of faces."""
    parts = [
        _opening(result),
        section("Results", _results(result)),
        section("Learning curves", _curves(result)),
        section("Size against RMSE", figure_svg(figures.size_against_rmse(result), _SIZES)),
        section("Predictions on held-out faces", _sheets(result, sheet)) if sheet else "",
        section("Every file", _files(result)),
        section("Training", _training(result)),
        section("Where this was measured", _origin(result)),
    ]
    return write_text(path, document(f"edgefkp run: {result.data['name']}", "\n".join(filter(None, parts))))


_CURVES = (
    "RMSE in px against the pictures shown in training. Training faces are scored as they are, without the changes "
    "that they are trained with; the weights of the best validation epoch are kept."
)
_SIZES = "Further down and to the left is better. Lines join the formats of one network."


def document(title: str, body: str) -> str:
    """A whole HTML page around `body`."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(title=escape(title), body=body)


def section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def figure_svg(figure: object, caption: str) -> str:
    return f"<figure>\n{figures.svg(figure)}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def figure_png(figure: object, caption: str) -> str:
    data = base64.b64encode(figures.png(figure)).decode()
    image = f'<img alt="{escape(caption, quote=True)}" src="data:image/png;base64,{data}">'
    return f"<figure>\n{image}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"


def data_table(headers: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "wide") -> str:
    """A table that a narrow screen shows as one card a row. kind: its classes; "wide numbers": one column of text."""
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td data-label="{escape(header, quote=True)}">{escape(cell)}</td>'
            for header, cell in zip(headers, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    body = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="facts">\n{body}\n</table>'


def _opening(result: RunResult) -> str:
    best = result.best
    quick = " A quick run: its numbers only show that everything works." if result.quick else ""
    verdict = (
        f"The best network, {best.model}, is off by {best.rmse:.2f} px (RMSE, 95 % interval "
        f"{best.interval[0]:.2f}-{best.interval[1]:.2f}) on {result.faces} faces of persons it never saw; always "
        f"answering the mean shape is off by {result.mean_shape_rmse:.2f} px."
    )
    return (
        f"<h1>Facial keypoints: {escape(result.data['name'])}</h1>\n"
        f'<p class="soft">edgefkp {escape(result.versions.get("edgefkp", ""))}, {escape(result.created)}</p>\n'
        f'<p class="lead">{escape(verdict + quick)}</p>'
    )


def _curves(result: RunResult) -> str:
    drawn = [figures.svg(figures.learning_curve(model, result.mean_shape_rmse)) for model in result.models]
    panels = "\n".join(f"<div>{panel}</div>" for panel in drawn)
    return f'<figure>\n<div class="beside">\n{panels}\n</div>\n<figcaption>{escape(_CURVES)}</figcaption>\n</figure>'


def _results(result: RunResult) -> str:
    headers = [f"{unit} {of}".strip().replace("- ", "") for unit, of in run_table.HEADERS]
    notes = "\n".join(f"<li>{escape(note)}</li>" for note in run_table.notes(result))
    return f'{data_table(headers, run_table.rows(result))}\n<ul class="notes">\n{notes}\n</ul>'


def _sheets(result: RunResult, sheet: Sheet) -> str:
    return "\n".join(
        figure_png(
            figures.prediction_sheet(sheet, model.model),
            f"{model.model}: true points as rings, predicted ones as crosses. Faces evenly spaced through the "
            f"held-out ones, not picked. Pictures: {result.data['licence']}.",
        )
        for model in sorted(result.models, key=lambda model: model.rmse)
        if model.model in sheet.predicted
    )


def _files(result: RunResult) -> str:
    headers = ("file", "format", "KB", "RMSE px", "95 % interval", "s/100", "ms an image", "95 % interval", "verdict")
    rows = []
    for model in result.models:
        rows.append((f"{model.model}.keras", "Keras", *_scored(model.bytes, model.rmse, model.interval), *"-" * 4))
        for file in model.files:
            low, high = file.ms_interval
            time = (f"{file.seconds_per_100:#.3g}", f"{file.ms:#.3g}", f"{low:#.3g}-{high:#.3g}", file.verdict)
            rows.append((file.file, file.scheme, *_scored(file.bytes, file.rmse, file.interval), *time))
    return data_table(headers, rows)


def _scored(size: int, rmse: float, interval: tuple[float, float]) -> tuple[str, str, str]:
    return run_table.kilobytes(size), f"{rmse:.3f}", f"{interval[0]:.2f}-{interval[1]:.2f}"


def _training(result: RunResult) -> str:
    headers = ("network", "treatment", "million MACs", "images shown", "epochs", "best epoch", "seconds", "trained")
    return data_table(headers, [_trained(result, model) for model in result.models])


def _trained(result: RunResult, model: ModelResult) -> tuple[str, ...]:
    return (
        f"{model.network} ({model.title})",
        model.imputation_name,
        f"{model.macs / 1e6:,.0f}",
        f"{model.images:,}",
        str(model.epochs),
        str(model.best_epoch),
        f"{model.seconds:,.0f}",
        "enough to beat the mean shape" if result.trained_enough(model) else "not trained enough",
    )


# What of bench's description is shown.
_MACHINE = {
    "name": "Machine",
    "features": "Instructions",
    "governor": "Governor",
    "system": "System",
    "kernel": "Kernel",
}


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _origin(result: RunResult) -> str:
    data, runtime = result.data, result.runtime
    faces, persons = data["faces"], data["persons"]
    counts = ", ".join(f"{name} {faces[name]} faces of {persons[name]} persons" for name in faces)
    return facts(
        [
            ("Data", f"{data['name']}: {counts}"),
            ("Licence and credit", data["licence"]),
            ("Times", f"{runtime['name']} {runtime['version']}, {runtime['threads']} thread(s), interpreter alone"),
            *((_MACHINE[name], _words(result.machine[name])) for name in _MACHINE if result.machine.get(name)),
            ("Versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
            ("Data hash", data["hash"]),
        ]
    )
