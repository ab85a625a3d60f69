"""The final table of a run, for terminals, Markdown and the page."""

from edgefkp.bench.verdict import SIGNS_EXPLAINED, VALID, mark_of_time, signed_time
from edgefkp.errors import counted
from edgefkp.evaluation.table import BAD, Column, Table
from edgefkp.report.result import FileResult, ModelResult, RunResult
from edgefkp.training.comparison import MEAN_SHAPE, Comparison, verdict

MARK = "*"  # follows the name of a network that does not beat the mean shape
COLUMNS = (
    Column("network", "left", narrowest=10, mark=lambda cell: BAD if cell.endswith(MARK) else ""),
    Column("imputation", "left"),
    Column("parameters"),
    Column("KB\nKeras", drop=2, title="KB, Keras"),
    Column("KB\nfloat", drop=2, title="KB, float32"),
    Column("KB\nint8", title="KB, int8"),
    Column("s/100\nfloat", title="s per 100 images, float32", mark=mark_of_time),
    Column("s/100\nint8", title="s per 100 images, int8", mark=mark_of_time),
    Column("RMSE\nKeras", title="RMSE px, Keras"),
    Column("RMSE\nint8", title="RMSE px, int8"),
    Column("faces", drop=1),
)
COMPARISON = (
    Column("model", "left", narrowest=12),
    Column("how", "left"),
    Column("RMSE\npx"),
    Column("95 %\ninterval"),
    Column("less than\nuntouched"),
    Column("difference\npx, 95 %"),
)


def table(result: RunResult) -> Table:
    """A row for each network, then one for the constant mean shape; "-" for what was not measured.

    RMSE in px of the network's image; s/100 is seconds per 100 images.
    """
    rows = [_row(result, model) for model in result.models]
    mean = f"{result.mean_shape_rmse:.2f}"
    return Table(COLUMNS, [*rows, ["mean shape", *["-"] * 7, mean, "-", str(result.faces)]], notes(result))


def _row(result: RunResult, model: ModelResult) -> list[str]:
    float32, int8 = model.file("float32"), model.file("int8")
    return [
        model.title_in_table + ("" if result.trained_enough(model) else MARK),
        model.imputation_name,
        f"{model.parameters:,}",
        kilobytes(model.bytes),
        kilobytes(float32.bytes) if float32 else "-",
        kilobytes(int8.bytes) if int8 else "-",
        _seconds(float32),
        _seconds(int8),
        f"{model.rmse:.2f}",
        f"{int8.rmse:.2f}" if int8 else "-",
        str(result.faces),
    ]


def _seconds(file: FileResult | None) -> str:
    return signed_time(file.seconds_per_100, file.verdict) if file else "-"


def kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f}"


def notes(result: RunResult) -> list[str]:
    """Lines that belong below the table wherever it is shown."""
    side = result.input.side
    weak = [model.title_in_table for model in result.models if not result.trained_enough(model)]
    lines = [
        f"RMSE in px of the {side}x{side} image over {counted(result.coordinates, 'coordinate')} of "
        f"{counted(result.faces, 'held-out face')} ({result.data['name']}); Keras: before conversion, int8: after.",
        f"{timing(result)}; KB = 1000 bytes.",
    ]
    if result.own and result.own.faces > result.faces:
        lines.insert(
            1,
            f"{counted(result.faces, 'face')} are too few to judge by: compare models by the {result.own.faces} above.",
        )
    lines += terms(result)
    if weak:
        missed = f"{_missed(result)} ({', '.join(weak)})"
        likely = f"{missed}, and the labels are doubtful" if result.doubts else f"not trained enough: {missed}"
        lines.append(f"{MARK} {likely}.")
    lines += [f"Doubtful labels: {doubt}" for doubt in result.doubts]
    suspect = [
        f"{file.file} {file.verdict} ({file.reasons[0]})"
        for model in result.models
        for file in model.files
        if file.verdict != VALID
    ]
    if suspect:
        lines.append(f"Unreliable times ({SIGNS_EXPLAINED}): {', '.join(suspect)}.")
    if result.quick:
        lines.append("A quick run: trained and timed only long enough to show that everything works.")
    return lines


def _missed(result: RunResult) -> str:
    """What the networks with a MARK did not reach."""
    weak = [model for model in result.models if not result.trained_enough(model)]
    if any(model.rmse < result.mean_shape_rmse for model in weak):
        return "does not beat the mean shape by more than its 95 % interval"
    return "does not beat the mean shape"


def terms(result: RunResult) -> list[str]:
    """The terms of what was fine-tuned: its own faces', and those of what its start was trained on."""
    return [f"Terms of {model.model}: {model.license}." for model in result.models if model.start]


def comparison_table(comparison: Comparison) -> Table:
    """A row for each way to find the points of own faces, all on the same held-out persons."""
    untouched = comparison.untouched
    rows = []
    for row in comparison.rows:
        gain = difference = "-"
        if untouched and row.difference and row.kind != MEAN_SHAPE:
            gain, difference = f"{1 - row.rmse / untouched.rmse:+.1%}", _interval(row.difference)
        rows.append([row.model or "-", row.kind, f"{row.rmse:.3f}", _interval(row.interval), gain, difference])
    persons = counted(comparison.persons, "person") if comparison.persons_known else "persons that are not named"
    lines = [
        verdict(comparison),
        f"RMSE in px over {counted(comparison.coordinates, 'coordinate')} of {counted(comparison.faces, 'face')} of "
        f"{persons}: {comparison.held_out}. The difference is that from the untouched network, the same persons drawn "
        "for both.",
    ]
    if not comparison.persons_known:
        lines.append("Without a column person the same face may have been trained on: the numbers may flatter.")
    return Table(COMPARISON, rows, lines)


def _interval(value: tuple[float, float]) -> str:
    return f"{value[0]:.2f} to {value[1]:.2f}"


def timing(result: RunResult) -> str:
    """Where the times come from: a latency without these means nothing."""
    runtime, machine = result.runtime, result.machine.get("name", "unknown machine")
    how = f"{runtime['name']} {runtime['version']}, {threads(runtime['threads'])}, {machine}"
    return f"s/100: seconds per 100 images, {how}"


def threads(count: int) -> str:
    return counted(count, "thread")
