"""The final table of a run, for terminals, Markdown and the page."""

from edgefkp.evaluation.table import Column, Table
from edgefkp.report.result import FileResult, ModelResult, RunResult
from edgefkp.training.comparison import MEAN_SHAPE, Comparison, verdict

COLUMNS = (
    Column("network", "left", narrowest=10),
    Column("imputation", "left"),
    Column("parameters"),
    Column("KB\nKeras", drop=2),
    Column("KB\nfloat", drop=2),
    Column("KB\nint8"),
    Column("s/100\nfloat"),
    Column("s/100\nint8"),
    Column("RMSE\nKeras"),
    Column("RMSE\nint8"),
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
MARK = "*"  # follows the name of a network that does not beat the mean shape


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
    return f"{file.seconds_per_100:#.3g}" if file else "-"


def kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f}"


def notes(result: RunResult) -> list[str]:
    """Lines that belong below the table wherever it is shown."""
    side = result.input.side
    weak = [model.title_in_table for model in result.models if not result.trained_enough(model)]
    lines = [
        f"RMSE in px of the {side}x{side} image over {result.coordinates:,} coordinates of {result.faces} held-out "
        f"faces ({result.data['name']}); Keras: before conversion, int8: after.",
        f"{timing(result)}; KB = 1000 bytes.",
    ]
    if result.own and result.own.faces > result.faces:
        lines.insert(
            1, f"{result.faces} faces are too few to judge by: compare models by the {result.own.faces} above."
        )
    lines += terms(result)
    if weak and result.doubts:
        lines.append(f"{MARK} does not beat the mean shape ({', '.join(weak)}), and the labels are doubtful.")
    elif weak:
        lines.append(f"{MARK} not trained enough: does not beat the mean shape ({', '.join(weak)}).")
    lines += [f"Doubtful labels: {doubt}" for doubt in result.doubts]
    suspect = [
        f"{file.file} {file.verdict} ({file.reasons[0]})"
        for model in result.models
        for file in model.files
        if file.verdict != "VALID"
    ]
    if suspect:
        lines.append(f"Times to doubt: {', '.join(suspect)}.")
    if result.quick:
        lines.append("A quick run: trained and timed only long enough to show that everything works.")
    return lines


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
    persons = f"{comparison.persons} persons" if comparison.persons_known else "persons that are not named"
    lines = [
        verdict(comparison),
        f"RMSE in px over {comparison.coordinates:,} coordinates of {comparison.faces} faces of {persons}: "
        f"{comparison.held_out}. The difference is that from the untouched network, the same persons drawn for both.",
    ]
    if not comparison.persons_known:
        lines.append("Without a column person the same face may have been trained on: the numbers may flatter.")
    return Table(COMPARISON, rows, lines)


def _interval(value: tuple[float, float]) -> str:
    return f"{value[0]:.2f} to {value[1]:.2f}"


def timing(result: RunResult) -> str:
    """Where the times come from: a latency without these means nothing."""
    runtime, machine = result.runtime, result.machine.get("name", "unknown machine")
    threads = f"{runtime['threads']} thread{'' if runtime['threads'] == 1 else 's'}"
    return f"s/100: seconds per 100 images, {runtime['name']} {runtime['version']}, {threads}, {machine}"
