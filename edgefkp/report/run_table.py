"""The final table of a run, for terminals, Markdown and the page."""

from edgefkp.evaluation.table import Column, Table
from edgefkp.report.result import FileResult, ModelResult, RunResult

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
        model.network + ("" if result.trained_enough(model) else MARK),
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
    weak = [model.network for model in result.models if not result.trained_enough(model)]
    lines = [
        f"RMSE in px of the {side}x{side} image over {result.coordinates:,} coordinates of {result.faces} held-out "
        f"faces ({result.data['name']}); Keras: before conversion, int8: after.",
        f"{timing(result)}; KB = 1000 bytes.",
    ]
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


def timing(result: RunResult) -> str:
    """Where the times come from: a latency without these means nothing."""
    runtime, machine = result.runtime, result.machine.get("name", "unknown machine")
    threads = f"{runtime['threads']} thread{'' if runtime['threads'] == 1 else 's'}"
    return f"s/100: seconds per 100 images, {runtime['name']} {runtime['version']}, {threads}, {machine}"
